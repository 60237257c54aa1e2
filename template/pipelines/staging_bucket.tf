# Analytics: what dbt builds. moulin.yml names it (namespaces.analytics.location).

module "staging_bucket" {
  source          = "./modules/bucket"
  name            = local.staging_bucket
  force_destroy   = var.allow_destroy
  noncurrent_days = var.noncurrent_days
  expire          = { (local.athena_results_prefix) = 7 } # results of queries, not tables
}

resource "aws_iam_policy" "bucket_staging_read" {
  name        = "${local.staging_bucket}-read"
  description = "Read the staging bucket of ${var.environment}"
  policy      = local.bucket_staging_read_policy
}

resource "aws_iam_policy" "bucket_staging_read_write" {
  name        = "${local.staging_bucket}-read-write"
  description = "Read and write the staging bucket of ${var.environment}"
  policy      = local.bucket_staging_read_write_policy
}

locals {
  staging_arn = "arn:${local.partition}:s3:::${local.staging_bucket}"

  bucket_staging_read_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ListStaging", Effect = "Allow", Action = local.bucket_list_actions, Resource = [local.staging_arn] },
      { Sid = "ReadStaging", Effect = "Allow", Action = local.object_read_actions, Resource = ["${local.staging_arn}/*"] },
    ]
  })

  bucket_staging_read_write_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ListStaging", Effect = "Allow", Action = local.bucket_list_actions, Resource = [local.staging_arn] },
      { Sid = "WriteStaging", Effect = "Allow", Action = local.object_write_actions, Resource = ["${local.staging_arn}/*"] },
    ]
  })
}
