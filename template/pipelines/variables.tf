# Inputs of an environment: live/<environment>/env.tfvars sets them. What a source needs stands in its own
# <source>_lambda.tf and <source>_pipeline.tf.

variable "environment" {
  description = "Name of the environment in moulin.yml; prefixes the name of every resource: dev, prod, qa."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "The environment is 2 to 12 lower-case letters or digits and starts with a letter, like dev; it becomes part of names that allow no more."
  }
  validation {
    condition     = contains(keys(local.moulin.environments), var.environment)
    error_message = "moulin.yml has no environment of this name, only ${join(", ", keys(local.moulin.environments))}."
  }
  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/.+)?$", local.moulin.environments[var.environment].warehouse))
    error_message = "moulin.yml: the warehouse of a cloud environment is s3://bucket or s3://bucket/prefix, written out, its bucket in lower-case letters, digits and dashes."
  }
  validation {
    condition     = can(local.moulin.environments[var.environment].catalog.type) ? local.moulin.environments[var.environment].catalog.type == "glue" : false
    error_message = "moulin.yml: the catalog of a cloud environment is {type: glue}."
  }
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", local.moulin.environments[var.environment].region))
    error_message = "moulin.yml: the environment needs its region, like eu-west-1, written out."
  }
  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/.+)?$", local.moulin.environments[var.environment].namespaces.analytics.location))
    error_message = "moulin.yml: the environment needs namespaces: {analytics: {location: s3://bucket}}; that is the staging bucket."
  }
  validation {
    condition = try(
      split("/", local.moulin.environments[var.environment].warehouse)[2] != split("/", local.moulin.environments[var.environment].namespaces.analytics.location)[2],
      true # what is wrong then is said above
    )
    error_message = "moulin.yml: the warehouse (ingestion bucket) and namespaces.analytics.location (staging bucket) are in one bucket; they need one each, since the loads may write the one and only read nothing of the other."
  }
  validation {
    condition = length([
      for name, other in local.moulin.environments : name
      if name != var.environment && try(other.warehouse == local.moulin.environments[var.environment].warehouse, false)
    ]) == 0
    error_message = "moulin.yml: another environment has the same warehouse; each needs its own buckets."
  }
}

variable "account_id" {
  description = "AWS account of this environment: with other credentials Terraform stops. null: any."
  type        = string
  default     = null
}

variable "vpc_name" {
  description = "Name tag of the VPC that the ECS tasks run in; null: <environment>-vpc, which base/aws makes."
  type        = string
  default     = null
}

variable "ecs_cluster_name" {
  description = "ECS cluster of the tasks; null: <environment>-cluster, which base/aws makes."
  type        = string
  default     = null
}

variable "subnet_tags" {
  description = "Tags of the subnets for tasks; {}: those tagged Tasks = true, or all of the VPC when none is."
  type        = map(string)
  default     = {}
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every role made here; null: none."
  type        = string
  default     = null
}

variable "allow_destroy" {
  description = "Whether `make destroy` may delete buckets, repositories and work groups that hold something."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "noncurrent_days" {
  description = "Days that deleted or replaced objects can still be restored from the buckets' versions."
  type        = number
  default     = 14
}

variable "notice_emails" {
  description = "Addresses that get the notices (a failed run, a changed schema, an alarm); each confirms once."
  type        = list(string)
  default     = []
}

variable "athena_scan_limit_gb" {
  description = "Gigabytes that one Athena query may scan before it is stopped."
  type        = number
  default     = 100
}

variable "tags" {
  description = "Tags of every resource, besides project and environment."
  type        = map(string)
  default     = {}
}

variable "moulin_yml" {
  description = "The project file, relative to this folder; tests take their own."
  type        = string
  default     = "../moulin.yml"
}

variable "package_folder" {
  description = "Folder of the zips that `moulin package` writes, relative to this one; null: plan without them."
  type        = string
  default     = "../dist"
}
