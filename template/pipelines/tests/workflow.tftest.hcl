# The state machine is the file that `moulin run` runs; what starts it comes from schedule.yml and the inputs.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment          = "ci"
  workflow             = "weather"
  definition_file      = "tests/project/weather.asl.json"
  schedule_group       = "ci-pipelines"
  dead_letter_queue    = "arn:aws:sqs:eu-central-1:123456789012:ci-not-started"
  upload_bucket        = "ci-ingestion-test"
  notices_topic        = "arn:aws:sns:eu-central-1:123456789012:ci-notices"
  permissions_boundary = null
  log_retention_days   = 30
  settings             = {}
  names = {
    ecs_cluster      = "arn:aws:ecs:eu-central-1:123456789012:cluster/ci-cluster"
    subnets          = "[\"subnet-1\"]"
    security_groups  = "[\"sg-1\"]"
    assign_public_ip = "DISABLED"
    notices_topic    = "arn:aws:sns:eu-central-1:123456789012:ci-notices"
  }
  tasks = {
    dbt_task_definition = { task_definition = "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-dbt:7", family = "ci-dbt", container = "dbt", role_arns = ["arn:aws:iam::123456789012:role/ci-dbt-task", "arn:aws:iam::123456789012:role/ci-dbt-execution"] }
  }
  schedules = [
    { name = "weather_daily", workflow = "weather", expression = "cron(0 6 * * ? *)", timezone = "Europe/Zurich", input = { full_refresh = false } },
    { name = "weather_hourly", workflow = "weather", expression = "rate(1 hour)", enabled = false },
  ]
  ingestions = [{
    source_name     = "weather", is_task = false, function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion", function_name = "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion",
    task_definition = null, family = null, container = null, role_arns = []
  }]
}

run "the_file_as_it_is" {
  command = plan
  module {
    source = "./modules/pipeline"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.Parameters.FunctionName == "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion"
    error_message = "the function's name is not filled in"
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Transform.Parameters.TaskDefinition == "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-dbt:7"
    error_message = "the task's name is not filled in"
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Transform.Parameters.NetworkConfiguration.AwsvpcConfiguration.Subnets == ["subnet-1"]
    error_message = "the subnets are not filled in"
  }
  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid if statement.Resource == ["*"]]) == toset(["FollowTasks", "DeliverLogs"])
    error_message = "the state machine's role names * for what has a name"
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Resource if statement.Sid == "CallFunctions"][0][0] == "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion"
    error_message = "the state machine may not call its function"
  }
}

run "schedules" {
  command = plan
  module {
    source = "./modules/pipeline"
  }

  assert {
    condition     = aws_scheduler_schedule.this["weather_daily"].name == "ci-weather_daily" && aws_scheduler_schedule.this["weather_daily"].schedule_expression_timezone == "Europe/Zurich" && aws_scheduler_schedule.this["weather_daily"].state == "ENABLED"
    error_message = "the schedule is not that of schedule.yml"
  }
  assert {
    condition     = aws_scheduler_schedule.this["weather_hourly"].state == "DISABLED" && aws_scheduler_schedule.this["weather_hourly"].schedule_expression_timezone == "UTC"
    error_message = "enabled: false, or a missing timezone, is read wrongly"
  }
  assert {
    condition     = aws_scheduler_schedule.this["weather_daily"].target[0].retry_policy[0].maximum_retry_attempts == 3 && aws_scheduler_schedule.this["weather_daily"].target[0].dead_letter_config[0].arn == "arn:aws:sqs:eu-central-1:123456789012:ci-not-started"
    error_message = "a start that fails is lost"
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.this["weather_daily"].target[0].input).full_refresh == false
    error_message = "the schedule's input does not arrive"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.upload) == 0 && length(aws_cloudwatch_metric_alarm.stale) == 0
    error_message = "what nobody asked for is made"
  }
}

run "schedules_off_upload_on_alarm_on" {
  command = plan
  module {
    source = "./modules/pipeline"
  }
  variables {
    settings = { schedule_enabled = false, start_on_upload = "incoming/", alarm_after_hours = 6 }
  }

  assert {
    condition     = aws_scheduler_schedule.this["weather_daily"].state == "DISABLED"
    error_message = "an environment cannot switch the schedules off"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.upload[0].event_pattern).detail.object.key[0].prefix == "incoming/"
    error_message = "uploads below another prefix start it"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.stale[0].evaluation_periods == 6 && aws_cloudwatch_metric_alarm.stale[0].treat_missing_data == "breaching"
    error_message = "silence does not alarm"
  }
}

run "a_source_on_ecs_runs_in_the_same_state" {
  command = plan
  module {
    source = "./modules/pipeline"
  }
  variables {
    ingestions = [{
      source_name     = "weather", is_task = true, function_arn = null, function_name = "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion",
      task_definition = "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-weather-ingestion:3", family = "ci-weather-ingestion", container = "ingestion", role_arns = ["arn:aws:iam::123456789012:role/ci-weather-ingestion-task"]
    }]
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.Resource == "arn:aws:states:::ecs:runTask.sync" && jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.Parameters.TaskDefinition == "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-weather-ingestion:3"
    error_message = "the state does not run the task"
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.Next == "HasSchemaChanged" && jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.ResultPath == "$.ingest"
    error_message = "the state has lost its place"
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.this.definition).States.Transform.Parameters.TaskDefinition == "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-dbt:7"
    error_message = "another state was changed"
  }
  assert {
    condition     = contains(jsondecode(aws_sfn_state_machine.this.definition).States.Ingest.Retry[0].ErrorEquals, "States.TaskFailed")
    error_message = "a task that fails is not tried again: its errors have no names"
  }
  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement if statement.Sid == "CallFunctions"]) == 0
    error_message = "without a function there is nothing to call"
  }
}

run "a_source_on_ecs_inside_of_a_map_is_refused" {
  command = plan
  module {
    source = "./modules/pipeline"
  }
  variables {
    definition_file = "tests/project/nested.asl.json"
    ingestions = [{
      source_name     = "weather", is_task = true, function_arn = null, function_name = "arn:aws:lambda:eu-central-1:123456789012:function:ci-weather-ingestion",
      task_definition = "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci-weather-ingestion:3", family = "ci-weather-ingestion", container = "ingestion", role_arns = ["arn:aws:iam::123456789012:role/ci-weather-ingestion-task"]
    }]
  }
  expect_failures = [aws_sfn_state_machine.this]
}

run "a_file_that_is_no_state_machine_is_refused" {
  command = plan
  module {
    source = "./modules/pipeline"
  }
  variables {
    definition_file = "tests/project/broken.asl.json"
  }
  expect_failures = [aws_sfn_state_machine.this]
}

run "an_alarm_of_a_week_is_refused" {
  command = plan
  module {
    source = "./modules/pipeline"
  }
  variables {
    settings = { alarm_after_hours = 168 }
  }
  expect_failures = [var.settings]
}
