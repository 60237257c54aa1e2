output "target" {
  description = "What a state machine needs to start it: modules/pipeline takes a list of these."
  value = {
    source_name     = var.source_name
    is_task         = local.is_task
    function_arn    = local.is_task ? null : aws_lambda_function.this[0].arn
    task_definition = local.is_task ? module.task[0].target.task_definition : null
    family          = local.is_task ? module.task[0].target.family : null
    container       = local.is_task ? module.task[0].target.container : null
    role_arns       = local.is_task ? module.task[0].target.role_arns : []
    # What ${<source>_ingestion_function} becomes. A task has no function; the name still marks its states.
    function_name = local.function_arn
  }
}

output "function_name" {
  value = local.is_task ? null : aws_lambda_function.this[0].function_name
}

output "role_name" {
  value = local.is_task ? "${local.name}-task" : aws_iam_role.this[0].name
}
