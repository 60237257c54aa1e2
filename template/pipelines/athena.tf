# The work group that dbt's and anybody's queries go through: where results go, and how much one query may read.

resource "aws_athena_workgroup" "this" {
  name          = local.work_group
  description   = "Queries of ${local.moulin.name}, ${var.environment}"
  force_destroy = var.allow_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_scan_limit_gb * 1073741824

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${module.staging_bucket.name}/${local.athena_results_prefix}"
      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

locals {
  athena_results_prefix = "_athena/"

  athena_statements = [
    {
      Sid      = "Query"
      Effect   = "Allow"
      Action   = ["athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup"]
      Resource = ["arn:${local.partition}:athena:${local.region}:${local.account_id}:workgroup/${local.work_group}"]
    },
    {
      Sid      = "NameCatalog"
      Effect   = "Allow"
      Action   = ["athena:GetDataCatalog"]
      Resource = ["arn:${local.partition}:athena:${local.region}:${local.account_id}:datacatalog/AwsDataCatalog"]
    },
    {
      # Athena asks for the database `default` whichever database a query names.
      Sid      = "AthenaDefault"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase"]
      Resource = ["${local.glue_arn}:catalog", "${local.glue_arn}:database/default"]
    },
  ]
}
