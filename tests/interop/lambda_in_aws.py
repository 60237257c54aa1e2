#!/usr/bin/env python3
"""The zip of a source against a stand-in for an AWS account (MiniStack): alone in a root that holds nothing but its files it loads into
S3 and Glue, and as a native Lambda function it is invoked, fails by class, and comes back after a deadline."""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from pyiceberg.catalog.glue import GlueCatalog

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
from _lib import ROOT, Skip, case, finish, folder, moulin  # noqa: E402
from _recorded_api import answers, serve  # noqa: E402
from _runtime_api import GAMES, JANUARY, NUMBERS, RECORDINGS, function, package, pages, project, runtime_api, unpack  # noqa: E402

CLOUD = """
name: alone
default_environment: dev
environments:
  dev:
    region: eu-west-1
    warehouse: s3://dev-ingestion-alone
    catalog: {type: glue}
    engine: {type: embedded}
    namespace_prefix: dev_
landing: {namespace: landing, format_version: 2}
"""


def cloud_project(work, base, **options):
    where = project(work, base, **options)
    (where / "moulin.yml").write_text(CLOUD)
    return where


def landed(server, table, column, namespace="dev_landing"):
    """Rows and different values, as PyIceberg reads them."""
    catalog = GlueCatalog("glue", **{
        "glue.endpoint": server.endpoint, "glue.region": server.region, "glue.access-key-id": server.access_key,
        "glue.secret-access-key": server.secret_key, "s3.endpoint": server.endpoint, "s3.region": server.region,
        "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key})
    values = catalog.load_table(f"{namespace}.{table}").scan(selected_fields=(column,)).to_arrow()[column].to_pylist()
    return len(values), len(set(values))


def create_function(server, name, zip_path, timeout=60, variables=None):
    functions = server.client("lambda")
    functions.create_function(FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role="arn:aws:iam::000000000000:role/any",
                              Code={"ZipFile": pathlib.Path(zip_path).read_bytes()}, Timeout=timeout, MemorySize=512,
                              Architectures=["x86_64" if platform.machine() == "x86_64" else "arm64"],
                              Environment={"Variables": {"ENVIRONMENT": "dev", **server.env, **(variables or {})}})

    def invoke(event):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    return invoke


with _aws.ministack() as server:
    server.bucket("dev-ingestion-alone")

    @case
    def the_zip_alone_loads_into_s3_and_glue():
        if os.geteuid() != 0:
            raise Skip("needs root: it changes the root folder of a process")
        with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base, runtime_api() as api:
            work.chmod(0o755)
            root = unpack(package(cloud_project(work, base))["path"], work / "root")
            with function(root, api, env={**server.env, "ENVIRONMENT": "dev"}, chroot=True) as running:
                done = api.invoke({"run_id": "alone", "input": JANUARY})
                assert done.kind == "response" and done.body["status"] == "complete", (done.body, running.lines)
                assert api.invoke({"input": JANUARY}).body["status"] == "nothing_new"
            assert landed(server, "chess_players_games", "url") == (GAMES, GAMES)
            left = [p for p in (root / "tmp").rglob("*") if p.is_file() and p.name != ".keep"]
            assert not left, left  # a warm function must not fill /tmp

    @case
    def the_image_alone_builds_the_dbt_project_as_a_task_and_as_a_function():
        if os.geteuid() != 0:
            raise Skip("needs root: it changes the root folder of a process")
        with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base, runtime_api() as api:
            work.chmod(0o755)
            where = cloud_project(work, base)
            shutil.copytree(ROOT / "template" / "pipelines" / "transform", where / "pipelines" / "transform")
            env = {**server.env, "ENVIRONMENT": "dev"}
            moulin("ingest", "chess", "--input", json.dumps(JANUARY), cwd=where, env=env)
            root = pathlib.Path(package(where, "transform", "--image")["path"]) / "root"
            for path in (root, *root.parents):
                if path.is_relative_to(work):
                    path.chmod(0o755)
            task = subprocess.run([shutil.which("chroot"), "--userspec=65534:65534", root, "/var/task/bootstrap"], text=True, capture_output=True, env=env, timeout=300)
            assert task.returncode == 0, task.stdout + task.stderr
            assert landed(server, "player_games", "game_url", "dev_analytics")[0] > GAMES
            with function(root, api, env=env, chroot=True, launcher="/var/task/bootstrap"):
                done = api.invoke({"run_id": "again", "command": ["dbt", "build", "--select", "openings"]})
                assert done.kind == "response" and done.body["status"] == "complete", done.body
                wrong = api.invoke({"command": ["build", "--select", "nothing_of_that_name+"], "full_refresh": True})
                assert wrong.body["errorType"] == "Moulin.Usage" and "full_refresh" in wrong.body["errorMessage"], wrong.body

    @case
    def lambda_runs_the_zip():
        with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base:
            where = cloud_project(work, base)
            invoke = create_function(server, "dev-chess-ingestion", package(where)["path"])
            failed, answer = invoke({"run_id": "one", "input": JANUARY})
            assert failed is None and answer["status"] in ("complete", "nothing_new"), answer
            failed, answer = invoke({"run_id": "one", "input": JANUARY})
            assert failed is None and answer["status"] in ("complete", "nothing_new"), answer
            failed, answer = invoke({"input": {"resorces": []}})
            assert failed == "Unhandled" and answer["errorType"] == "Moulin.Usage", answer
            assert landed(server, "chess_players_games", "url") == (GAMES, GAMES)

    @case
    def a_function_that_runs_out_of_time_goes_on_in_the_next_invocation():
        with folder() as work, pages(9, first_slow=6) as api:
            where = cloud_project(work, api.base, source=NUMBERS)
            invoke = create_function(server, "dev-numbers-ingestion", package(where)["path"], timeout=8)
            failed, answer = invoke({"run_id": "first"})
            assert failed is None and answer["status"] == "partial", answer
            assert landed(server, "chess_numbers", "id") == (1000, 1000)
            api.gate.set()
            failed, answer = invoke({"run_id": "second"})
            assert failed is None and answer["status"] == "complete", answer
            assert landed(server, "chess_numbers", "id") == (1800, 1800)

    @case
    def a_denied_bucket_is_told_by_its_call_and_permission():
        with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base:
            where = cloud_project(work, base)
            (where / "moulin.yml").write_text(CLOUD.replace("dev-ingestion-alone", "no-such-bucket"))
            invoke = create_function(server, "dev-denied-ingestion", package(where)["path"])
            failed, answer = invoke({"input": JANUARY})
            assert failed == "Unhandled" and "no-such-bucket" in answer["errorMessage"], answer


if __name__ == "__main__":
    finish()
