# One source as a Lambda function (zip or image) or as an ECS task: settings.runs_on decides. The roles, the log group
# and what it may touch are the same in each case.

locals {
  name      = "${var.environment}-${var.source_name}-ingestion"
  is_task   = var.settings.runs_on == "ecs"
  is_zip    = var.settings.runs_on == "zip"
  zip       = "${coalesce(var.package_folder, "-")}/${var.source_name}-${var.settings.architecture}.zip"
  image     = length(data.aws_ecr_image.this) == 0 ? var.settings.image : "${var.repository.url}@${data.aws_ecr_image.this[0].image_digest}"
  variables = merge({ ENVIRONMENT = var.environment, MOULIN_SOURCE = var.source_name, MOULIN_LOG_FORMAT = "json", TMPDIR = "/tmp" }, var.settings.environment)

  function_arn = "arn:${data.aws_partition.this.partition}:lambda:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:function:${local.name}"
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_partition" "this" {}

data "aws_ecr_image" "this" {
  count           = var.settings.runs_on == "image" && var.settings.image == null ? 1 : 0
  repository_name = var.repository.name
  image_tag       = "current"
}

# ---- as a function

resource "aws_cloudwatch_log_group" "this" {
  count             = local.is_task ? 0 : 1
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  count                = local.is_task ? 0 : 1
  name                 = local.name
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  count = local.is_task ? 0 : 1
  name  = "function"
  role  = aws_iam_role.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(var.statements, [{
      Sid      = "WriteLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this[0].arn}:*"]
      }], [for statement in [{
        Sid      = "JoinVpc"
        Effect   = "Allow"
        Action   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
        Resource = ["*"]
    }] : statement if var.settings.in_vpc])
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = local.is_task ? {} : var.policy_arns
  role       = aws_iam_role.this[0].name
  policy_arn = each.value
}

resource "aws_lambda_function" "this" {
  count         = local.is_task ? 0 : 1
  function_name = local.name
  description   = "moulin ingest ${var.source_name}"
  role          = aws_iam_role.this[0].arn
  architectures = [var.settings.architecture]
  memory_size   = var.settings.memory_mb
  timeout       = var.settings.timeout_s

  package_type     = local.is_zip ? "Zip" : "Image"
  runtime          = local.is_zip ? "provided.al2023" : null
  handler          = local.is_zip ? "bootstrap" : null
  filename         = local.is_zip ? local.zip : null
  source_code_hash = local.is_zip && fileexists(local.zip) ? filebase64sha256(local.zip) : null
  image_uri        = local.is_zip ? null : local.image

  # One at a time: two loads of one source from the same state would only get into each other's way.
  reserved_concurrent_executions = var.settings.reserved_concurrency

  ephemeral_storage {
    size = var.settings.storage_mb
  }

  environment {
    variables = local.variables
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this[0].name
  }

  dynamic "vpc_config" {
    for_each = var.settings.in_vpc ? [1] : []
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = !local.is_zip || var.package_folder == null || fileexists(local.zip)
      error_message = "dist/${var.source_name}-${var.settings.architecture}.zip is missing: `make package ENVIRONMENT=${var.environment}` writes it, and `make deploy` does so by itself."
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.this]
}

# The state machine tries again, and knows what is worth it; Lambda itself does not.
resource "aws_lambda_function_event_invoke_config" "this" {
  count                        = local.is_task ? 0 : 1
  function_name                = aws_lambda_function.this[0].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 3600
}

resource "aws_cloudwatch_metric_alarm" "throttled" {
  count               = local.is_task ? 0 : 1
  alarm_name          = "${local.name}-throttled"
  alarm_description   = "Lambda refused to start ${local.name}: the account's or the function's concurrency is used up."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = local.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.notices_topic]
}

# ---- as a task

module "task" {
  count  = local.is_task ? 1 : 0
  source = "../task"

  family               = local.name
  container            = "ingestion"
  image                = var.settings.image
  repository           = var.repository
  command              = ["ingest", var.source_name]
  environment          = local.variables
  cpu                  = var.settings.cpu
  memory_mb            = var.settings.memory_mb
  storage_gb           = ceil(var.settings.storage_mb / 1024)
  architecture         = var.settings.architecture
  statements           = var.statements
  policy_arns          = var.policy_arns
  permissions_boundary = var.permissions_boundary
  log_retention_days   = var.log_retention_days
}
