#!/bin/sh
# Runs Terraform on one layer for one environment:
#
#   sh live/terraform.sh ENVIRONMENT LAYER COMMAND [ARGUMENT...]
#   sh live/terraform.sh dev pipelines plan
#
# LAYER is account (base/aws/account), base (base/aws) or pipelines. What it adds to plain Terraform:
#   - the inputs: live/ENVIRONMENT/base.tfvars or env.tfvars, and the environment's name
#   - the state: in the S3 bucket that live/ENVIRONMENT/backend.hcl names, under ENVIRONMENT/LAYER.tfstate; without a
#     `bucket` there, in the file live/ENVIRONMENT/LAYER.tfstate
#   - `terraform init`, when something changed since the last one; each environment has its own folder below .terraform,
#     so two of them never mix
set -eu

fail() {
    echo "live/terraform.sh: $1" >&2
    exit 2
}

[ $# -ge 3 ] || fail "needs an environment, a layer and a command, like: sh live/terraform.sh dev pipelines plan"
environment=$1 layer=$2 command=$3
shift 3

root=$(cd "$(dirname "$0")/.." && pwd)
live=$root/live/$environment
backend=$live/backend.hcl
case $environment in '' | *[!a-z0-9]*) fail "the environment is lower-case letters and digits, not \"$environment\"" ;; esac
[ -d "$live" ] || fail "there is no folder live/$environment: $(cd "$root/live" && echo */) are there"
[ -f "$backend" ] || fail "live/$environment/backend.hcl is missing"
case $layer in
account) folder=$root/base/aws/account inputs=$backend key=account.tfstate ;;
base) folder=$root/base/aws inputs=$live/base.tfvars key=$environment/base.tfstate ;;
pipelines) folder=$root/pipelines inputs=$live/env.tfvars key=$environment/pipelines.tfstate ;;
*) fail "the layer is account, base or pipelines, not \"$layer\"" ;;
esac
[ -f "$inputs" ] || fail "${inputs#"$root"/} is missing"
bucket=$(sed -n 's/^ *bucket *= *"\([^"]*\)".*/\1/p' "$backend")
[ "$layer" != account ] || [ -n "$bucket" ] || fail "live/$environment/backend.hcl names no bucket: remove the # before its lines"

export TF_DATA_DIR="$root/.terraform/$environment/$layer" TF_IN_AUTOMATION=1
export TF_PLUGIN_CACHE_DIR="${TF_PLUGIN_CACHE_DIR:-$root/.terraform/plugins}"
[ "$layer" = account ] || export TF_VAR_environment="$environment"
[ "$layer" != base ] || [ -z "$bucket" ] || export TF_VAR_state_bucket="$bucket"
[ -t 1 ] || export TF_CLI_ARGS="-no-color${TF_CLI_ARGS:+ $TF_CLI_ARGS}"
mkdir -p "$TF_DATA_DIR" "$TF_PLUGIN_CACHE_DIR"

# Terraform reads the kind of a backend from the configuration alone, so a local state needs a file there.
override=$folder/backend_override.tf
if [ -n "$bucket" ] && [ "${STATE:-}" != local ]; then
    state=s3
    rm -f "$override"
    set_backend="-backend-config=$backend -backend-config=key=$key"
else
    state=local
    [ -z "${CI:-}" ] || fail "live/$environment/backend.hcl names no bucket, and a local state would be lost with this machine"
    printf 'terraform {\n  backend "local" {}\n}\n' >"$override"
    set_backend="-backend-config=path=$live/$layer.tfstate"
    trap 'rm -f "$override"' EXIT
fi

init() {
    # shellcheck disable=SC2086 # two words on purpose
    terraform -chdir="$folder" init -input=false $set_backend "$@" >"$TF_DATA_DIR/init.log" 2>&1 || {
        cat "$TF_DATA_DIR/init.log" >&2
        exit 1
    }
    echo "$state $bucket" >"$TF_DATA_DIR/initialized"
}

if [ "$command" = init ]; then
    init "$@"
    exit 0
fi
if [ "$(cat "$TF_DATA_DIR/initialized" 2>/dev/null)" != "$state $bucket" ] ||
    [ -n "$(find "$folder" "$backend" -name tests -prune -o \( -name '*.tf' -o -name '*.hcl' \) ! -name '*_override.tf' -newer "$TF_DATA_DIR/initialized" -print | head -1)" ]; then
    init
fi

case $command in
plan | apply | destroy | import | refresh | console) ;;
*)
    terraform -chdir="$folder" "$command" "$@"
    exit
    ;;
esac
# The inputs, unless a saved plan is applied: that has them.
for argument; do
    case $argument in *.tfplan) [ "$command" != apply ] || {
        terraform -chdir="$folder" apply "$@"
        exit
    } ;; esac
done
terraform -chdir="$folder" "$command" -var-file="$inputs" "$@"
