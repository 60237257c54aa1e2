# `make output` shows them. A source adds its own in its files.

output "notices_topic" {
  value = aws_sns_topic.notices.arn
}

output "databases" {
  value = [for database in aws_glue_catalog_database.this : database.name]
}

output "work_group" {
  value = aws_athena_workgroup.this.name
}

output "buckets" {
  value = { ingestion = module.ingestion_bucket.name, staging = module.staging_bucket.name }
}

output "allow_destroy" {
  description = "Whether `make destroy` takes buckets and images along that are not empty; as of the last apply."
  value       = var.allow_destroy
}
