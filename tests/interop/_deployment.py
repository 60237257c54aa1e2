"""A project written by `moulin init`, deployed by its own Terraform into a stand-in for an AWS account."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import _aws
import _terraform
from _lib import MOULIN, moulin
from _recorded_api import REAL, answers

RECORDING = "pipelines/ingest/chess-ingestion/recordings"


class Api:
    """The recorded answers behind HTTP, with what a test may do to them."""

    def __init__(self, base):
        self.base, self.found, self.requests = base, {}, []
        self.refuses = False              # answer everything with 403
        self.holds = None                 # the next answer to a path that ends so waits until it is released
        self.held, self.released = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def holding(self, path):
        """The next answer to this path waits until the block ends; the one after it does not."""
        self.held.clear()
        self.released.clear()
        self.holds = path
        try:
            yield self.held
        finally:
            self.holds = None
            self.released.set()

    def load(self, recording):
        """Answers with what this recording holds: the day that it was made."""
        self.found = answers(recording)


@contextlib.contextmanager
def api():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self):
            path = urllib.parse.urlsplit(self.path).path
            state.requests.append(path)
            if state.holds and path.endswith(state.holds):
                state.holds = None
                state.held.set()
                state.released.wait(120)
            status, text = state.found.get(path, (404, '{"code": 0, "message": "not recorded"}'))
            if state.refuses:
                status, text = 403, '{"message": "refused for the test"}'
            body = (text.replace(REAL, state.base) if path.endswith("/archives") else text).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Api(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()


def replace(path, pattern, text):
    """Edits a file; the pattern must be there."""
    edited, count = re.subn(pattern, text, path.read_text(), flags=re.M)
    assert count, f"{path} has no {pattern}"
    path.write_text(edited)


def differing(change):
    """Names of the attributes that a plan would change, without those that are only known afterwards."""
    before, after = change["before"] or {}, change["after"] or {}
    return {name for name in {*before, *after} if before.get(name) != after.get(name) and not change["after_unknown"].get(name)}


class Checkout:
    """One clone of the project, from which one environment is deployed with its own Makefile."""

    def __init__(self, folder, aws, environment, api_base):
        self.folder, self.aws, self.environment = folder, aws, environment
        moulin("init", folder, cwd=folder.parent)
        # What differs from a user's project: who computes (MiniStack's Athena knows no Iceberg) and where the API is.
        replace(folder / "moulin.yml", r"engine: \{type: athena.*\}", "engine: {type: embedded}")
        replace(folder / "pipelines/ingest/chess-ingestion/source.yml", re.escape(REAL), api_base)
        # So that everything can be destroyed at the end; prod does not allow it.
        replace(folder / f"live/{environment}/env.tfvars", r"^allow_destroy .*", "allow_destroy = true")
        self.variables = {**aws.env, **_terraform.environment(folder.parent), "CI": "", "PATH": f"{self.programs()}:{os.environ['PATH']}",
                          "TEST_DOCKER_FOLDER": str(folder.parent / "docker"), "TEST_ECS_IMAGES": str(aws.images)}

    def programs(self):
        """A folder with what a deployment calls: AWS's own command line, and our Docker."""
        folder = self.folder.parent / "bin"
        for name in ("bin", "docker"):
            (self.folder.parent / name).mkdir()
        (folder / "aws").symlink_to(_aws.in_venv("aws"))
        (folder / "docker").write_text(f"#!/bin/sh\nexec {_aws.in_venv('python')} {pathlib.Path(__file__).with_name('_docker.py')} \"$@\"\n")
        (folder / "docker").chmod(0o755)
        return folder

    def call(self, *command, code=0):
        """Runs a program in the project as somebody who deploys would. Returns what it printed."""
        started = time.monotonic()
        done = subprocess.run([str(word) for word in command], cwd=self.folder, text=True, timeout=900, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **self.variables})
        print(f"# {self.environment}: {' '.join(map(str, command[:5]))}: {time.monotonic() - started:.0f} s", flush=True)
        if done.returncode != code:
            raise AssertionError(f"{self.environment}: {' '.join(map(str, command))}: exit {done.returncode}, expected {code}\n{done.stdout[-6000:]}")
        return done.stdout

    def make(self, *targets, code=0):
        return self.call("make", *targets, f"ENVIRONMENT={self.environment}", "YES=1", f"MOULIN={MOULIN}", code=code)

    def terraform(self, layer, command, *arguments, code=0):
        """`live/terraform.sh`, as the Makefile calls it."""
        return self.call("sh", "live/terraform.sh", self.environment, layer, command, *arguments, code=code)

    def moulin(self, *arguments, **options):
        return moulin(*arguments, "--env", self.environment, cwd=self.folder, env=self.aws.env, **options)

    def query(self, sql):
        return json.loads(self.moulin("query", sql, "--output", "json").stdout)

    def planned(self):
        """What a plan would change: (address of the resource, its type, actions, names of the attributes that differ)."""
        found = []
        for layer in ("base", "pipelines"):
            plan = self.folder.parent / f"{layer}.tfplan"
            self.terraform(layer, "plan", f"-out={plan}")
            text = self.terraform(layer, "show", "-json", str(plan))
            for change in json.loads(text[text.index("{"):]).get("resource_changes", []):
                if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]:
                    found.append((change["address"], change["type"], change["change"]["actions"], differing(change["change"])))
        return found

    def start(self, given, name=None):
        states = self.aws.client("stepfunctions")
        machines = {m["name"]: m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"]}
        more = {"name": name} if name else {}
        return states.start_execution(stateMachineArn=machines[f"{self.environment}-chess_pipeline"], input=json.dumps(given), **more)["executionArn"]

    def run(self, given, status="SUCCEEDED", name=None):
        """One execution of the state machine, to its end."""
        done = _aws.wait_for_execution(self.aws, self.start(given, name))
        if done["status"] != status:
            raise AssertionError(f"the execution ended {done['status']}, expected {status}\n{json.dumps(done, default=str, indent=1)[:4000]}\n" + self.logs())
        return done

    def history(self, described):
        """The events of an execution."""
        return self.aws.client("stepfunctions").get_execution_history(executionArn=described["executionArn"], maxResults=1000)["events"]

    def logs(self):
        groups = [f"/aws/lambda/{self.environment}-chess-ingestion", f"/ecs/{self.environment}-dbt"]
        return "\n".join(f"{group}: {line}" for group in groups for line in _aws.log_lines(self.aws, group)[-40:])

    def catalog(self):
        """PyIceberg on the same Glue catalog."""
        from pyiceberg.catalog.glue import GlueCatalog

        keys = {"endpoint": self.aws.endpoint, "access-key-id": self.aws.access_key, "secret-access-key": self.aws.secret_key, "region": self.aws.region}
        return GlueCatalog("glue", **{f"{service}.{key}": value for service in ("glue", "s3") for key, value in keys.items()},
                           **{"s3.force-virtual-addressing": "False", "warehouse": f"s3://{self.environment}-ingestion-chess-platform"})

    def image_file(self, path):
        """A file of the project inside the task's image, which is a folder here."""
        (found,) = (self.folder / "dist/transform-image").glob(f"**/project/{path}")
        return found

    def kill_function(self):
        """Ends the function's process as Lambda does when memory runs out. There is one."""
        here = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (process / "environ").read_bytes()
                if f"AWS_LAMBDA_FUNCTION_NAME={self.environment}-chess-ingestion".encode() in variables and f"{self.aws.endpoint}".encode() in variables:
                    here.append(int(process.name))
        assert len(here) == 1, here
        os.kill(here[0], signal.SIGKILL)

    def tables(self):
        """`database.table` -> PyIceberg's table, of this environment."""
        catalog = self.catalog()
        names = [name for database in catalog.list_namespaces() if database[0].startswith(f"{self.environment}_") for name in catalog.list_tables(database)]
        return {".".join(name): catalog.load_table(name) for name in names}
