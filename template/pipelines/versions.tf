terraform {
  required_version = ">= 1.11" # S3 state with a lock file; tests that know values while planning

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.63, < 7"
    }
  }

  # Filled from live/<environment>/backend.hcl by live/terraform.sh, which also knows how to keep the state in a
  # local file instead.
  backend "s3" {}
}

provider "aws" {
  region              = local.settings.region
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = merge({ project = local.moulin.name, environment = var.environment }, var.tags)
  }
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_partition" "this" {}
