output "vpc_name" {
  value = aws_vpc.this.tags["Name"]
}

output "ecs_cluster_name" {
  value = aws_ecs_cluster.this.name
}

output "github_plan_role" {
  description = "For the workflow that plans pull requests."
  value       = one(aws_iam_role.github_plan[*].arn)
}

output "github_apply_role" {
  description = "For the workflow that deploys."
  value       = one(aws_iam_role.github_apply[*].arn)
}
