# What every bucket has.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name            = "ci-bucket"
  force_destroy   = false
  noncurrent_days = 7
  expire          = { "_athena/" = 7 }
}

run "versioned_encrypted_closed_and_by_tls" {
  command = plan
  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "the bucket keeps no versions"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "the bucket does not encrypt"
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "the bucket can be made public"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "the bucket answers without TLS"
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "a bucket that holds tables would be deleted"
  }
  assert {
    condition     = contains([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id], "expire-_athena") && length(aws_s3_bucket_lifecycle_configuration.this.rule) == 3
    error_message = "the results of queries, replaced objects and torn uploads are kept for ever"
  }
}
