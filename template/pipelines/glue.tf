# One Glue database per namespace of moulin.yml: <namespace_prefix><namespace>. The tables in them are moulin's:
# ingestion and `moulin schema apply` make the landing tables, dbt the others.

resource "aws_glue_catalog_database" "this" {
  for_each     = local.namespaces
  name         = "${local.namespace_prefix}${each.key}"
  description  = "Iceberg tables of ${local.moulin.name}, ${var.environment}"
  location_uri = each.value

  lifecycle {
    precondition {
      condition     = can(regex("^[a-z0-9_]+$", "${local.namespace_prefix}${each.key}"))
      error_message = "moulin.yml: the Glue database ${local.namespace_prefix}${each.key} would not be usable: its name is made of lower-case letters, digits and _ only."
    }
  }

  depends_on = [module.ingestion_bucket, module.staging_bucket]
}

locals {
  glue_arn = "arn:${local.partition}:glue:${local.region}:${local.account_id}"

  landing_databases = ["${local.namespace_prefix}${local.landing_namespace}"]
  # dbt's +schema makes <schema>_<custom>.
  built_databases = flatten([
    for name in keys(local.namespaces) : ["${local.namespace_prefix}${name}", "${local.namespace_prefix}${name}_*"] if name != local.landing_namespace
  ])

  glue_read_actions  = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetTableVersion", "glue:GetTableVersions", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"]
  glue_write_actions = ["glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable", "glue:BatchDeleteTable", "glue:BatchDeleteTableVersion", "glue:DeleteTableVersion"]

  # Statements per set of databases: the catalog itself, the databases, their tables.
  glue_resources = {
    for name, databases in { landing = local.landing_databases, built = local.built_databases } : name => concat(
      ["${local.glue_arn}:catalog"],
      [for database in databases : "${local.glue_arn}:database/${database}"],
      [for database in databases : "${local.glue_arn}:table/${database}/*"]
    )
  }

  ingestion_statements = [
    { Sid = "LandTables", Effect = "Allow", Action = concat(local.glue_read_actions, local.glue_write_actions), Resource = local.glue_resources.landing },
  ]
}
