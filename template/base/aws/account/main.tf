# What an AWS account has once, whichever environments live in it: the bucket of the Terraform states, and GitHub's
# OIDC provider. Its own state goes into that bucket as well: `make bootstrap` makes it with a local state and moves it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.63, < 7"
    }
  }

  backend "s3" {}
}

# live/<environment>/backend.hcl is read as the values of these variables, so that the bucket's name stands there only.
variable "bucket" {
  description = "Bucket of the states."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "The bucket of live/<environment>/backend.hcl is 3 to 63 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Region of the bucket."
  type        = string
  nullable    = false
}

variable "encrypt" {
  description = "Part of backend.hcl; the bucket encrypts in any case."
  type        = bool
  default     = true
}

variable "use_lockfile" {
  description = "Part of backend.hcl."
  type        = bool
  default     = true
}

variable "github_provider" {
  description = "Whether to make GitHub's OIDC provider: false when the account has it, since there can be one only."
  type        = bool
  default     = true
}

provider "aws" {
  region = var.region
}

data "aws_partition" "this" {}

resource "aws_s3_bucket" "state" {
  bucket = var.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.state]
}

# Every state of the last year can be taken back.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    id     = "versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 365
    }
  }
  depends_on = [aws_s3_bucket_versioning.state]
}

resource "aws_iam_openid_connect_provider" "github" {
  count           = var.github_provider ? 1 : 0
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["ffffffffffffffffffffffffffffffffffffffff"] # asked for by old providers, no longer looked at by AWS
}

output "bucket" {
  value = aws_s3_bucket.state.id
}
