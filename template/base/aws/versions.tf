terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.63, < 7"
    }
  }

  # Filled from live/<environment>/backend.hcl by live/terraform.sh.
  backend "s3" {}
}

provider "aws" {
  region              = local.settings.region
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = merge({ project = local.moulin.name, environment = var.environment }, var.tags)
  }
}

locals {
  moulin   = yamldecode(file("${path.module}/${var.moulin_yml}"))
  settings = local.moulin.environments[var.environment]

  arn        = "arn:${data.aws_partition.this.partition}"
  account_id = data.aws_caller_identity.this.account_id
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}
