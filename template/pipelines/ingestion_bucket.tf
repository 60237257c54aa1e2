# Landing: what the sources write. moulin.yml names it (warehouse).

module "ingestion_bucket" {
  source          = "./modules/bucket"
  name            = local.ingestion_bucket
  force_destroy   = var.allow_destroy
  noncurrent_days = var.noncurrent_days
  send_events     = true # for start_on_upload of a <source>_pipeline
}

# Policies that any role may take: those of this project do, and so may a notebook's or an analyst's.
resource "aws_iam_policy" "bucket_ingestion_read" {
  name        = "${local.ingestion_bucket}-read"
  description = "Read the ingestion bucket of ${var.environment}"
  policy      = local.bucket_ingestion_read_policy
}

resource "aws_iam_policy" "bucket_ingestion_read_write" {
  name        = "${local.ingestion_bucket}-read-write"
  description = "Read and write the ingestion bucket of ${var.environment}"
  policy      = local.bucket_ingestion_read_write_policy
}

locals {
  ingestion_arn = "arn:${local.partition}:s3:::${local.ingestion_bucket}"

  # The program's own files of the warehouse: leases, large states, views.
  ingestion_program_arn = "${local.ingestion_arn}/${trimprefix("${trimprefix(local.warehouse, "s3://${local.ingestion_bucket}")}/_moulin/*", "/")}"

  bucket_ingestion_read_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ListIngestion", Effect = "Allow", Action = local.bucket_list_actions, Resource = [local.ingestion_arn] },
      { Sid = "ReadIngestion", Effect = "Allow", Action = local.object_read_actions, Resource = ["${local.ingestion_arn}/*"] },
    ]
  })

  bucket_ingestion_read_write_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ListIngestion", Effect = "Allow", Action = local.bucket_list_actions, Resource = [local.ingestion_arn] },
      { Sid = "WriteIngestion", Effect = "Allow", Action = local.object_write_actions, Resource = ["${local.ingestion_arn}/*"] },
    ]
  })

  bucket_list_actions  = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
  object_read_actions  = ["s3:GetObject"]
  object_write_actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
}
