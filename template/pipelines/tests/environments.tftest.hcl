# Names, two environments side by side, and what is refused before anything is planned. No account is needed.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  moulin_yml     = "tests/project/moulin.yml"
  package_folder = null # no zip is there
}

run "an_environment_prefixes_every_name" {
  command = plan
  variables { environment = "ci" }

  assert {
    condition     = module.ingestion_bucket.name == "ci-ingestion-test" && module.staging_bucket.name == "ci-staging-test"
    error_message = "the buckets are not those of moulin.yml"
  }
  assert {
    condition     = aws_glue_catalog_database.this["landing"].name == "ci_landing" && aws_glue_catalog_database.this["landing"].location_uri == "s3://ci-ingestion-test/ci_landing"
    error_message = "the landing database is not below the warehouse, where moulin expects it"
  }
  assert {
    condition     = aws_glue_catalog_database.this["analytics"].name == "ci_analytics" && aws_glue_catalog_database.this["analytics"].location_uri == "s3://ci-staging-test"
    error_message = "the analytics database is not in the staging bucket"
  }
  assert {
    condition     = module.chess_lambda_function.function_name == "ci-chess-ingestion"
    error_message = "the function's name is not <environment>-<source>-ingestion"
  }
  assert {
    condition     = module.chess_pipeline.name == "ci-chess_pipeline"
    error_message = "the state machine's name is not <environment>-<workflow>_pipeline"
  }
  assert {
    condition     = module.chess_secrets.name == "ci-chess"
    error_message = "the secret's name is not <environment>-<source>"
  }
  assert {
    condition     = module.dbt_task_definition.name == "/ci/dbt_task_definition"
    error_message = "the parameter of the dbt task's ARN has another name"
  }
  assert {
    condition     = aws_athena_workgroup.this.name == "ci-test" && aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
    error_message = "the work group is not that of moulin.yml"
  }
  assert {
    condition     = aws_sns_topic.notices.name == "ci-notices"
    error_message = "the topic's name"
  }
}

run "another_environment_shares_no_name" {
  command = plan
  variables { environment = "qa" }

  assert {
    condition     = module.ingestion_bucket.name == "qa-ingestion-test" && module.staging_bucket.name == "qa-staging-test"
    error_message = "the buckets are not those of moulin.yml"
  }
  assert {
    condition     = aws_glue_catalog_database.this["landing"].location_uri == "s3://qa-ingestion-test/lake/qa_landing"
    error_message = "a warehouse with a prefix, or a slash at its end, is read wrongly"
  }
  assert {
    condition     = length(aws_glue_catalog_database.this) == 3 && aws_glue_catalog_database.this["archive"].location_uri == "s3://qa-staging-test/archive"
    error_message = "a further namespace has no database"
  }
  assert {
    condition     = aws_athena_workgroup.this.name == "qa-test-platform"
    error_message = "without work_group the work group is <environment>-<project>"
  }
  assert {
    condition     = local.ingestion_program_arn == "arn:aws:s3:::qa-ingestion-test/lake/_moulin/*"
    error_message = "the program's own files are looked for elsewhere: ${local.ingestion_program_arn}"
  }
  assert {
    condition     = module.chess_secrets.read_statement.Resource[0] == "arn:aws:ssm:eu-central-1:123456789012:parameter/qa/chess"
    error_message = "secrets of type ssm are looked for elsewhere"
  }
  assert {
    condition     = local.region == "us-east-1"
    error_message = "each environment has its own region"
  }
}

run "capitals_are_refused" {
  command = plan
  variables { environment = "Prod_1" }
  expect_failures = [var.environment]
}

run "an_environment_that_moulin_yml_does_not_have_is_refused" {
  command = plan
  variables { environment = "prod" }
  expect_failures = [var.environment]
}

run "a_local_warehouse_is_refused" {
  command = plan
  variables { environment = "onefolder" }
  expect_failures = [var.environment]
}

run "one_bucket_for_both_is_refused" {
  command = plan
  variables { environment = "onebucket" }
  expect_failures = [var.environment]
}

run "a_call_in_a_value_is_refused" {
  command = plan
  variables { environment = "calls" }
  expect_failures = [var.environment]
}

run "two_environments_in_one_warehouse_are_refused" {
  command = plan
  variables { environment = "twina" }
  expect_failures = [var.environment]
}

run "no_region_is_refused" {
  command = plan
  variables { environment = "nowhere" }
  expect_failures = [var.environment]
}

run "days_that_cloudwatch_does_not_know_are_refused" {
  command = plan
  variables {
    environment        = "ci"
    log_retention_days = 31
  }
  expect_failures = [var.log_retention_days]
}
