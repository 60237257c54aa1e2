# An ECS task definition on Fargate with one container: its image by digest, its log group, a role for what it does and
# one for starting it.

variable "family" {
  type = string
}

variable "container" {
  description = "Name of the container; state machines name it in their overrides."
  type        = string
}

variable "image" {
  description = "Image by digest; null: what `make deploy` pushed last into the repository."
  type        = string
  default     = null
}

variable "repository" {
  description = "Name, ARN and URL of the repository."
  type        = object({ name = string, arn = string, url = string })
}

variable "command" {
  type    = list(string)
  default = []
}

variable "environment" {
  description = "Environment variables of the container."
  type        = map(string)
}

variable "cpu" {
  type = number
}

variable "memory_mb" {
  type = number
}

variable "storage_gb" {
  type    = number
  default = 20
}

variable "architecture" {
  type = string
}

variable "statements" {
  description = "What the task may do besides `policy_arns`: statements of a policy."
  type        = any
}

variable "policy_arns" {
  description = "Name -> ARN of policies of the task's role."
  type        = map(string)
}

variable "permissions_boundary" {
  type = string
}

variable "log_retention_days" {
  type = number
}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

data "aws_ecr_image" "this" {
  count           = var.image == null ? 1 : 0
  repository_name = var.repository.name
  image_tag       = "current"
}

locals {
  image = var.image == null ? "${var.repository.url}@${data.aws_ecr_image.this[0].image_digest}" : var.image

  assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.family}"
  retention_in_days = var.log_retention_days
}

# The role of the program.
resource "aws_iam_role" "task" {
  name                 = "${var.family}-task"
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "task" {
  name   = "task"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = var.statements })
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each   = var.policy_arns
  role       = aws_iam_role.task.name
  policy_arn = each.value
}

# The role of ECS itself: fetch the image, write the log.
resource "aws_iam_role" "execution" {
  name                 = "${var.family}-execution"
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "LogIn", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Sid      = "FetchImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [var.image == null ? var.repository.arn : "*"]
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
    ]
  })
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mb
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    cpu_architecture        = var.architecture == "arm64" ? "ARM64" : "X86_64"
    operating_system_family = "LINUX"
  }

  dynamic "ephemeral_storage" {
    for_each = var.storage_gb > 20 ? [var.storage_gb] : []
    content {
      size_in_gib = ephemeral_storage.value
    }
  }

  container_definitions = jsonencode([{
    name        = var.container
    image       = local.image
    essential   = true
    command     = var.command
    environment = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
    stopTimeout = 60 # a run that is stopped commits what is complete
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this.name
        "awslogs-region"        = data.aws_region.this.id
        "awslogs-stream-prefix" = "moulin"
      }
    }
  }])
}

output "task_definition_arn" {
  value = aws_ecs_task_definition.this.arn
}

output "target" {
  description = "What a state machine needs to run it; role_arns are what whoever starts the task passes on."
  value = {
    task_definition = aws_ecs_task_definition.this.arn
    family          = var.family
    container       = var.container
    role_arns       = [aws_iam_role.task.arn, aws_iam_role.execution.arn]
  }
}

output "image" {
  value = local.image
}
