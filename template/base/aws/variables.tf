# Inputs of an environment: live/<environment>/base.tfvars.

variable "environment" {
  description = "Name of the environment in moulin.yml; prefixes the name of every resource."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "The environment is 2 to 12 lower-case letters or digits and starts with a letter, like dev."
  }
  validation {
    condition     = contains(keys(local.moulin.environments), var.environment)
    error_message = "moulin.yml has no environment of this name, only ${join(", ", keys(local.moulin.environments))}."
  }
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", local.moulin.environments[var.environment].region))
    error_message = "moulin.yml: the environment needs its region, like eu-west-1, written out."
  }
}

variable "account_id" {
  description = "AWS account of this environment: with other credentials Terraform stops. null: any."
  type        = string
  default     = null
}

variable "cidr_block" {
  description = "Addresses of the VPC; 16 to 24 bits of network."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 24, false)
    error_message = "cidr_block is a network of 16 to 24 bits, like 10.20.0.0/16."
  }
}

variable "zones" {
  description = "How many availability zones have subnets."
  type        = number
  default     = 2

  validation {
    condition     = var.zones >= 1 && var.zones <= 3
    error_message = "zones is 1, 2 or 3."
  }
}

variable "egress" {
  description = <<-TEXT
    How tasks reach AWS and the world:
      endpoints  private subnets, AWS services through VPC endpoints, no way to the internet (a source as an ECS task
                 cannot call a public API; as a Lambda function it can, since that runs outside of the VPC)
      nat        private subnets, everything through a NAT gateway
      public     public subnets, each task with an address of its own, closed from outside; costs nothing by itself
  TEXT
  type        = string
  default     = "endpoints"

  validation {
    condition     = contains(["endpoints", "nat", "public"], var.egress)
    error_message = "egress is endpoints, nat or public."
  }
}

variable "github_repository" {
  description = "owner/name of the repository whose workflows may deploy; null: no roles for them."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null ? true : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository is owner/name."
  }
}

variable "state_bucket" {
  description = "Bucket of the Terraform state, which the roles of CI may use: live/terraform.sh takes it from backend.hcl."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every role made here and every role that CI makes; null: none."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that the VPC's flow log is kept; 0: no flow log."
  type        = number
  default     = 0
}

variable "tags" {
  description = "Tags of every resource, besides project and environment."
  type        = map(string)
  default     = {}
}

variable "moulin_yml" {
  description = "The project file, relative to this folder; tests take their own."
  type        = string
  default     = "../../moulin.yml"
}
