# What moulin.yml says: buckets, databases and the work group are named there and nowhere else.

locals {
  moulin   = yamldecode(file("${path.module}/${var.moulin_yml}"))
  settings = local.moulin.environments[var.environment]

  partition  = data.aws_partition.this.partition
  region     = local.settings.region
  account_id = data.aws_caller_identity.this.account_id

  warehouse        = trimsuffix(local.settings.warehouse, "/")
  ingestion_bucket = split("/", local.warehouse)[2]
  staging_bucket   = split("/", local.settings.namespaces.analytics.location)[2]

  # Namespace -> where its tables lie. A Glue database is <namespace_prefix><namespace>.
  namespace_prefix  = try(local.settings.namespace_prefix, "")
  landing_namespace = try(local.moulin.landing.namespace, "landing")
  namespaces = merge(
    { (local.landing_namespace) = "${local.warehouse}/${local.namespace_prefix}${local.landing_namespace}" },
    { for name, namespace in local.settings.namespaces : name => trimsuffix(namespace.location, "/") }
  )

  engine     = try(local.settings.engine.type, "embedded")
  work_group = try(local.settings.engine.work_group, "${var.environment}-${replace(local.moulin.name, "_", "-")}")

  # Where secret('source/key') looks: the Secrets Manager secret <prefix>source, or SSM parameters.
  secret_type   = try(local.settings.secrets.type, "secretsmanager")
  secret_prefix = try(local.settings.secrets.prefix, "${var.environment}-")

  schedules = try(yamldecode(file("${path.module}/orchestrate/schedule.yml")).schedules, [])

  # Values of ${name} in every state machine; a <source>_pipeline.tf adds its functions and tasks.
  workflow_names = merge(
    { for name, value in merge(try(local.moulin.names, {}), try(local.settings.names, {})) : name => value if !can(keys(value)) },
    {
      environment      = var.environment
      region           = local.region
      account_id       = local.account_id
      ecs_cluster      = data.aws_ecs_cluster.ecs-cluster.arn
      subnets          = jsonencode(local.subnet_ids)
      security_groups  = jsonencode([aws_security_group.tasks.id])
      assign_public_ip = local.assign_public_ip
      notices_topic    = aws_sns_topic.notices.arn
      work_group       = aws_athena_workgroup.this.name
    }
  )
}
