# Inputs of base/aws for dev: all are described in base/aws/variables.tf. Where the infra team has a VPC and a cluster
# of its own, remove this file and name both in env.tfvars.

# account_id        = "123456789012" # stop when the credentials are those of another account
egress = "public" # costs nothing while nothing runs; "endpoints" or "nat" keep tasks in private subnets

# github_repository = "owner/name" # roles for its workflows
