"""Stand-ins for AWS that a test starts for itself: MiniStack, SeaweedFS, versitygw, moto.

    with _aws.seaweedfs() as s3:
        moulin("table", "ls", cwd=project, env=s3.env)
        s3.client("s3").create_bucket(Bucket="b")

Each context manager starts one server on free ports of 127.0.0.1 with a fresh folder and yields a `Server`: endpoint,
keys, region, `env` for the programs under test (and nothing else of AWS: no shared files, no instance metadata). It
ends the server and removes the folder whatever happens; when the block fails, the end of the server's log is shown.

What each is good for:
  ministack   the control plane (Lambda zips as processes, Step Functions, Glue with version checks, ECS tasks as
              processes, ...); `signed=True` makes it check signatures and the user's policy
  seaweedfs   S3 that checks signatures, checksums and conditional writes
  versitygw   the same by other people
  moto        a second opinion on request shapes, never on signatures, checksums or lost updates: it accepts wrong ones

`tools/setup interop` installs them. Where one is absent the test is skipped with the reason."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from _lib import ROOT, Skip

CACHE = pathlib.Path(os.environ.get("MOULIN_CACHE", ROOT / ".cache"))
VENV = CACHE / "venv-aws"
REGION = "eu-west-1"
START_LIMIT_S = 60

# What the user has of AWS - keys, profiles, regions - must reach no test, so it is forgotten here, once.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]


class Server:
    """A running stand-in. `folder` holds its data and the file `log`."""

    def __init__(self, name, endpoint, folder, access_key, secret_key, region=REGION):
        self.name, self.endpoint, self.folder = name, endpoint, folder
        self.access_key, self.secret_key, self.region = access_key, secret_key, region
        self.log, self.process = folder / "log", None

    @property
    def env(self):
        return aws_env(self.endpoint, self.access_key, self.secret_key, self.region)

    def client(self, service, **options):
        """A boto3 client of one service; boto3 is in venv-aws, so only scripts that run there may call it."""
        import boto3
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3, "mode": "standard"})
        return boto3.client(service, **{"endpoint_url": self.endpoint, "region_name": self.region, "aws_access_key_id": self.access_key,
                                        "aws_secret_access_key": self.secret_key, "config": config, **options})

    def bucket(self, name):
        """Makes a bucket and returns its name."""
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        return name

    @property
    def images(self):
        """MiniStack only: the file, read when a task starts, with the command for each ECS image."""
        return self.folder / "images.json"

    def kill(self):
        """Ends the server as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def aws_env(endpoint, access_key, secret_key, region=REGION):
    """Environment variables for the program under test: this endpoint, these keys, and nothing of the user's own AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy of the machine must not see what is meant for 127.0.0.1.
        "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
    }


def free_ports(count):
    """Ports that nobody listens on, none of them twice."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def in_venv(name):
    """A program of venv-aws."""
    path = VENV / "bin" / name
    if not path.exists():
        raise Skip(f"{name} is not installed (tools/setup interop)")
    return path


def die_with_parent():
    """The server ends when the test is killed (prctl PR_SET_PDEATHSIG; Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def answers(url, ok=lambda status: status < 500):
    """Whether a server answers at this address (also with a refusal)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return ok(answer.status)
    except urllib.error.HTTPError as refusal:
        return ok(refusal.code)
    except OSError:
        return False


def tail(path, lines=60):
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def stop(process, grace_s):
    """Ends a server and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def running(server, command, env=None, ready=None, grace_s=10):
    """Runs the server's command until the block ends; the block starts when `ready()` says so."""
    ready = ready or (lambda: answers(server.endpoint))
    with open(server.log, "ab") as log:
        server.process = subprocess.Popen([str(c) for c in command], cwd=server.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env={**os.environ, **(env or {})}, start_new_session=True, preexec_fn=die_with_parent)
    try:
        limit = time.monotonic() + START_LIMIT_S
        while not ready():
            if server.process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"{server.name} did not start (exit {server.process.poll()})")
            time.sleep(0.05)
        yield server
    except Skip:
        raise
    except BaseException:
        print(f"the end of the log of {server.name}:\n{tail(server.log)}", file=sys.stdout, flush=True)
        raise
    finally:
        stop(server.process, grace_s)


@contextlib.contextmanager
def fresh_folder(name):
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"moulin-{name}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def seaweedfs():
    """S3 by SeaweedFS (`weed server`), keys checked."""
    weed = in_venv("weed")
    with fresh_folder("seaweedfs") as folder:
        names = ["master", "volume", "filer", "s3"]
        ports = dict(zip([*names, *(f"{name}.grpc" for name in names)], free_ports(8)))
        server = Server("seaweedfs", f"http://127.0.0.1:{ports['s3']}", folder, "AKSEAWEED", "secret-of-seaweed")
        identity = {"name": "test", "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        command = [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-filer", "-s3",
                   "-master.volumeSizeLimitMB=64", "-volume.max=100", "-master.telemetry=false",
                   f"-filer.localSocket={folder / 'filer.sock'}", f"-s3.localSocket={folder / 's3.sock'}",
                   f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += [f"-{name}.port={ports[name]}" for name in names] + [f"-{name}.port.grpc={ports[name + '.grpc']}" for name in names]
        # It answers before it can store: the master must know a volume server and the filer the master.
        ready = [f"http://127.0.0.1:{ports['master']}/dir/assign", f"http://127.0.0.1:{ports['filer']}/", f"{server.endpoint}/"]
        try:
            # It takes ten seconds to say goodbye; nothing of it is kept, so it gets none.
            with running(server, command, grace_s=0, ready=lambda: answers(ready[0], lambda status: status == 200) and all(map(answers, ready[1:]))):
                yield server
        finally:
            for name in names:
                pathlib.Path(f"/tmp/seaweedfs-{name}-grpc-{ports[name + '.grpc']}.sock").unlink(missing_ok=True)


@contextlib.contextmanager
def versitygw():
    """S3 by versitygw over a folder: objects are plain files below `folder`/data."""
    program = CACHE / "bin" / "versitygw"
    if not program.exists():
        raise Skip("versitygw is not installed (tools/setup interop; it needs go)")
    with fresh_folder("versitygw") as folder:
        (port,) = free_ports(1)
        server = Server("versitygw", f"http://127.0.0.1:{port}", folder, "AKVERSITY", "secret-of-versity")
        for name in ("data", "sidecar"):
            (folder / name).mkdir()
        command = [program, "--port", f"127.0.0.1:{port}", "--region", server.region, "posix", "--sidecar", folder / "sidecar", folder / "data"]
        keys = {"ROOT_ACCESS_KEY": server.access_key, "ROOT_SECRET_KEY": server.secret_key}
        with running(server, command, env=keys):
            yield server


@contextlib.contextmanager
def moto():
    """moto's server: many services, few checks."""
    program = in_venv("moto_server")
    with fresh_folder("moto") as folder:
        (port,) = free_ports(1)
        server = Server("moto", f"http://127.0.0.1:{port}", folder, "AKMOTO", "secret-of-moto")
        with running(server, [program, "-H", "127.0.0.1", "-p", port], env={"AWS_DEFAULT_REGION": server.region}):
            yield server


@contextlib.contextmanager
def ministack(signed=False, images=None, tasks=None, functions=None, actions=("*",), wait_scale=1):
    """MiniStack with our additions (`_ministack.py`).

    signed        check signatures and policies; the keys are then those of an IAM user who may do `actions`
    images        ECS image -> command on this machine (a list); "*" stands for every image
    tasks, functions   variables that each ECS task, each Lambda function gets besides its own
    wait_scale    state machines wait so much longer: 0.01 makes a pause of ten seconds one of 0.1"""
    python = in_venv("python")
    with fresh_folder("ministack") as folder:
        (port,) = free_ports(1)
        server = Server("ministack", f"http://127.0.0.1:{port}", folder, "test", "test")
        for name in ("tmp", "state", "s3"):
            (folder / name).mkdir()
        settings = {
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "STATE_DIR": str(folder / "state"),
            "S3_DATA_DIR": str(folder / "s3"), "TMPDIR": str(folder / "tmp"), "MINISTACK_REGION": server.region,
            "AWS_DEFAULT_REGION": server.region, "AUTH": "true" if signed else "", "PYTHONDONTWRITEBYTECODE": "1",
            "TEST_ECS_IMAGES": str(server.images), "SFN_WAIT_SCALE": str(wait_scale), "TEST_ECS_ENVIRONMENT": json.dumps(tasks or {}),
            "TEST_LAMBDA_ENVIRONMENT": json.dumps(functions or {}),
        }
        server.images.write_text(json.dumps(images or {}))
        command = [python, pathlib.Path(__file__).with_name("_ministack.py")]
        with running(server, command, env=settings, ready=lambda: answers(server.endpoint + "/_ministack/health", lambda status: status == 200)):
            if signed:
                server.access_key, server.secret_key = user_keys(server, actions)
            yield server


def user_keys(server, actions):
    """The keys of a new IAM user who may do `actions`: what MiniStack checks, unlike those of the root."""
    iam = server.client("iam")
    iam.create_user(UserName="tester")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    iam.put_user_policy(UserName="tester", PolicyName="may", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="tester")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def wait_for_execution(server, arn, limit_s=600):
    """Follows an execution to its end and returns its description."""
    states, limit = server.client("stepfunctions"), time.monotonic() + limit_s
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > limit:
            raise AssertionError(f"the execution {arn} still runs after {limit_s} s")
        time.sleep(0.2)
    return described


def log_lines(server, group):
    """All lines of a log group, stream after stream."""
    logs = server.client("logs")
    lines = []
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
            lines += [event["message"] for event in events]
    return lines


# Kind -> (service, how its names are listed). What AWS itself makes (default VPC, primary work group) is in the list too:
# compare with what was there at first.
LISTED = {
    "bucket": ("s3", lambda c: [b["Name"] for b in c.list_buckets()["Buckets"]]),
    "database": ("glue", lambda c: [d["Name"] for d in c.get_databases()["DatabaseList"]]),
    "function": ("lambda", lambda c: [f["FunctionName"] for f in c.list_functions()["Functions"]]),
    "state machine": ("stepfunctions", lambda c: [m["name"] for m in c.list_state_machines()["stateMachines"]]),
    "cluster": ("ecs", lambda c: [d["clusterName"] for d in c.describe_clusters(clusters=c.list_clusters()["clusterArns"])["clusters"] if d["status"] == "ACTIVE"]),
    "task definition": ("ecs", lambda c: c.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]),
    "repository": ("ecr", lambda c: [r["repositoryName"] for r in c.describe_repositories()["repositories"]]),
    "secret": ("secretsmanager", lambda c: [s["Name"] for s in c.list_secrets()["SecretList"]]),
    "parameter": ("ssm", lambda c: [p["Name"] for p in c.describe_parameters()["Parameters"]]),
    "log group": ("logs", lambda c: [g["logGroupName"] for g in c.describe_log_groups()["logGroups"]]),
    "role": ("iam", lambda c: [r["RoleName"] for r in c.list_roles(MaxItems=1000)["Roles"]]),
    "policy": ("iam", lambda c: [p["PolicyName"] for p in c.list_policies(Scope="Local", MaxItems=1000)["Policies"]]),
    "OIDC provider": ("iam", lambda c: [p["Arn"].rsplit("/", 1)[-1] for p in c.list_open_id_connect_providers()["OpenIDConnectProviderList"]]),
    "topic": ("sns", lambda c: [t["TopicArn"] for t in c.list_topics()["Topics"]]),
    "subscription": ("sns", lambda c: [s["SubscriptionArn"] for s in c.list_subscriptions()["Subscriptions"]]),
    "queue": ("sqs", lambda c: c.list_queues().get("QueueUrls", [])),
    "rule": ("events", lambda c: [r["Name"] for r in c.list_rules()["Rules"]]),
    "alarm": ("cloudwatch", lambda c: [a["AlarmName"] for a in c.describe_alarms()["MetricAlarms"]]),
    "schedule": ("scheduler", lambda c: [s["Name"] for s in c.list_schedules()["Schedules"]]),
    "schedule group": ("scheduler", lambda c: [g["Name"] for g in c.list_schedule_groups()["ScheduleGroups"]]),
    "work group": ("athena", lambda c: [g["Name"] for g in c.list_work_groups()["WorkGroups"]]),
    "VPC": ("ec2", lambda c: [v["VpcId"] for v in c.describe_vpcs()["Vpcs"]]),
    "subnet": ("ec2", lambda c: [s["SubnetId"] for s in c.describe_subnets()["Subnets"]]),
    "security group": ("ec2", lambda c: [g["GroupId"] for g in c.describe_security_groups()["SecurityGroups"]]),
    "VPC endpoint": ("ec2", lambda c: [e["VpcEndpointId"] for e in c.describe_vpc_endpoints()["VpcEndpoints"]]),
    "route table": ("ec2", lambda c: [t["RouteTableId"] for t in c.describe_route_tables()["RouteTables"]]),
    "gateway": ("ec2", lambda c: [g["InternetGatewayId"] for g in c.describe_internet_gateways()["InternetGateways"]]),
}


def everything(server):
    """All that lies in the account, as (kind, name)."""
    return {(kind, name) for kind, (service, names) in LISTED.items() for name in names(server.client(service))}
