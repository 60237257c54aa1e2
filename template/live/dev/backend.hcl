# Where the Terraform state of dev is kept. Without a `bucket` it is kept in files of this folder, which is right for
# trying things alone and wrong for everything else. To share it: name a bucket, `make bootstrap ENVIRONMENT=dev` makes
# it (once per account), `make migrate-state ENVIRONMENT=dev` moves what is in the files.

# bucket       = "chess-platform-terraform-state"
# region       = "eu-west-1"
# encrypt      = true
# use_lockfile = true
