#!/usr/bin/env python3
"""What people meet on their first day with Glue and S3: each mistake gives one message that names the call, the resource and
what to do, and leaves nothing half-done."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
from _lib import ROOT, case, finish, folder, moulin  # noqa: E402

RECORDING = ROOT / "template/pipelines/ingest/chess-ingestion/recordings/2020-06-02.har"
INGEST = ["ingest", "chess", "--replay", RECORDING, "--now", "2020-06-02T12:00:00Z", "--start-month", "2020/05", "--end-month", "2020/05"]
BUCKET = "landing-bucket"


def project(work, region="eu-west-1", warehouse=f"s3://{BUCKET}", prefix="dev_", landing="landing"):
    path = work / "project"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(ROOT / "template" / "pipelines" / "ingest", path / "pipelines" / "ingest")
    (path / "moulin.yml").write_text(
        f"name: bad\nenvironments:\n  dev:\n    region: {region}\n    warehouse: {warehouse}\n    catalog: {{type: glue}}\n"
        f"    namespace_prefix: {prefix}\nlanding: {{namespace: {landing}}}\n")
    return path


def fails(path, env, *fragments, command=INGEST, code=1):
    """The command ends with this exit code, and stderr has one error that holds all fragments."""
    done = moulin(*command, cwd=path, env=env, code=code)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, done.stderr
    for fragment in fragments:
        assert fragment in done.stderr, f"{fragment!r} is not in: {done.stderr}"


def without(env, *names):
    """None takes a variable away for the program, whatever this process has."""
    return {name: value for name, value in env.items() if name not in names}


with _aws.ministack() as server, folder() as work:
    server.bucket(BUCKET)

    @case
    def a_bucket_that_is_not_there_is_named():
        path = project(work, warehouse="s3://absent-bucket")
        fails(path, server.env, "s3:PutObject", "s3://absent-bucket", "NoSuchBucket", "create the bucket absent-bucket", code=2)
        fails(path, server.env, "s3:ListObjectsV2", "absent-bucket", command=["query", "select * from a.b"], code=2)

    @case
    def a_database_that_is_not_there_is_named():
        path = project(work)
        fails(path, server.env, "dev_absent.t", command=["query", "select * from dev_absent.t"])
        fails(path, server.env, "dev_absent.t", command=["table", "show", "dev_absent.t"])

    @case
    def capitals_in_names_are_refused_where_they_stand():
        fails(project(work, prefix="Dev_"), server.env, "moulin.yml:7", "'Dev_'", "lower case", "write 'dev_'", code=2)
        fails(project(work, landing="Landing"), server.env, "moulin.yml:8", "'Landing'", "write 'landing'", code=2)
        assert server.client("glue").get_databases()["DatabaseList"] == []

    @case
    def missing_credentials_say_where_was_looked():
        fails(project(work), without(server.env, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "no AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")

    @case
    def a_region_that_does_not_exist_is_doubted():
        env = {**without(server.env, "AWS_ENDPOINT_URL"), "AWS_MAX_ATTEMPTS": "1"}
        fails(project(work, region="eu-west-99"), env, "glue:GetDatabases", "glue.eu-west-99.amazonaws.com", "is eu-west-99 a region", command=["table", "ls"])


with _aws.ministack(signed=True, actions=["s3:*", "glue:GetDatabase*", "glue:GetTable*"]) as server, folder() as work:
    server.bucket(BUCKET)

    @case
    def a_denied_call_to_glue_names_the_permission():
        fails(project(work), server.env, "glue:CreateDatabase, database dev_landing", "AccessDenied", "allow glue:CreateDatabase")
        keys = [found["Key"] for found in server.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        assert keys == [], f"left behind: {keys}"

    @case
    def a_wrong_secret_is_told_from_a_missing_permission():
        fails(project(work), {**server.env, "AWS_SECRET_ACCESS_KEY": "wrong"}, "glue:GetDatabases", "secret access key", command=["table", "ls"])


with _aws.ministack(signed=True, actions=["s3:CreateBucket", "s3:ListBucket", "s3:GetObject", "glue:*"]) as server, folder() as work:
    server.bucket(BUCKET)

    @case
    def a_denied_call_to_s3_names_the_permission():
        fails(project(work), server.env, f"s3:PutObject, s3://{BUCKET}/", "AccessDenied", "allow s3:PutObject")


with _aws.ministack(signed=True, actions=["s3:*", "glue:GetDatabase*", "glue:GetTable*", "glue:CreateDatabase", "glue:CreateTable"]) as server, folder() as work:
    server.bucket(BUCKET)

    @case
    def a_commit_that_is_denied_leaves_no_row():
        path = project(work)
        fails(path, server.env, "glue:UpdateTable", "AccessDenied", "allow glue:UpdateTable")


finish()
