# Inputs of pipelines/ for dev: all are described in pipelines/variables.tf and at the top of pipelines/<source>_*.tf.

# account_id = "123456789012" # stop when the credentials are those of another account
allow_destroy   = true # `make destroy` takes the tables too
noncurrent_days = 3

# vpc_name         = "the-infra-teams-vpc"
# ecs_cluster_name = "the-infra-teams-cluster"
# notice_emails    = ["data-team@example.org"]

chess          = { memory_mb = 1024 } # runs_on = "zip" (default), "image" or "ecs"
chess_pipeline = { schedule_enabled = false }
dbt            = { cpu = 512, memory_mb = 2048 }
