#!/usr/bin/env python3
"""The stand-ins for AWS check what the other tests rely on: signatures, checksums, conditions, roles, tasks, functions.

Without this a test that passes against them could mean that nothing was checked."""

import contextlib
import io
import json
import sys
import textwrap
import zipfile

import _aws
from _lib import case, finish

ROLE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}

# What a task runs here: prints what it was given, then does what it is told with its role's credentials.
TASK = textwrap.dedent("""
    import json, os, sys
    print(json.dumps({"arguments": sys.argv[1:], "plain": os.environ.get("PLAIN"), "secret": os.environ.get("SECRET"), "inherited": os.environ.get("STATE_DIR")}), flush=True)
    if sys.argv[1] == "put":
        import boto3
        from botocore.config import Config
        s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
        s3.put_object(Bucket=sys.argv[2], Key="from-task", Body=b"1")
    if sys.argv[1] == "exit":
        sys.exit(int(sys.argv[2]))
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), 9)
    """)

# A runtime of a few lines: answers with its environment.
BOOTSTRAP = textwrap.dedent("""\
    #!/usr/bin/python3
    import json, os, urllib.request
    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
    while True:
        with urllib.request.urlopen(base + "next") as got:
            request, event = got.headers["Lambda-Runtime-Aws-Request-Id"], json.load(got)
        failed = event.get("fail")
        answer = {"errorType": "Moulin.Network", "errorMessage": "asked to"} if failed else {"event": event, "environment": dict(os.environ)}
        urllib.request.urlopen(urllib.request.Request(base + request + ("/error" if failed else "/response"), json.dumps(answer).encode(), method="POST")).read()
    """)


def refused(call, *codes):
    """The error code that a call is refused with."""
    from botocore.exceptions import ClientError

    try:
        call()
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        assert not codes or code in codes, f"refused with {code}, expected {codes}"
        return code
    raise AssertionError(f"was accepted, expected {codes}")


def s3_checks(server):
    s3 = server.client("s3")
    server.bucket("checked")
    s3.put_object(Bucket="checked", Key="a", Body=b"one", IfNoneMatch="*")
    refused(lambda: s3.put_object(Bucket="checked", Key="a", Body=b"two", IfNoneMatch="*"), "PreconditionFailed")
    refused(lambda: s3.put_object(Bucket="checked", Key="b", Body=b"x", ChecksumSHA256="A" * 43 + "="), "BadDigest", "InvalidRequest", "XAmzContentChecksumMismatch")
    wrong = server.client("s3", aws_secret_access_key="wrong")
    refused(lambda: wrong.put_object(Bucket="checked", Key="c", Body=b"x"), "SignatureDoesNotMatch")
    assert s3.get_object(Bucket="checked", Key="a")["Body"].read() == b"one"


@case
def seaweedfs_checks_signatures_checksums_and_conditions():
    with _aws.seaweedfs() as server:
        s3_checks(server)


@case
def versitygw_checks_signatures_checksums_and_conditions():
    with _aws.versitygw() as server:
        s3_checks(server)


@contextlib.contextmanager
def with_task(folder, **options):
    """MiniStack with a cluster, a secret, a log group and a task definition whose role may only write to one bucket."""
    script = folder / "task.py"
    script.write_text(TASK)
    with _aws.ministack(images={"repository/moulin": [sys.executable, str(script)]}, **options) as aws:
        secret = aws.client("secretsmanager").create_secret(Name="dev-chess", SecretString='{"key": "from the vault"}')["ARN"]
        aws.client("logs").create_log_group(logGroupName="/ecs/dev-dbt")
        aws.client("ecs").create_cluster(clusterName="c")
        iam = aws.client("iam")
        role = iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(ROLE))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::may/*"}]}
        iam.put_role_policy(RoleName="task", PolicyName="p", PolicyDocument=json.dumps(policy))

        def define(image="repository/moulin:1"):
            return aws.client("ecs").register_task_definition(
                family="dev-dbt", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", taskRoleArn=role,
                runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
                containerDefinitions=[{
                    "name": "dbt", "image": image, "essential": True, "command": ["never"], "environment": [{"name": "PLAIN", "value": "plain"}],
                    "secrets": [{"name": "SECRET", "valueFrom": secret + ":key::"}],
                    "logConfiguration": {"logDriver": "awslogs", "options": {
                        "awslogs-group": "/ecs/dev-dbt", "awslogs-region": aws.region, "awslogs-stream-prefix": "dbt"}}}])["taskDefinition"]["taskDefinitionArn"]

        yield aws, define


def run_machine(aws, definition, given=None, name="m"):
    """Makes a state machine, runs it to its end, returns the execution's description."""
    states = aws.client("stepfunctions")
    role = aws.client("iam").list_roles()["Roles"][0]["Arn"]
    arn = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    return _aws.wait_for_execution(aws, states.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"])


def task_state(task, command):
    return {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": True, "Parameters": {
        "LaunchType": "FARGATE", "Cluster": "c", "TaskDefinition": task, "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["s"]}},
        "Overrides": {"ContainerOverrides": [{"Name": "dbt", "Command": command}]}}}


@case
def a_task_runs_as_a_process_with_override_secrets_and_logs():
    with _aws.fresh_folder("task") as folder, with_task(folder) as (aws, define):
        done = run_machine(aws, {"StartAt": "T", "States": {"T": task_state(define(), ["build", "--select", "a b"])}})
        assert done["status"] == "SUCCEEDED", done
        task = json.loads(done["output"])
        assert task["Containers"][0]["ExitCode"] == 0 and task["LastStatus"] == "STOPPED", task
        (line,) = _aws.log_lines(aws, "/ecs/dev-dbt")
        assert json.loads(line) == {"arguments": ["build", "--select", "a b"], "plain": "plain", "secret": "from the vault", "inherited": None}, line


@case
def a_task_that_fails_fails_the_state():
    with _aws.fresh_folder("task") as folder, with_task(folder) as (aws, define):
        good, absent = define(), define("repository/unknown:1")
        for number, (task, command, code) in enumerate([(good, ["exit", "3"], 3), (good, ["kill"], 137), (absent, ["build"], None)]):
            done = run_machine(aws, {"StartAt": "T", "States": {"T": task_state(task, command)}}, name=f"m{number}")
            assert done["status"] == "FAILED" and done["error"] == "States.TaskFailed", done
            cause = json.loads(done["cause"])
            assert cause["Containers"][0].get("ExitCode") == code, cause
            assert code is not None or cause["StopCode"] == "TaskFailedToStart" and "CannotPullContainer" in cause["StoppedReason"], cause


@case
def a_tasks_role_decides_what_it_may():
    with _aws.fresh_folder("task") as folder, with_task(folder, signed=True) as (aws, define):
        aws.bucket("may")
        aws.bucket("may-not")
        task = define()
        done = run_machine(aws, {"StartAt": "T", "States": {"T": task_state(task, ["put", "may"])}}, name="allowed")
        assert done["status"] == "SUCCEEDED", (done, _aws.log_lines(aws, "/ecs/dev-dbt"))
        done = run_machine(aws, {"StartAt": "T", "States": {"T": task_state(task, ["put", "may-not"])}}, name="denied")
        assert done["status"] == "FAILED" and any("AccessDenied" in line for line in _aws.log_lines(aws, "/ecs/dev-dbt")), done
        wrong = aws.client("glue", aws_secret_access_key="wrong")
        refused(wrong.get_databases, "InvalidSignatureException")


@case
def a_function_sees_what_lambda_sets_and_nothing_of_this_machine():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP)
    with _aws.ministack() as aws:
        role = aws.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(ROLE))["Role"]["Arn"]
        function = aws.client("lambda")
        function.create_function(FunctionName="dev-chess-ingestion", Runtime="provided.al2023", Handler="bootstrap", Role=role, Timeout=20, MemorySize=512,
                                 Code={"ZipFile": packed.getvalue()}, Environment={"Variables": {"ENVIRONMENT": "dev"}})
        answer = function.invoke(FunctionName="dev-chess-ingestion", Payload=b'{"a": 1}')
        got = json.loads(answer["Payload"].read())
        environment = got["environment"]
        assert got["event"] == {"a": 1} and environment["ENVIRONMENT"] == "dev", got
        assert environment["AWS_ENDPOINT_URL"] == aws.endpoint and environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512", environment
        assert environment["AWS_REGION"] == aws.region and "STATE_DIR" not in environment and "HOME" not in environment, environment
        failed = function.invoke(FunctionName="dev-chess-ingestion", Payload=b'{"fail": true}')
        assert failed["FunctionError"] == "Unhandled" and json.loads(failed["Payload"].read())["errorType"] == "Moulin.Network", failed


finish()
