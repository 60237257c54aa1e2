# The credentials of one source: secret('<source>/<key>') in its source.yml. Terraform makes the place and never sees
# the value; write it with
#   aws secretsmanager put-secret-value --secret-id <name> --secret-string '{"api_key": "..."}'

variable "name" {
  description = "<prefix><source>"
  type        = string
}

variable "type" {
  description = "secretsmanager: one secret, a JSON object; ssm: parameters /<prefix>/<source>/<key>, which you make."
  type        = string

  validation {
    condition     = contains(["secretsmanager", "ssm"], var.type)
    error_message = "moulin.yml: secrets.type is secretsmanager or ssm."
  }
}

variable "parameter_path" {
  description = "ssm: path of the source's parameters, without a slash at the end."
  type        = string
}

variable "recovery_days" {
  description = "Days that a deleted secret can be restored; 0: gone at once, and the name is free again."
  type        = number
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

resource "aws_secretsmanager_secret" "this" {
  count                   = var.type == "secretsmanager" ? 1 : 0
  name                    = var.name
  description             = "Credentials of a source: a JSON object, one key per secret('.../key')"
  recovery_window_in_days = var.recovery_days
}

output "name" {
  value = var.name
}

output "read_statement" {
  description = "Statement of a policy that may read the source's secrets and no others."
  value = var.type == "secretsmanager" ? {
    Sid      = "ReadSecret"
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = [aws_secretsmanager_secret.this[0].arn]
    } : {
    Sid      = "ReadSecret"
    Effect   = "Allow"
    Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
    Resource = ["arn:${data.aws_partition.this.partition}:ssm:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:parameter${var.parameter_path}", "arn:${data.aws_partition.this.partition}:ssm:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:parameter${var.parameter_path}/*"]
  }
}
