variable "environment" {
  type = string
}

variable "source_name" {
  description = "Name of the source: its folder is pipelines/ingest/<name>-ingestion."
  type        = string
}

variable "settings" {
  description = "What the environment says of the source: see the variable of the source's <source>_lambda.tf."
  type = object({
    runs_on              = optional(string, "zip")    # zip or image: a Lambda function; ecs: a task on Fargate
    architecture         = optional(string, "x86_64") # or arm64
    memory_mb            = optional(number, 1024)
    timeout_s            = optional(number, 900) # functions: 900 at most; a run that needs longer goes on where it stopped
    storage_mb           = optional(number, 2048)
    cpu                  = optional(number, 512)     # tasks: 1024 = one processor
    image                = optional(string)          # by digest; null: what `make deploy` pushed last
    in_vpc               = optional(bool, false)     # functions: run in the VPC's subnets
    reserved_concurrency = optional(number, -1)      # functions: -1 = none reserved; 1 = one run at a time
    environment          = optional(map(string), {}) # more environment variables
  })

  validation {
    condition     = contains(["zip", "image", "ecs"], var.settings.runs_on)
    error_message = "runs_on is zip (Lambda function), image (Lambda function from a container) or ecs (task on Fargate)."
  }
  validation {
    condition     = contains(["x86_64", "arm64"], var.settings.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
  validation {
    condition     = var.settings.runs_on == "ecs" || (var.settings.timeout_s >= 60 && var.settings.timeout_s <= 900)
    error_message = "timeout_s of a function is 60 to 900 seconds; what takes longer continues in the next state, or runs_on = \"ecs\"."
  }
  validation {
    condition     = var.settings.runs_on == "ecs" || (var.settings.memory_mb >= 128 && var.settings.memory_mb <= 10240)
    error_message = "memory_mb of a function is 128 to 10240."
  }
  validation {
    condition     = var.settings.runs_on == "ecs" || (var.settings.storage_mb >= 512 && var.settings.storage_mb <= 10240)
    error_message = "storage_mb of a function is 512 to 10240."
  }
  validation {
    condition = var.settings.runs_on != "ecs" || contains(lookup({
      "256"  = [512, 1024, 2048]
      "512"  = [1024, 2048, 3072, 4096]
      "1024" = [2048, 3072, 4096, 5120, 6144, 7168, 8192]
      "2048" = [4096, 5120, 6144, 7168, 8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384]
      "4096" = [8192, 9216, 10240, 12288, 16384, 20480, 24576, 30720]
    }, tostring(var.settings.cpu), []), var.settings.memory_mb)
    error_message = "Fargate has no task with this cpu and memory_mb: 256 goes with 512, 1024 or 2048; 512 with 1024 to 4096; 1024 with 2048 to 8192; 2048 with 4096 to 16384; 4096 with 8192 to 30720."
  }
}

variable "package_folder" {
  description = "Folder that `moulin package` writes zips into; null: plan without zips."
  type        = string
}

variable "repository" {
  description = "Repository of the source's images."
  type        = object({ name = string, arn = string, url = string })
}

variable "statements" {
  description = "What it may do besides `policy_arns`: statements of a policy."
  type        = any
}

variable "policy_arns" {
  description = "Name -> ARN of policies of its role."
  type        = map(string)
}

variable "subnet_ids" {
  type = list(string)
}

variable "security_group_ids" {
  type = list(string)
}

variable "notices_topic" {
  type = string
}

variable "permissions_boundary" {
  type = string
}

variable "log_retention_days" {
  type = number
}
