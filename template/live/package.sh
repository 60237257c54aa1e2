#!/bin/sh
# Packs what an environment runs, as its live/ENVIRONMENT/env.tfvars says:
#
#   sh live/package.sh ENVIRONMENT zips      dist/SOURCE-ARCH.zip of every source with runs_on = "zip"
#   sh live/package.sh ENVIRONMENT images    builds and pushes the images of the other sources and of dbt, under the tag
#                                            `current`; Terraform then deploys what the tag stands for, by its digest
#
# An `image` of its own in env.tfvars is left alone: somebody else builds that.
set -eu

fail() {
    echo "live/package.sh: $1" >&2
    exit 2
}

[ $# -eq 2 ] || fail "needs an environment and zips or images"
environment=$1 kind=$2
root=$(cd "$(dirname "$0")/.." && pwd)
moulin=${MOULIN:-moulin}
cd "$root"

terraform() {
    sh live/terraform.sh "$environment" "$@"
}

# One line per source: NAME RUNS_ON ARCH IMAGE, as the defaults and the inputs of this environment make it. A source has
# its infrastructure in pipelines/NAME_lambda.tf and its settings in the variable NAME.
question=
for file in pipelines/*_lambda.tf; do
    [ -f "$file" ] || continue
    name=$(basename "$file" _lambda.tf)
    question="$question\"$name \${var.$name.runs_on} \${var.$name.architecture} \${coalesce(var.$name.image, \"-\")}\", "
done
question="join(\";\", [$question\"transform ecs \${var.dbt.architecture} \${coalesce(var.dbt.image, \"-\")}\"])"
answer=$(echo "$question" | terraform pipelines console)
settings=$(echo "$answer" | sed -n 's/^"\(.*\)"$/\1/p' | tr ';' '\n')
[ -n "$settings" ] || fail "Terraform does not say what $environment runs: $answer"

zips() {
    echo "$settings" | while read -r name runs_on arch image; do
        if [ "$runs_on" = zip ]; then
            $moulin package "$name" --arch "$arch"
        fi
    done
}

# Pushes one image: its context is dist/NAME-image.
push() {
    name=$1 arch=$2
    repository=$environment-$name-ingestion
    [ "$name" != transform ] || repository=$environment-dbt
    case $arch in arm64) platform=linux/arm64 ;; *) platform=linux/amd64 ;; esac
    url=$(aws ecr describe-repositories --region "$region" --repository-names "$repository" --query 'repositories[0].repositoryUri' --output text)
    $moulin package "$name" --image --arch "$arch"
    # One manifest without attestations: Lambda takes no index.
    docker build --platform "$platform" --provenance=false --tag "$url:current" "dist/$name-image"
    aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "${url%%/*}"
    docker push "$url:current"
}

images() {
    wanted=$(echo "$settings" | awk '$2 != "zip" && $4 == "-"')
    [ -n "$wanted" ] || return 0
    for program in docker aws; do
        command -v $program >/dev/null || fail "$program is needed to push the images of $(echo "$wanted" | awk '{print $1}' | xargs); without it name them under \`image\` in live/$environment/env.tfvars"
    done
    # The repositories come first: what runs from an image cannot be made before its image is there.
    targets=$(echo "$wanted" | awk '{print "-target=module." ($1 == "transform" ? "dbt" : $1) "_ecr"}')
    # shellcheck disable=SC2086 # one word per target on purpose
    terraform pipelines apply -auto-approve $targets
    region=$(echo 'local.region' | terraform pipelines console | tr -d '"')
    echo "$wanted" | while read -r name runs_on arch image; do
        push "$name" "$arch" </dev/null
    done
}

case $kind in
zips) zips ;;
images) images ;;
*) fail "zips or images, not \"$kind\"" ;;
esac
