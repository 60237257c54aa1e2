# The source chess: pipelines/ingest/chess-ingestion as a Lambda function, or as an ECS task.
# The files chess_*.tf are one source's whole infrastructure; a source of another name has the same files with its name
# in place of this one (`moulin new source NAME` writes them).

variable "chess" {
  description = "How the source runs in this environment."
  type = object({
    runs_on              = optional(string, "zip")    # zip or image: a Lambda function; ecs: a task on Fargate
    architecture         = optional(string, "x86_64") # or arm64
    memory_mb            = optional(number, 1024)
    timeout_s            = optional(number, 900) # functions; a load that needs longer goes on in the next round
    storage_mb           = optional(number, 2048)
    cpu                  = optional(number, 512) # tasks: 1024 = one processor
    image                = optional(string)      # by digest; null: what `make deploy` pushed last
    in_vpc               = optional(bool, false) # functions: in the VPC's subnets
    reserved_concurrency = optional(number, -1)
    environment          = optional(map(string), {}) # more environment variables
  })
  default  = {}
  nullable = false
}

module "chess_ecr" {
  source       = "./modules/ecr"
  name         = "${var.environment}-chess-ingestion"
  force_delete = var.allow_destroy
}

module "chess_lambda_function" {
  source = "./modules/ingestion"

  environment          = var.environment
  source_name          = "chess"
  settings             = var.chess
  package_folder       = var.package_folder
  repository           = { name = module.chess_ecr.name, arn = module.chess_ecr.arn, url = module.chess_ecr.url }
  policy_arns          = { write_ingestion = aws_iam_policy.bucket_ingestion_read_write.arn }
  statements           = concat(local.ingestion_statements, [module.chess_secrets.read_statement])
  subnet_ids           = local.subnet_ids
  security_group_ids   = [aws_security_group.tasks.id]
  notices_topic        = aws_sns_topic.notices.arn
  permissions_boundary = var.permissions_boundary
  log_retention_days   = var.log_retention_days
}
