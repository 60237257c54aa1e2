variable "environment" {
  type = string
}

variable "workflow" {
  description = "Name of the state machine's file: pipelines/orchestrate/<workflow>.asl.json."
  type        = string
}

variable "definition_file" {
  type = string
}

variable "names" {
  description = "Values of $${name} in the file; those of `ingestions` and `tasks` are added."
  type        = any
}

variable "ingestions" {
  description = "The `target` outputs of the sources that it runs."
  type        = any
}

variable "tasks" {
  description = "Name in the file -> the ECS task definition that it runs: {task_definition, family, role_arns}."
  type        = map(object({ task_definition = string, family = string, container = string, role_arns = list(string) }))
}

variable "settings" {
  description = "What the environment says of the workflow: see the variable of the <source>_pipeline.tf."
  type = object({
    schedule_enabled     = optional(bool, true) # false: the schedules of schedule.yml are made, but switched off
    schedule_retries     = optional(number, 3)  # how often a start that fails is tried again
    schedule_max_age_s   = optional(number, 3600)
    start_on_upload      = optional(string) # prefix in the ingestion bucket: a new object below it starts a run
    alarm_after_hours    = optional(number) # alarm when no run succeeded for so long (up to 24); null: none
    log_level            = optional(string, "ERROR")
    include_data_in_logs = optional(bool, true) # inputs and outputs of states in the log
  })

  validation {
    condition     = contains(["OFF", "ERROR", "FATAL", "ALL"], var.settings.log_level)
    error_message = "log_level is OFF, FATAL, ERROR or ALL."
  }
  validation {
    condition     = var.settings.alarm_after_hours == null ? true : var.settings.alarm_after_hours >= 1 && var.settings.alarm_after_hours <= 24
    error_message = "alarm_after_hours is 1 to 24: CloudWatch looks back one day at most."
  }
  validation {
    condition     = var.settings.start_on_upload == null ? true : length(var.settings.start_on_upload) > 0 && !startswith(var.settings.start_on_upload, "/")
    error_message = "start_on_upload is a prefix of keys in the ingestion bucket, like incoming/, without a slash at its front."
  }
}

variable "schedules" {
  description = "Entries of schedule.yml of this workflow."
  type        = any
}

variable "schedule_group" {
  type = string
}

variable "dead_letter_queue" {
  type = string
}

variable "upload_bucket" {
  type = string
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
