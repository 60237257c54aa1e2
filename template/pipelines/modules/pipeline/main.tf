# A state machine from the very file that `moulin run` runs, and what starts it: schedules, new objects.

locals {
  name = "${var.environment}-${var.workflow}_pipeline"

  names = merge(
    var.names,
    { for ingestion in var.ingestions : "${ingestion.source_name}_ingestion_function" => ingestion.function_name },
    { for name, task in var.tasks : name => task.task_definition }
  )
  text    = templatefile(var.definition_file, local.names)
  machine = try(jsondecode(local.text), { States = {} })

  # Where a source runs as an ECS task, the states that call its function run the task instead: same name, same pace of
  # retries, same place of the result. A task has no deadline, so it is always complete when it ends well.
  tasks = { for ingestion in var.ingestions : ingestion.function_name => ingestion if ingestion.is_task }
  states = {
    for name, state in local.machine.States : name => jsondecode(
      contains(keys(local.tasks), try(state.Parameters.FunctionName, ""))
      ? jsonencode(merge(state, {
        Resource = "arn:${data.aws_partition.this.partition}:states:::ecs:runTask.sync"
        Parameters = {
          Cluster        = var.names.ecs_cluster
          TaskDefinition = local.tasks[state.Parameters.FunctionName].task_definition
          LaunchType     = "FARGATE"
          NetworkConfiguration = {
            AwsvpcConfiguration = {
              Subnets        = jsondecode(var.names.subnets)
              SecurityGroups = jsondecode(var.names.security_groups)
              AssignPublicIp = var.names.assign_public_ip
            }
          }
          Overrides = {
            ContainerOverrides = [{
              Name = local.tasks[state.Parameters.FunctionName].container
              "Command.$" = format("States.Array('ingest', '%s', '--run-id', %s, '--input', States.JsonToString(%s))",
                local.tasks[state.Parameters.FunctionName].source_name,
                try(state.Parameters.Payload["run_id.$"], "$$.Execution.Name"),
              try(state.Parameters.Payload["input.$"], "$$.Execution.Input"))
            }]
          }
        }
        ResultSelector = { result = { status = "complete", "exit_code.$" = "$.Containers[0].ExitCode" } }
        Retry = [for retry in slice(try(state.Retry, []), 0, min(1, length(try(state.Retry, [])))) : merge(retry, {
          # A task says only that it failed, not why.
          ErrorEquals = ["States.TaskFailed", "ECS.AmazonECSException", "ECS.ServerException", "ECS.ThrottlingException"]
        })]
      }))
      : jsonencode(state)
    )
  }
  definition = length(local.tasks) == 0 ? local.text : jsonencode(merge(local.machine, { States = local.states }))

  runs_tasks = concat(
    [for ingestion in var.ingestions : { family = ingestion.family, role_arns = ingestion.role_arns } if ingestion.is_task],
    [for task in values(var.tasks) : { family = task.family, role_arns = task.role_arns }]
  )
  function_arns = [for ingestion in var.ingestions : ingestion.function_arn if !ingestion.is_task]

  arn = "arn:${data.aws_partition.this.partition}:states:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_partition" "this" {}

# ---- the machine

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/vendedlogs/states/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  name                 = local.name
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "states"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for statement in [{
        Sid      = "CallFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = flatten([for arn in local.function_arns : [arn, "${arn}:*"]])
      }] : statement if length(local.function_arns) > 0],
      [for statement in [
        {
          Sid       = "RunTasks"
          Effect    = "Allow"
          Action    = ["ecs:RunTask"]
          Resource  = [for task in local.runs_tasks : "arn:${data.aws_partition.this.partition}:ecs:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:task-definition/${task.family}:*"]
          Condition = { ArnEquals = { "ecs:cluster" = var.names.ecs_cluster } }
        },
        {
          Sid       = "FollowTasks"
          Effect    = "Allow"
          Action    = ["ecs:StopTask", "ecs:DescribeTasks"]
          Resource  = ["*"]
          Condition = { ArnEquals = { "ecs:cluster" = var.names.ecs_cluster } }
        },
        {
          Sid       = "PassTaskRoles"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = flatten([for task in local.runs_tasks : task.role_arns])
          Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
        },
        {
          # How Step Functions hears that a task it waits for has ended.
          Sid      = "HearOfTasks"
          Effect   = "Allow"
          Action   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
          Resource = ["arn:${data.aws_partition.this.partition}:events:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:rule/StepFunctionsGetEventsForECSTaskRule"]
        },
      ] : statement if length(local.runs_tasks) > 0],
      [
        { Sid = "Notify", Effect = "Allow", Action = ["sns:Publish"], Resource = [var.notices_topic] },
        {
          # These actions know no resource.
          Sid    = "DeliverLogs"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
          ]
          Resource = ["*"]
        },
      ]
    )
  })
}

resource "aws_sfn_state_machine" "this" {
  name       = local.name
  role_arn   = aws_iam_role.this.arn
  definition = local.definition

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
    level                  = var.settings.log_level
    include_execution_data = var.settings.include_data_in_logs
  }

  lifecycle {
    precondition {
      condition     = can(jsondecode(local.text).StartAt)
      error_message = "pipelines/orchestrate/${var.workflow}.asl.json is no state machine once its names are filled in: `moulin check` says where."
    }
    precondition {
      condition = alltrue([
        for state in values(local.machine.States) : !anytrue([for function in keys(local.tasks) : strcontains(jsonencode(state), function)]) || contains(keys(local.tasks), try(state.Parameters.FunctionName, ""))
      ])
      error_message = "pipelines/orchestrate/${var.workflow}.asl.json calls a source that runs on ECS from within a Map or Parallel state; only states on the top can be made tasks. Use runs_on zip or image."
    }
  }

  depends_on = [aws_iam_role_policy.this]
}

# ---- what starts it

resource "aws_iam_role" "start" {
  name                 = "${local.name}-start"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["scheduler.amazonaws.com", "events.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "start" {
  name = "start"
  role = aws_iam_role.start.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Start", Effect = "Allow", Action = ["states:StartExecution"], Resource = ["${local.arn}:stateMachine:${local.name}"] },
      { Sid = "SayWhatFailed", Effect = "Allow", Action = ["sqs:SendMessage"], Resource = [var.dead_letter_queue] },
    ]
  })
}

resource "aws_scheduler_schedule" "this" {
  for_each = { for schedule in var.schedules : schedule.name => schedule }

  name                         = "${var.environment}-${each.key}"
  group_name                   = var.schedule_group
  schedule_expression          = each.value.expression
  schedule_expression_timezone = try(each.value.timezone, "UTC")
  state                        = try(each.value.enabled, true) && var.settings.schedule_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.this.arn
    role_arn = aws_iam_role.start.arn
    input    = jsonencode(try(each.value.input, {}))

    dead_letter_config {
      arn = var.dead_letter_queue
    }
    retry_policy {
      maximum_retry_attempts       = var.settings.schedule_retries
      maximum_event_age_in_seconds = var.settings.schedule_max_age_s
    }
  }

  depends_on = [aws_iam_role_policy.start]
}

resource "aws_cloudwatch_event_rule" "upload" {
  count       = var.settings.start_on_upload == null ? 0 : 1
  name        = "${local.name}-upload"
  description = "New objects below ${coalesce(var.settings.start_on_upload, "-")} start ${local.name}"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.upload_bucket] }
      object = { key = [{ prefix = var.settings.start_on_upload }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "upload" {
  count    = var.settings.start_on_upload == null ? 0 : 1
  rule     = aws_cloudwatch_event_rule.upload[0].name
  arn      = aws_sfn_state_machine.this.arn
  role_arn = aws_iam_role.start.arn
  input    = "{}" # the source's own state says what is new; an event may come twice, or late

  dead_letter_config {
    arn = var.dead_letter_queue
  }
  retry_policy {
    maximum_retry_attempts       = var.settings.schedule_retries
    maximum_event_age_in_seconds = var.settings.schedule_max_age_s
  }
}

# ---- what is watched; a run that fails is told by notices.tf

resource "aws_cloudwatch_metric_alarm" "stale" {
  count               = var.settings.alarm_after_hours == null ? 0 : 1
  alarm_name          = "${local.name}-stale"
  alarm_description   = "No run of ${local.name} has succeeded for ${coalesce(var.settings.alarm_after_hours, 0)} hours."
  namespace           = "AWS/States"
  metric_name         = "ExecutionsSucceeded"
  dimensions          = { StateMachineArn = aws_sfn_state_machine.this.arn }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = coalesce(var.settings.alarm_after_hours, 1)
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [var.notices_topic]
  ok_actions          = [var.notices_topic]
}

output "arn" {
  value = aws_sfn_state_machine.this.arn
}

output "name" {
  value = aws_sfn_state_machine.this.name
}

output "definition" {
  value = local.definition
}
