# One source as a function from a zip, as a function from an image, as a task: one variable decides.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment          = "ci"
  source_name          = "weather"
  package_folder       = "tests/project/dist"
  repository           = { name = "ci-weather-ingestion", arn = "arn:aws:ecr:eu-central-1:123456789012:repository/ci-weather-ingestion", url = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ci-weather-ingestion" }
  statements           = [{ Sid = "LandTables", Effect = "Allow", Action = ["glue:GetTable"], Resource = ["arn:aws:glue:eu-central-1:123456789012:catalog"] }]
  policy_arns          = { write_ingestion = "arn:aws:iam::123456789012:policy/write" }
  subnet_ids           = ["subnet-1"]
  security_group_ids   = ["sg-1"]
  notices_topic        = "arn:aws:sns:eu-central-1:123456789012:ci-notices"
  permissions_boundary = null
  log_retention_days   = 30
}

run "from_a_zip" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { memory_mb = 512, environment = { EXTRA = "1" } }
  }

  assert {
    condition     = aws_lambda_function.this[0].package_type == "Zip" && aws_lambda_function.this[0].runtime == "provided.al2023" && aws_lambda_function.this[0].handler == "bootstrap"
    error_message = "the function does not run the zip's bootstrap"
  }
  assert {
    condition     = endswith(aws_lambda_function.this[0].filename, "/weather-x86_64.zip") && aws_lambda_function.this[0].source_code_hash == filebase64sha256("tests/project/dist/weather-x86_64.zip")
    error_message = "the zip is not the one that moulin package wrote"
  }
  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables == tomap({ ENVIRONMENT = "ci", MOULIN_SOURCE = "weather", MOULIN_LOG_FORMAT = "json", TMPDIR = "/tmp", EXTRA = "1" })
    error_message = "the function's variables are others"
  }
  assert {
    condition     = aws_lambda_function_event_invoke_config.this[0].maximum_retry_attempts == 0
    error_message = "Lambda would try again beside the state machine"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this[0].name == "/aws/lambda/ci-weather-ingestion" && aws_cloudwatch_log_group.this[0].retention_in_days == 30
    error_message = "the log is kept elsewhere, or for ever"
  }
  assert {
    condition     = length(module.task) == 0 && !output.target.is_task
    error_message = "a function is no task"
  }
}

run "from_an_image_by_its_digest" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "image", architecture = "arm64" }
  }

  assert {
    condition     = aws_lambda_function.this[0].package_type == "Image" && endswith(aws_lambda_function.this[0].image_uri, "/ci-weather-ingestion@sha256:1111111111111111111111111111111111111111111111111111111111111111")
    error_message = "the function does not run the pushed image by its digest"
  }
  assert {
    condition     = aws_lambda_function.this[0].runtime == null && aws_lambda_function.this[0].filename == null && aws_lambda_function.this[0].architectures == tolist(["arm64"])
    error_message = "an image has neither runtime nor zip"
  }
}

run "from_an_image_of_one_s_own" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "image", image = "registry.example.org/weather@sha256:22" }
  }

  assert {
    condition     = aws_lambda_function.this[0].image_uri == "registry.example.org/weather@sha256:22" && length(data.aws_ecr_image.this) == 0
    error_message = "the image that the inputs name is not taken"
  }
}

run "as_a_task" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "ecs", cpu = 1024, memory_mb = 4096, storage_mb = 40960 }
  }

  assert {
    condition     = length(aws_lambda_function.this) == 0 && length(aws_iam_role.this) == 0 && length(module.task) == 1 && output.target.is_task
    error_message = "a task is no function"
  }
  assert {
    condition     = output.target.family == "ci-weather-ingestion" && output.target.container == "ingestion" && length(output.target.role_arns) == 2
    error_message = "a state machine cannot find the task"
  }
}

run "a_zip_that_is_missing_is_asked_for" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { architecture = "arm64" }
  }
  expect_failures = [aws_lambda_function.this]
}

run "another_place_to_run_is_refused" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "kubernetes" }
  }
  expect_failures = [var.settings]
}

run "a_function_of_an_hour_is_refused" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "image", timeout_s = 3600 }
  }
  expect_failures = [var.settings]
}

run "a_size_that_fargate_does_not_have_is_refused" {
  command = plan
  module {
    source = "./modules/ingestion"
  }
  variables {
    settings = { runs_on = "ecs", cpu = 256, memory_mb = 8192 }
  }
  expect_failures = [var.settings]
}
