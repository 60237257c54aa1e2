#!/bin/sh
# Checks and tests the Terraform files of one layer (account, base, pipelines) without an account or a state; more
# arguments are those of `terraform test`.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
layer=${1:?account, base or pipelines}
shift
case $layer in
account) folder=$root/base/aws/account ;;
base) folder=$root/base/aws ;;
pipelines) folder=$root/pipelines ;;
*)
    echo "live/test.sh: account, base or pipelines, not \"$layer\"" >&2
    exit 2
    ;;
esac
export TF_DATA_DIR="$root/.terraform/test/$layer" TF_IN_AUTOMATION=1
export TF_PLUGIN_CACHE_DIR="${TF_PLUGIN_CACHE_DIR:-$root/.terraform/plugins}"
[ -t 1 ] || export TF_CLI_ARGS="-no-color${TF_CLI_ARGS:+ $TF_CLI_ARGS}"
mkdir -p "$TF_DATA_DIR" "$TF_PLUGIN_CACHE_DIR"

terraform fmt -check -recursive -diff "$folder"
terraform -chdir="$folder" init -backend=false -input=false >"$TF_DATA_DIR/init.log" 2>&1 || {
    cat "$TF_DATA_DIR/init.log" >&2
    exit 1
}
terraform -chdir="$folder" validate
[ ! -d "$folder/tests" ] || terraform -chdir="$folder" test "$@"
