# The dbt project as a task on ECS. Its definition's ARN is kept in the SSM parameter /<environment>/dbt_task_definition,
# where others who want to run it (a notebook, another state machine) find it.

variable "dbt" {
  description = "The task that builds the dbt project."
  type = object({
    architecture = optional(string, "x86_64")
    cpu          = optional(number, 1024) # 1024 = one processor
    memory_mb    = optional(number, 4096)
    storage_gb   = optional(number, 20)
    image        = optional(string)          # by digest; null: what `make deploy` pushed last
    environment  = optional(map(string), {}) # more environment variables
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.dbt.architecture)
    error_message = "dbt.architecture is x86_64 or arm64."
  }
}

module "dbt_ecr" {
  source       = "./modules/ecr"
  name         = "${var.environment}-dbt"
  force_delete = var.allow_destroy
}

module "ecs_task_definition_dbt" {
  source = "./modules/task"

  family       = "${var.environment}-dbt"
  container    = "dbt"
  image        = var.dbt.image
  repository   = { name = module.dbt_ecr.name, arn = module.dbt_ecr.arn, url = module.dbt_ecr.url }
  command      = ["build"]
  environment  = merge({ ENVIRONMENT = var.environment, MOULIN_LOG_FORMAT = "json", TMPDIR = "/tmp" }, var.dbt.environment)
  cpu          = var.dbt.cpu
  memory_mb    = var.dbt.memory_mb
  storage_gb   = var.dbt.storage_gb
  architecture = var.dbt.architecture

  policy_arns = {
    read_ingestion = aws_iam_policy.bucket_ingestion_read.arn
    write_staging  = aws_iam_policy.bucket_staging_read_write.arn
  }
  statements           = local.dbt_statements
  permissions_boundary = var.permissions_boundary
  log_retention_days   = var.log_retention_days
}

locals {
  # It reads what was landed, and builds its own.
  dbt_statements = concat(
    [
      { Sid = "ReadLanding", Effect = "Allow", Action = local.glue_read_actions, Resource = local.glue_resources.landing },
      {
        Sid      = "BuildTables"
        Effect   = "Allow"
        Action   = concat(local.glue_read_actions, local.glue_write_actions, ["glue:CreateDatabase"])
        Resource = local.glue_resources.built
      },
      { Sid = "ProgramFiles", Effect = "Allow", Action = local.object_write_actions, Resource = [local.ingestion_program_arn] },
    ],
    [for statement in local.athena_statements : statement if local.engine == "athena"]
  )
}

module "dbt_task_definition" {
  source = "./modules/parameter"
  name   = "/${var.environment}/dbt_task_definition"
  value  = module.ecs_task_definition_dbt.task_definition_arn
}
