#!/usr/bin/env python3
"""MiniStack with what a test without Docker needs. Started by `_aws.ministack()`, run by venv-aws's Python.

Added to MiniStack 1.5.33, all of it our own stand-in (a pass proves the program against this, not against AWS):
  ECS tasks     run as processes of this machine: command override, environment, resolved secrets, exit code, output
                in the awslogs stream; a task that cannot start ends as TaskFailedToStart
  runTask.sync  returns what Step Functions returns (one task in PascalCase) and fails as it does: States.TaskFailed
                when a container ends with another exit code than 0 or the task did not start
  task roles    a task's credentials are a session of its task role, so that with AUTH=true the role's policies decide
  Glue policies are asked as AWS asks them: for the catalog, the database and the table that a call names
  TLS           policies that ask for it see every call as one over TLS: the loopback interface stands for it
  Lambda        the bootstrap sees only what Lambda sets and what the function's own environment says

TEST_ECS_IMAGES       file, read when a task starts, JSON: image, its repository or "*" -> command (a list of arguments)
TEST_ECS_ENVIRONMENT  JSON: more variables for every task
TEST_LAMBDA_ENVIRONMENT  JSON: more variables for every function"""

import itertools
import json
import os
import pathlib
import signal
import subprocess
import secrets
import tempfile
import threading
import time
import uuid

# No engine on the developer's machine may be used instead: what runs here must be what runs in CI.
os.environ["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"

from ministack.core import iam_actions, iam_evaluator  # noqa: E402
from ministack.core.responses import get_account_id  # noqa: E402
from ministack.services import ecs, imds, lambda_svc, stepfunctions, sts  # noqa: E402

IMAGES = pathlib.Path(os.environ["TEST_ECS_IMAGES"])
TASK_ENVIRONMENT = json.loads(os.environ.get("TEST_ECS_ENVIRONMENT") or "{}")
FUNCTION_ENVIRONMENT = json.loads(os.environ.get("TEST_LAMBDA_ENVIRONMENT") or "{}")
ENDPOINT = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
# What a container of ours finds without being told: nothing of this machine's environment.
CONTAINER_BASE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
FUNCTION_BASE = {
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LANG": "en_US.UTF-8", "TZ": ":UTC", "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
}


def repository(image):
    """`host/name` of `host/name:tag` and of `host/name@digest`."""
    name = image.split("@", 1)[0]
    head, _, last = name.rpartition("/")
    return (f"{head}/" if head else "") + last.split(":", 1)[0]


def command_of(image):
    commands = json.loads(IMAGES.read_text())
    for key in (image, repository(image), repository(image).rsplit("/", 1)[-1], "*"):
        if key in commands:
            return list(commands[key])
    raise LookupError(f"CannotPullContainerError: no such image: {image}")


class Process:
    """One container: a process in a folder of its own, with the few methods that MiniStack's ECS calls."""

    def __init__(self, image, command=None, environment=None, name="", **_):
        self.id, self.name, self.attrs = uuid.uuid4().hex * 2, name, {"NetworkSettings": {"Networks": {}}}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ecs-task-"))
        self.output = self.folder / "output"
        self.delivered = None  # set by the log forwarder when it has read all
        variables = {**CONTAINER_BASE, "HOME": str(self.folder), "TMPDIR": str(self.folder), **(environment or {}), **TASK_ENVIRONMENT}
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(command_of(image) + list(command or []), env={k: str(v) for k, v in variables.items()}, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def status(self):
        return "running" if self.process.poll() is None else "exited"

    def reload(self):
        self.process.poll()

    def wait(self, **_):
        code = self.process.wait()
        # A task is not seen as stopped before its last line is in the log.
        if self.delivered:
            self.delivered.wait(10)
        # As a shell and Docker tell it: killed by signal N is 128 + N.
        return {"StatusCode": code if code >= 0 else 128 - code}

    def logs(self, stream=False, **_):
        return self.follow() if stream else self.output.read_bytes()

    def follow(self):
        """The output in whole lines until the process has ended."""
        rest, watch = b"", threading.Event()
        with open(self.output, "rb") as output:
            while True:
                ended = self.process.poll() is not None
                rest += output.read()
                lines, newline, rest = rest.rpartition(b"\n")
                if lines or newline:
                    yield lines + newline
                if ended:
                    if rest:
                        yield rest
                    self.delivered.set()
                    return
                watch.wait(0.05)

    def signal_all(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, timeout=10, **_):
        self.signal_all(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self, **_):
        self.signal_all(signal.SIGKILL)
        self.process.wait()

    def remove(self, **_):
        self.signal_all(signal.SIGKILL)


class Here:
    """The "container" of MiniStack itself: tells it that tasks reach it at 127.0.0.1."""

    attrs = {"NetworkSettings": {"Networks": {"loopback": {"IPAddress": "127.0.0.1"}}}}


class Engine:
    """What MiniStack takes for its Docker client."""

    def __init__(self):
        self.all, self.containers = {}, self

    def run(self, image, **options):
        process = Process(image, **options)
        self.all[process.id] = process
        return process

    def get(self, name):
        return self.all[name] if name in self.all else Here()

    def list(self, **_):
        return []


ENGINE = Engine()
ecs._get_docker = lambda: ENGINE
stock_forwarder = ecs._start_awslogs_forwarder
stock_run_kwargs, stock_run_task = ecs._build_run_kwargs, stepfunctions._invoke_ecs_run_task
stock_worker_env = lambda_svc._provided_worker_env


def run_kwargs(*arguments):
    """Without the platform: with one MiniStack tries a second time on the host's, and waits in between."""
    kwargs = stock_run_kwargs(*arguments)
    kwargs.pop("platform", None)
    return kwargs


def start_forwarder(container, definition, task_id):
    if definition.get("logConfiguration"):
        container.delivered = threading.Event()
    stock_forwarder(container, definition, task_id)


ecs._build_run_kwargs = run_kwargs
ecs._start_awslogs_forwarder = start_forwarder


# Path of a task's credentials -> (the token that the task must show, the credentials).
task_credentials = {}
stock_register_metadata, stock_metadata_request = ecs._register_metadata, imds.handle_request


def register_metadata(task_arn, cluster_arn, definition, container, launch_type, environment, *rest):
    """Gives the task a session of its role, under the address that its environment names."""
    token = stock_register_metadata(task_arn, cluster_arn, definition, container, launch_type, environment, *rest)
    role = definition.get("taskRoleArn")
    if role:
        key, secret, session = "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(40)
        name, task = role.rsplit("/", 1)[-1], task_arn.rsplit("/", 1)[-1]
        sts.register_session(key, {"Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/{task}", "UserId": f"{name}:{task}",
                                   "SecretAccessKey": secret, "SessionToken": session})
        path = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].removeprefix(ENDPOINT)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        task_credentials[path] = (environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"], {
            "AccessKeyId": key, "SecretAccessKey": secret, "Token": session, "Expiration": expires, "RoleArn": role})
    return token


async def metadata_request(method, path, headers, body, query):
    if not path.startswith("/v2/credentials/"):
        return await stock_metadata_request(method, path, headers, body, query)
    token, credentials = task_credentials.get(path, (None, None))
    if not token or headers.get("authorization") != token:
        return 401, {"Content-Type": "application/json"}, b'{"code": "Unauthorized", "message": "no task has these credentials"}'
    return 200, {"Content-Type": "application/json"}, json.dumps(credentials).encode()


ecs._register_metadata = register_metadata
imds.handle_request = metadata_request


def pascal(value):
    if isinstance(value, list):
        return [pascal(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(item) for key, item in value.items()}
    return value


def poll_tasks(cluster, arns):
    """Until all have stopped. Stock MiniStack looks once per second and no longer than ten minutes."""
    pause = threading.Event()
    for _ in itertools.count():
        _, _, body = ecs._describe_tasks({"cluster": cluster, "tasks": arns})
        answer = json.loads(body)
        if answer["tasks"] and all(task["lastStatus"] == "STOPPED" for task in answer["tasks"]):
            return answer
        pause.wait(0.1)


def run_task(resource, parameters):
    """ecs:runTask and ecs:runTask.sync."""
    result = pascal(stock_run_task(resource, parameters))
    if result.get("Failures"):
        raise stepfunctions._ExecutionError("ECS.AmazonECSException", json.dumps(result["Failures"]))
    if not resource.endswith(".sync"):
        return result
    task = result["Tasks"][0]
    if task.get("StopCode") == "TaskFailedToStart" or any(container.get("ExitCode") != 0 for container in task["Containers"]):
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(task, default=str))
    return task


stepfunctions._poll_ecs_tasks = poll_tasks
stepfunctions._SERVICE_DISPATCH["arn:aws:states:::ecs:runTask"] = run_task


stock_resource, stock_enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce


def resource_of(service, method, path, headers, body, query, region, account):
    """The ARN that a Glue call is about; stock MiniStack takes databases for tables and tables for databases."""
    if service != "glue":
        return stock_resource(service, method, path, headers, body, query, region, account)
    asked, base = json.loads(body or b"{}"), f"arn:aws:glue:{region}:{account}"
    name = asked.get("Name") or asked.get("TableName") or (asked.get("DatabaseInput") or asked.get("TableInput") or {}).get("Name")
    if headers.get("x-amz-target", "").endswith("Database"):
        return f"{base}:database/{name}"
    if asked.get("DatabaseName"):
        return f"{base}:table/{asked['DatabaseName']}/{name or '*'}"
    return f"{base}:catalog"


def enforce(access_key, action, service, region, resource_arn="*", **more):
    """A table needs its database allowed too, and both need the catalog."""
    base, _, rest = resource_arn.rpartition(":")
    wider = []
    if service == "glue" and rest != "catalog":
        wider = [f"{base}:catalog"] + ([f"{base}:database/{rest.split('/')[1]}"] if rest.startswith("table/") else [])
    for arn in [*wider, resource_arn]:
        denied = stock_enforce(access_key, action, service, region, resource_arn=arn, **more)
        if denied:
            return denied
    return None


iam_actions.extract_resource_arn = resource_of
iam_evaluator.enforce = enforce
stock_origin = iam_evaluator.pin_request_origin
iam_evaluator.pin_request_origin = lambda address, secure: stock_origin(address, True)


def worker_env(config, code_folder, port):
    """The environment of a provided.* bootstrap without what this server inherited."""
    stock = stock_worker_env(config, code_folder, port)
    own = (config.get("Environment") or {}).get("Variables") or {}
    kept = {key: value for key, value in stock.items() if key in own or key == "_HANDLER" or key.startswith(("AWS_", "LAMBDA_TASK_"))}
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
    return {**FUNCTION_BASE, **kept, "AWS_LAMBDA_LOG_GROUP_NAME": group, "AWS_ENDPOINT_URL": ENDPOINT, **FUNCTION_ENVIRONMENT}


lambda_svc._provided_worker_env = worker_env

if __name__ == "__main__":
    from ministack.app import main

    main()
