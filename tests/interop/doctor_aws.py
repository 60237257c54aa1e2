"""`moulin doctor --env X` against a stand-in for AWS: it names what is missing, what is denied, and finds nothing when all is there."""

import io
import os
import platform
import zipfile

import _aws
from _lib import case, finish, folder, moulin, moulin_json

MOULIN_YML = """\
name: chess_platform
default_environment: local
environments:
  local: {warehouse: ./warehouse}
  dev:
    region: eu-west-1
    warehouse: s3://dev-ingestion-chess-platform
    catalog: {type: glue}
    engine: {type: athena, work_group: dev-chess-platform}
    namespace_prefix: dev_
    secrets: {type: secretsmanager}
    namespaces: {analytics: {location: "s3://dev-staging-chess-platform"}}
landing: {namespace: landing, format_version: 2}
names:
  chess_ingestion_function: {ingest: chess}
  dbt_task_definition: {transform: pipelines/transform}
  ecs_cluster: local
  subnets: '["local"]'
  security_groups: '[]'
  assign_public_ip: DISABLED
"""
BUCKETS = ["dev-ingestion-chess-platform", "dev-staging-chess-platform"]


def new_project(work):
    moulin("init", work / "project", cwd=work)
    project = work / "project"
    (project / "moulin.yml").write_text(MOULIN_YML)
    source = project / "pipelines/ingest/chess-ingestion/source.yml"
    text = source.read_text()
    assert "User-Agent:" in text, "the template changed"
    source.write_text(text.replace("    User-Agent:", "    X-Key: \"{{ secret('chess/api_key') }}\"\n    User-Agent:", 1))
    return project


def doctor(project, env, code):
    done = moulin("doctor", "--env", "dev", "--output", "json", cwd=project, env=env, code=code)
    import json
    return {line["what"]: (line["verdict"], line["found"]) for line in json.loads(done.stdout)}


def role(aws, name, service):
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "%s"}, "Action": "sts:AssumeRole"}]}' % service
    return aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def deploy(aws):
    """What the template's Terraform makes, as far as doctor asks for it."""
    s3 = aws.client("s3")
    for name in BUCKETS:
        aws.bucket(name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for name in ("dev_landing", "dev_analytics"):
        aws.client("glue").create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{BUCKETS[0]}/{name}"})
    aws.client("athena").create_work_group(Name="dev-chess-platform", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKETS[1]}/_athena/"}})
    aws.client("secretsmanager").create_secret(Name="dev-chess", SecretString='{"api_key": "do-not-show"}')
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    aws.client("lambda").create_function(FunctionName="dev-chess-ingestion", Runtime="provided.al2023", Handler="bootstrap", Timeout=900, MemorySize=1024,
                                         Role=role(aws, "dev-chess", "lambda.amazonaws.com"), Code={"ZipFile": zipped.getvalue()})
    ecs = aws.client("ecs")
    cluster = ecs.create_cluster(clusterName="dev-cluster")["cluster"]["clusterArn"]
    task = ecs.register_task_definition(family="dev-dbt", containerDefinitions=[{"name": "dbt", "image": "registry/dev-dbt:current", "memory": 512}])
    aws.client("ssm").put_parameter(Name="/dev/dbt_task_definition", Type="String", Value=task["taskDefinition"]["taskDefinitionArn"])
    machine = '{"StartAt": "Transform", "States": {"Transform": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": true, "Parameters": {"Cluster": "%s"}}}}' % cluster
    aws.client("stepfunctions").create_state_machine(name="dev-chess_pipeline", definition=machine, roleArn=role(aws, "dev-states", "states.amazonaws.com"))


DEPLOYED = ["bucket dev-ingestion-chess-platform", "bucket dev-staging-chess-platform", "Glue database dev_landing", "Glue database dev_analytics",
            "Athena work group dev-chess-platform", "secret dev-chess", "function dev-chess-ingestion", "state machine dev-chess_pipeline",
            "parameter /dev/dbt_task_definition"]

with folder() as work:
    project = new_project(work)
    os.environ["MOULIN_SECRET_CHESS_API_KEY"] = "of-this-machine"

    with _aws.ministack() as aws:
        @case
        def nothing_deployed_is_told_line_by_line_with_the_target_to_call():
            lines = doctor(project, aws.env, code=1)
            for what in DEPLOYED:
                verdict, found = lines[what]
                assert verdict == "failed" and "make deploy" in found, (what, verdict, found)
            assert lines["credentials"] == ("ok", "from environment, without an end"), lines["credentials"]
            assert lines["identity"][0] == lines["clock"][0] == lines["region"][0] == "ok", lines
            assert lines["endpoint of s3"][0] == "warning" and aws.endpoint in lines["endpoint of s3"][1]

        @case
        def all_deployed_is_all_well():
            deploy(aws)
            lines = doctor(project, aws.env, code=0)
            for what in [*DEPLOYED, "ECS cluster arn:aws:ecs:eu-west-1:000000000000:cluster/dev-cluster", "ECS task of the dbt project", "warehouse", "catalog"]:
                assert lines[what][0] == "ok", (what, lines[what])
            assert "do-not-show" not in str(lines) and "of-this-machine" not in str(lines)
            assert "registry/dev-dbt:current" in lines["ECS task of the dbt project"][1]

        @case
        def it_leaves_nothing_in_the_account():
            for name in BUCKETS:
                assert aws.client("s3").list_objects_v2(Bucket=name).get("KeyCount", 0) == 0
            assert aws.client("glue").get_tables(DatabaseName="dev_landing")["TableList"] == []

        @case
        def what_keeps_no_versions_or_holds_nothing_is_told():
            aws.client("s3").put_bucket_versioning(Bucket=BUCKETS[0], VersioningConfiguration={"Status": "Suspended"})
            aws.client("athena").create_work_group(Name="empty", Configuration={})
            (project / "moulin.yml").write_text(MOULIN_YML.replace("work_group: dev-chess-platform", "work_group: empty"))
            try:
                lines = doctor(project, aws.env, code=1)
            finally:
                (project / "moulin.yml").write_text(MOULIN_YML)
            assert lines[f"bucket {BUCKETS[0]}"][0] == "warning" and "versions" in lines[f"bucket {BUCKETS[0]}"][1]
            assert lines["Athena work group empty"][0] == "failed" and "output location" in lines["Athena work group empty"][1]

        @case
        def a_function_of_another_architecture_is_told():
            other, own = ("arm64", "x86_64") if platform.machine() == "x86_64" else ("x86_64", "arm64")
            zipped = io.BytesIO()
            with zipfile.ZipFile(zipped, "w") as archive:
                archive.writestr("bootstrap", "#!/bin/sh\n")
            for architecture, told in ((other, True), (own, False)):
                aws.client("lambda").update_function_code(FunctionName="dev-chess-ingestion", ZipFile=zipped.getvalue(), Architectures=[architecture])
                lines = doctor(project, aws.env, code=None)
                assert architecture in lines["function dev-chess-ingestion"][1], lines["function dev-chess-ingestion"]
                assert ("moulin package" in lines) == told, lines.get("moulin package")

        @case
        def parameters_and_prefixes_of_secrets_are_followed():
            def lines_with(secrets):
                (project / "moulin.yml").write_text(MOULIN_YML.replace("    secrets: {type: secretsmanager}\n", secrets))
                try:
                    return doctor(project, aws.env, code=None)
                finally:
                    (project / "moulin.yml").write_text(MOULIN_YML)

            what = "parameter /team/dev/chess/api_key"
            ssm = '    secrets: {type: ssm, prefix: "/team/dev/"}\n'
            assert lines_with(ssm)[what][0] == "failed"
            aws.client("ssm").put_parameter(Name="/team/dev/chess/api_key", Type="SecureString", Value="do-not-show")
            lines = lines_with(ssm)
            assert lines[what][0] == "ok" and "do-not-show" not in str(lines), lines[what]
            assert lines_with('    secrets: {type: secretsmanager, prefix: "x-"}\n')["secret x-chess"][0] == "failed"
            assert lines_with("")["secrets"][0] == "warning"

        @case
        def a_state_machine_of_another_name_is_looked_for_by_it():
            (project / "moulin.yml").write_text(MOULIN_YML.replace("    namespace_prefix", '    workflows: {type: step_functions, state_machine: "team-{workflow}"}\n    namespace_prefix'))
            try:
                lines = doctor(project, aws.env, code=1)
            finally:
                (project / "moulin.yml").write_text(MOULIN_YML)
            assert lines["state machine team-chess"][0] == "failed", lines

        @case
        def another_region_in_the_environment_is_told():
            lines = doctor(project, {**aws.env, "AWS_REGION": "us-east-1"}, code=0)
            assert lines["region"][0] == "warning" and "us-east-1" in lines["region"][1], lines["region"]

        @case
        def without_credentials_one_line_says_where_they_were_looked_for():
            env = {**aws.env, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
            lines = doctor(project, env, code=1)
            assert lines["credentials"][0] == "failed", lines["credentials"]
            failed = [what for what, (verdict, _) in lines.items() if verdict == "failed"]
            assert failed == ["credentials"], failed

        @case
        def the_local_environment_asks_nobody():
            lines = moulin_json("doctor", "--env", "local", cwd=project, env={**aws.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
            assert {line["verdict"] for line in lines} == {"ok"}, lines
            assert not any(line["what"] in ("region", "credentials", "terraform") for line in lines)

    with _aws.ministack(signed=True, actions=["sts:*"]) as aws:
        @case
        def what_is_denied_names_the_permission():
            lines = doctor(project, aws.env, code=1)
            assert lines["identity"][0] == "ok", lines["identity"]
            for what, permission in [("Glue database dev_landing", "glue:GetDatabase"),
                                     ("Athena work group dev-chess-platform", "athena:GetWorkGroup"), ("secret dev-chess", "secretsmanager:DescribeSecret"),
                                     ("state machine dev-chess_pipeline", "states:DescribeStateMachine"), ("parameter /dev/dbt_task_definition", "ssm:GetParameter"),
                                     ("function dev-chess-ingestion", "lambda:GetFunctionConfiguration")]:
                assert lines[what][0] == "failed" and permission in lines[what][1], (what, lines[what])

        @case
        def a_wrong_key_is_told_once():
            lines = doctor(project, {**aws.env, "AWS_SECRET_ACCESS_KEY": "wrong"}, code=1)
            failed = [what for what, (verdict, _) in lines.items() if verdict == "failed"]
            assert failed == ["identity"], (failed, lines["identity"])

    with _aws.ministack(signed=True, actions=["sts:*", "glue:Get*"]) as aws:
        @case
        def who_may_read_a_database_and_not_write_it_is_told_so():
            # the root's keys are never checked
            glue = aws.client("glue", aws_access_key_id="test", aws_secret_access_key="test")
            glue.create_database(DatabaseInput={"Name": "dev_landing"})
            verdict, found = doctor(project, aws.env, code=1)["Glue database dev_landing"]
            assert verdict == "warning" and "glue:UpdateTable" in found, (verdict, found)

finish()
