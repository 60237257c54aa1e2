# Who hears of it: one topic for runs that fail, schemas that change, schedules that cannot start, alarms.

resource "aws_sns_topic" "notices" {
  name = "${var.environment}-notices"
  # Not encrypted by the key alias/aws/sns: EventBridge and CloudWatch may not use that one, so nothing would arrive.
}

resource "aws_sns_topic_policy" "notices" {
  arn = aws_sns_topic.notices.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ServicesPublish"
        Effect    = "Allow"
        Principal = { Service = ["events.amazonaws.com", "cloudwatch.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notices.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notices.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.notice_emails)
  topic_arn = aws_sns_topic.notices.arn
  protocol  = "email"
  endpoint  = each.value
}

# Every state machine of this environment: they are named <environment>-<workflow>_pipeline.
resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${var.environment}-pipeline-failed"
  description = "A run of a pipeline of ${var.environment} failed, timed out or was stopped"
  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      status          = ["FAILED", "TIMED_OUT", "ABORTED"]
      stateMachineArn = [{ prefix = "arn:${local.partition}:states:${local.region}:${local.account_id}:stateMachine:${var.environment}-" }]
    }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = aws_sns_topic.notices.arn

  input_transformer {
    input_paths = {
      execution = "$.detail.executionArn"
      machine   = "$.detail.stateMachineArn"
      name      = "$.detail.name"
      status    = "$.detail.status"
    }
    input_template = <<-TEXT
      "<status>: run <name> of <machine>"
      "What happened: aws stepfunctions get-execution-history --reverse-order --execution-arn <execution>"
    TEXT
  }
}

# Starts that EventBridge could not deliver wait here.
resource "aws_sqs_queue" "not_started" {
  name                      = "${var.environment}-not-started"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "not_started" {
  queue_url = aws_sqs_queue.not_started.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "RulesSend"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.not_started.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.not_started.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_cloudwatch_metric_alarm" "not_started" {
  alarm_name          = "${var.environment}-not-started"
  alarm_description   = "A schedule or an upload could not start its pipeline: look into the queue ${var.environment}-not-started."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.not_started.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.notices.arn]
}

resource "aws_scheduler_schedule_group" "this" {
  name = "${var.environment}-pipelines"
}
