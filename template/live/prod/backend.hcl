# Where the Terraform state of prod is kept: `make bootstrap ENVIRONMENT=prod` makes the bucket, once per account.
# The names of buckets are taken world-wide: put something of your own into it first.

bucket       = "chess-platform-terraform-state"
region       = "eu-west-1"
encrypt      = true
use_lockfile = true
