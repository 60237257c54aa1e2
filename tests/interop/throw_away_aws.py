"""Throw-away namespaces on S3 and Glue: what a pull request's build leaves in the account, and that dropping it takes no more than that."""

import _aws
from _lib import ROOT, case, finish, folder, moulin, moulin_json

RECORDING = ROOT / "template/pipelines/ingest/chess-ingestion/recordings/2020-06-02.har"
NOW = {"MOULIN_REPLAY": str(RECORDING), "MOULIN_NOW": "2020-06-02T12:00:00Z"}
MOULIN_YML = """\
name: chess_platform
environments:
  dev:
    region: eu-west-1
    warehouse: s3://dev-ingestion
    catalog: {type: glue}
    engine: {type: embedded}
    namespace_prefix: dev_
    namespaces: {analytics: {location: "s3://dev-staging"}}
names:
  chess_ingestion_function: {ingest: chess}
  dbt_task_definition: {transform: pipelines/transform}
  ecs_cluster: local
  subnets: '["local"]'
  security_groups: '[]'
  assign_public_ip: DISABLED
"""


def objects(aws):
    found = {}
    for bucket in ("dev-ingestion", "dev-staging"):
        for page in aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
            # the list of the views of embedded engines is written anew by every change, under a new name
            found.update({f"{bucket}/{item['Key']}": item["ETag"] for item in page.get("Contents", []) if "_moulin/views/" not in item["Key"]})
    return found


def databases(aws):
    return sorted(d["Name"] for d in aws.client("glue").get_databases()["DatabaseList"])


with folder() as work, _aws.ministack() as aws:
    moulin("init", work / "project", cwd=work)
    project = work / "project"
    (project / "moulin.yml").write_text(MOULIN_YML)
    for bucket in ("dev-ingestion", "dev-staging"):
        aws.bucket(bucket)
    moulin("ingest", "chess", "--start-month", "2020/05", "--end-month", "2020/05", cwd=project, env={**aws.env, **NOW})
    moulin("transform", "build", cwd=project, env=aws.env)
    objects_before, databases_before = objects(aws), databases(aws)
    pull_request = {**aws.env, "MOULIN_NAMESPACE_PREFIX": "ci_pr_7_"}

    @case
    def a_pull_request_builds_below_names_of_its_own():
        moulin("transform", "build", cwd=project, env=pull_request)
        assert databases(aws) == sorted([*databases_before, "dev_ci_pr_7_analytics"]), databases(aws)
        now = objects(aws)
        changed = {name for name in now if now[name] != objects_before.get(name)}
        # the folders that base/aws/github.tf lets the role write to
        assert changed and all(name.startswith("dev-ingestion/dev_ci_pr_7_analytics/") for name in changed), sorted(changed)[:5]
        assert objects_before.items() <= now.items()
        same = [moulin_json("query", f"select * from {space}.player_games order by all", cwd=project, env=aws.env)
                for space in ("dev_analytics", "dev_ci_pr_7_analytics")]
        assert same[0] == same[1] and len(same[0]) == 34

    @case
    def one_model_alone_reads_the_rest_of_the_environment():
        moulin("table", "drop", "--force", cwd=project, env=pull_request)
        moulin("transform", "build", "--select", "ratings", cwd=project, env=pull_request)
        tables = {t["table"] for t in moulin_json("table", "ls", "dev_ci_pr_7_analytics", cwd=project, env=aws.env)}
        assert tables == {"ratings"}, tables

    @case
    def closing_it_leaves_the_account_as_it_was():
        moulin("table", "drop", "--force", cwd=project, env=pull_request)
        assert databases(aws) == databases_before
        now = objects(aws)
        assert now == objects_before, set(now) ^ set(objects_before)
        moulin("table", "drop", "--force", cwd=project, env=pull_request)

    @case
    def a_view_that_athena_made_goes_too():
        aws.client("glue").create_database(DatabaseInput={"Name": "dev_ci_pr_7_analytics"})
        aws.client("glue").create_table(DatabaseName="dev_ci_pr_7_analytics", TableInput={
            "Name": "a_view", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "/* Presto View: e30= */", "StorageDescriptor": {"Columns": [{"Name": "n", "Type": "int"}]}})
        moulin("table", "drop", "--force", cwd=project, env=pull_request)
        assert databases(aws) == databases_before

    @case
    def other_environments_in_the_account_are_out_of_reach():
        glue = aws.client("glue")
        for name in ("prod_ci_pr_7_analytics", "ci_pr_7_analytics"):
            glue.create_database(DatabaseInput={"Name": name})
        moulin("table", "drop", "--force", cwd=project, env=pull_request)
        assert {"prod_ci_pr_7_analytics", "ci_pr_7_analytics"} <= set(databases(aws))

finish()
