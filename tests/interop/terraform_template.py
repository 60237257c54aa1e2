"""The Terraform of a freshly written project: formatted, valid, its own tests pass without an account, and the tests
of the project fail when the project is broken. One provider folder per layer serves all cases."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from _lib import case, finish, moulin
import _terraform

WORK = tempfile.TemporaryDirectory(prefix="moulin-terraform-")
FOLDER = pathlib.Path(WORK.name)
PROJECT = FOLDER / "project"


def run(*command, code=0, cwd=PROJECT, **variables):
    """Runs a program in the project with Terraform's environment; returns all that it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_")) and name not in ("ENVIRONMENT", "CI", "YES")}
    done = subprocess.run([str(c) for c in command], cwd=cwd, text=True, timeout=600, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**environment, **_terraform.environment(FOLDER), "AWS_EC2_METADATA_DISABLED": "true", **variables})
    if code is not None and done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}, expected {code}\n{done.stdout}")
    return done.stdout


def layer_tests(layer, *options):
    return run("sh", "live/test.sh", layer, *options)


def passed(output):
    """How many runs of `terraform test` passed, when all did."""
    counts = re.findall(r"Success! (\d+) passed, 0 failed\.", output)
    assert len(counts) == 1, output
    return int(counts[0])


@case
def the_files_are_formatted():
    moulin("init", PROJECT, cwd=FOLDER)
    run("terraform", "fmt", "-check", "-recursive", "-diff")


@case
def the_pipelines_are_valid_and_pass_their_tests():
    assert passed(layer_tests("pipelines")) >= 30


@case
def the_base_is_valid_and_passes_its_tests():
    assert passed(layer_tests("base")) >= 5
    assert "The configuration is valid" in layer_tests("account")


@case
def another_source_is_the_files_of_the_first_with_its_name_in_place():
    before = {name: (PROJECT / name).read_text() for name in ("moulin.yml", "README.md", "pipelines/orchestrate/schedule.yml")}
    moulin("new", "source", "weather_report", cwd=PROJECT)
    for file in sorted(PROJECT.glob("pipelines/chess_*.tf")):
        copy = file.with_name(file.name.replace("chess", "weather_report"))
        assert copy.read_text() == file.read_text().replace("chess", "weather_report"), copy
    run("terraform", "fmt", "-check", "-recursive", "-diff")
    assert passed(layer_tests("pipelines", "-filter=tests/environments.tftest.hcl", "-filter=tests/permissions.tftest.hcl")) >= 15
    for path in sorted(PROJECT.glob("pipelines/**/weather_report*"), reverse=True):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for name, text in before.items():
        (PROJECT / name).write_text(text)


@case
def a_bucket_without_encryption_fails_the_tests():
    bucket = PROJECT / "pipelines/modules/bucket/main.tf"
    text = bucket.read_text()
    broken = text.replace('sse_algorithm = "AES256"', 'sse_algorithm = "aws:kms"')
    assert broken != text
    bucket.write_text(broken)
    try:
        output = run("terraform", "-chdir=pipelines", "test", "-filter=tests/buckets.tftest.hcl", code=1, TF_DATA_DIR=str(PROJECT / ".terraform/test/pipelines"))
    finally:
        bucket.write_text(text)
    assert "the bucket does not encrypt" in output, output


@case
def what_terraform_leaves_is_ignored_by_git():
    run("git", "init", "-q")
    for name in ("live/dev/pipelines.tfstate", "pipelines/backend_override.tf", "dist/chess-x86_64.zip", "dist/dev.tfplan"):
        (PROJECT / name).parent.mkdir(exist_ok=True)
        (PROJECT / name).write_text("x")
    seen = run("git", "status", "--porcelain", "--untracked-files=all")
    assert not re.search(r"tfstate|_override|dist/chess|tfplan|\.terraform/", seen), seen
    for kept in (".gitignore", "live/dev/env.tfvars", "live/dev/backend.hcl", "pipelines/tests/project/dist/weather-x86_64.zip"):
        assert kept in seen, f"{kept} is ignored, or was not written\n{seen}"


@case
def a_call_that_cannot_work_is_refused_before_terraform_starts():
    for command, text in {
        ("sh", "live/terraform.sh", "stage", "pipelines", "plan"): "there is no folder live/stage",
        ("sh", "live/terraform.sh", "dev", "network", "plan"): "the layer is account, base or pipelines",
        ("sh", "live/terraform.sh", "dev", "account", "plan"): "live/dev/backend.hcl names no bucket",
        ("sh", "live/terraform.sh", "../dev", "base", "plan"): "the environment is lower-case letters and digits",
        ("sh", "live/terraform.sh", "dev", "base"): "needs an environment, a layer and a command",
    }.items():
        output = run(*command, code=2)
        assert text in output, output
    assert "a local state would be lost" in run("sh", "live/terraform.sh", "dev", "pipelines", "plan", code=2, CI="1")
    assert "say which environment" in run("make", "deploy", code=2)
    assert "CONFIRM=dev" in run("make", "destroy", "ENVIRONMENT=dev", "MOULIN=false", code=2)


@case
def bare_make_lists_what_each_folder_can_do():
    folders = sorted({path.parent for path in PROJECT.rglob("Makefile")})
    assert len(folders) >= 11, folders
    for where in folders:
        output = run("make", "--no-print-directory", cwd=where)
        assert re.search(r"^  make \w", output, re.M) and "help" in output, f"{where}\n{output}"
    assert "deploy" in run("make", "--no-print-directory")


WORK.cleanup()
finish()
