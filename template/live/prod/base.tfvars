# Inputs of base/aws for prod: all are described in base/aws/variables.tf. Where the infra team has a VPC and a cluster
# of its own, remove this file and name both in env.tfvars.

# account_id         = "123456789012" # stop when the credentials are those of another account
egress             = "endpoints" # private subnets; AWS through VPC endpoints
cidr_block         = "10.21.0.0/16"
log_retention_days = 90

# github_repository  = "owner/name" # roles for its workflows
