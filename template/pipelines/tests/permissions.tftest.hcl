# Who may do what: each role its own part, and nothing by a star.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  moulin_yml     = "tests/project/moulin.yml"
  environment    = "ci"
  package_folder = null # no zip is there
}

run "buckets" {
  command = plan

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.bucket_ingestion_read.policy).Statement : alltrue([for action in statement.Action : startswith(action, "s3:Get") || startswith(action, "s3:List")])
    ])
    error_message = "the reading policy of the ingestion bucket allows more than reading"
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_policy.bucket_ingestion_read_write.policy).Statement : statement.Resource])) == toset(["arn:aws:s3:::ci-ingestion-test", "arn:aws:s3:::ci-ingestion-test/*"])
    error_message = "the writing policy of the ingestion bucket reaches another bucket"
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_policy.bucket_staging_read_write.policy).Statement : statement.Resource])) == toset(["arn:aws:s3:::ci-staging-test", "arn:aws:s3:::ci-staging-test/*"])
    error_message = "the writing policy of the staging bucket reaches another bucket"
  }
}

run "the_loads_write_landing_only" {
  command = plan

  assert {
    condition     = alltrue([for resource in local.ingestion_statements[0].Resource : !strcontains(resource, "analytics")])
    error_message = "a source may write what dbt builds"
  }
  assert {
    condition     = alltrue([for resource in local.glue_resources.built : endswith(resource, ":catalog") || strcontains(resource, "ci_analytics")])
    error_message = "dbt may write more than its own databases"
  }
}

run "dbt_reads_landing_and_may_use_athena" {
  command = plan

  assert {
    condition     = alltrue([for action in local.dbt_statements[0].Action : startswith(action, "glue:Get") || startswith(action, "glue:BatchGet")])
    error_message = "dbt may change landing tables"
  }
  assert {
    condition     = contains([for statement in local.dbt_statements : statement.Sid], "Query")
    error_message = "engine athena, but dbt may not query"
  }
}

run "the_embedded_engine_needs_no_athena" {
  command = plan
  variables {
    environment = "qa"
  }

  assert {
    condition     = !contains([for statement in local.dbt_statements : statement.Sid], "Query")
    error_message = "engine embedded, but dbt may query Athena"
  }
}

run "nothing_by_a_star" {
  command = plan

  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.bucket_ingestion_read.policy, aws_iam_policy.bucket_ingestion_read_write.policy, aws_iam_policy.bucket_staging_read.policy, aws_iam_policy.bucket_staging_read_write.policy, jsonencode({ Statement = concat(local.ingestion_statements, local.dbt_statements) })] :
      alltrue([for statement in jsondecode(policy).Statement : !contains(statement.Resource, "*") && alltrue([for action in statement.Action : !strcontains(action, "*")])])
    ])
    error_message = "a policy of the data names * as resource, or part of an action"
  }
}

run "the_topic_is_published_to_by_this_account_only" {
  command = plan

  assert {
    condition     = jsondecode(aws_sns_topic_policy.notices.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "services of other accounts may publish notices"
  }
}
