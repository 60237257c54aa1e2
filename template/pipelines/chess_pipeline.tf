# The state machine pipelines/orchestrate/chess.asl.json and what starts it.

variable "chess_pipeline" {
  description = "How the workflow runs in this environment."
  type = object({
    schedule_enabled     = optional(bool, true) # false: the schedules of schedule.yml are made, but switched off
    schedule_retries     = optional(number, 3)
    schedule_max_age_s   = optional(number, 3600)
    start_on_upload      = optional(string) # a new object below this prefix of the ingestion bucket starts a run
    alarm_after_hours    = optional(number) # alarm when no run succeeded for so long; null: none
    log_level            = optional(string, "ERROR")
    include_data_in_logs = optional(bool, true)
  })
  default  = {}
  nullable = false
}

module "chess_pipeline" {
  source = "./modules/pipeline"

  environment          = var.environment
  workflow             = "chess"
  definition_file      = "${path.module}/orchestrate/chess.asl.json"
  names                = local.workflow_names
  ingestions           = [module.chess_lambda_function.target]
  tasks                = { dbt_task_definition = module.ecs_task_definition_dbt.target }
  settings             = var.chess_pipeline
  schedules            = [for schedule in local.schedules : schedule if schedule.workflow == "chess"]
  schedule_group       = aws_scheduler_schedule_group.this.name
  dead_letter_queue    = aws_sqs_queue.not_started.arn
  upload_bucket        = local.ingestion_bucket
  notices_topic        = aws_sns_topic.notices.arn
  permissions_boundary = var.permissions_boundary
  log_retention_days   = var.log_retention_days
}
