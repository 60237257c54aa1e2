# Inputs of pipelines/ for prod: all are described in pipelines/variables.tf and at the top of pipelines/<source>_*.tf.

# account_id = "123456789012" # stop when the credentials are those of another account
allow_destroy      = false
log_retention_days = 90
noncurrent_days    = 30

# vpc_name         = "the-infra-teams-vpc"
# ecs_cluster_name = "the-infra-teams-cluster"
# notice_emails    = ["data-team@example.org"]

chess          = { memory_mb = 2048 }
chess_pipeline = { alarm_after_hours = 24 }
dbt            = { cpu = 1024, memory_mb = 4096 }
