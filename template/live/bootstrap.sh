#!/bin/sh
# Once per account: makes the bucket that live/ENVIRONMENT/backend.hcl names, with base/aws/account. The bucket cannot
# hold the state of its own making before it is there, so that is made with a state in a file and then moved into it.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
environment=${1:?the environment}
cd "$root"
bucket=$(sed -n 's/^ *bucket *= *"\([^"]*\)".*/\1/p' "live/$environment/backend.hcl")
if [ -z "$bucket" ]; then
    echo "live/bootstrap.sh: live/$environment/backend.hcl names no bucket: remove the # before its lines" >&2
    exit 2
fi
approve=
[ -z "${YES:-}${CI:-}" ] || approve=-auto-approve

# It is there already, made by this very folder: only what changed is applied.
if sh live/terraform.sh "$environment" account init -reconfigure >/dev/null 2>&1 &&
    [ -n "$(sh live/terraform.sh "$environment" account state list 2>/dev/null)" ]; then
    exec sh live/terraform.sh "$environment" account apply $approve
fi
rm -rf ".terraform/$environment/account"
STATE=local sh live/terraform.sh "$environment" account apply $approve
sh live/terraform.sh "$environment" account init -migrate-state -force-copy
rm -f "live/$environment/account.tfstate" "live/$environment/account.tfstate.backup"
echo "the states are kept in $bucket now"
