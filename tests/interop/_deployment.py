"""A project written by `moulin init`, deployed by its own Terraform into a stand-in for an AWS account."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.parse

import _aws
import _terraform
from _lib import MOULIN, moulin
from _recorded_api import REAL, answers

RECORDING = "pipelines/ingest/chess-ingestion/recordings"
# An image that holds nothing: what the registry is asked for is its digest.
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": "sha256:" + "0" * 64}}


class Api:
    """The recorded answers behind HTTP, with what a test may do to them."""

    def __init__(self, base):
        self.base, self.found, self.requests = base, {}, []
        self.down = False                 # answer everything with 503
        self.hold = threading.Event()     # set = answers go out; cleared = they wait
        self.hold.set()
        self.wait_for = None              # a function of the path; true = this answer waits until `hold` is set

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
            if state.wait_for and state.wait_for(path):
                state.hold.wait(120)
            status, text = state.found.get(path, (404, '{"code": 0, "message": "not recorded"}'))
            if state.down:
                status, text = 503, '{"message": "down for the test"}'
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
        state.hold.set()
        server.shutdown()


def replace(path, pattern, text):
    """Edits a file; the pattern must be there."""
    edited, count = re.subn(pattern, text, path.read_text(), flags=re.M)
    assert count, f"{path} has no {pattern}"
    path.write_text(edited)


class Checkout:
    """One clone of the project, from which one environment is deployed."""

    def __init__(self, folder, aws, environment, api_base):
        self.folder, self.aws, self.environment = folder, aws, environment
        self.variables = {**aws.env, **_terraform.environment(folder.parent), "CI": ""}
        moulin("init", folder, cwd=folder.parent)
        # What differs from a user's project: who computes (MiniStack's Athena knows no Iceberg) and where the API is.
        replace(folder / "moulin.yml", r"engine: \{type: athena.*\}", "engine: {type: embedded}")
        replace(folder / "pipelines/ingest/chess-ingestion/source.yml", re.escape(REAL), api_base)

    def moulin(self, *arguments, **options):
        return moulin(*arguments, "--env", self.environment, cwd=self.folder, env=self.aws.env, **options)

    def query(self, sql):
        return json.loads(self.moulin("query", sql, "--output", "json").stdout)

    def package(self):
        """The zip of the function and the context of the task's image, from which the task is run."""
        self.moulin("package", "chess")
        self.moulin("package", "transform", "--image")

    def terraform(self, layer, command, *arguments, code=0):
        """`live/terraform.sh`, as the Makefile calls it. Returns what it printed."""
        approve = ["-auto-approve"] if command in ("apply", "destroy") else []
        done = subprocess.run(["sh", "live/terraform.sh", self.environment, layer, command, *approve, *arguments], cwd=self.folder, text=True, timeout=900,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **self.variables})
        if done.returncode != code:
            raise AssertionError(f"{self.environment}: terraform {layer} {command}: exit {done.returncode}, expected {code}\n{done.stdout[-6000:]}")
        return done.stdout

    def push_image(self, repository):
        """What `docker push` does to the registry, without layers: the tag `current` names a digest."""
        self.aws.client("ecr").put_image(repositoryName=repository, imageManifest=json.dumps(MANIFEST), imageTag="current")

    def deploy(self):
        """What `make deploy` does, but for building images: base, repositories, images, the rest."""
        self.terraform("base", "apply")
        self.terraform("pipelines", "apply", "-target=module.dbt_ecr", "-target=module.chess_ecr")
        self.push_image(f"{self.environment}-dbt")
        return self.terraform("pipelines", "apply")

    def differences(self):
        """Addresses of the resources that a plan would change, and how."""
        text = self.terraform("pipelines", "plan", "-detailed-exitcode", code=2)
        return dict(re.findall(r"^  # (\S+) (?:will|must) be (.*)$", text, re.M)), text

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

    def logs(self):
        groups = [f"/aws/lambda/{self.environment}-chess-ingestion", f"/ecs/{self.environment}-dbt"]
        return "\n".join(f"{group}: {line}" for group in groups for line in _aws.log_lines(self.aws, group)[-40:])

    def catalog(self):
        """PyIceberg on the same Glue catalog."""
        from pyiceberg.catalog.glue import GlueCatalog

        keys = {"endpoint": self.aws.endpoint, "access-key-id": self.aws.access_key, "secret-access-key": self.aws.secret_key, "region": self.aws.region}
        return GlueCatalog("glue", **{f"{service}.{key}": value for service in ("glue", "s3") for key, value in keys.items()},
                           **{"s3.force-virtual-addressing": "False", "warehouse": f"s3://{self.environment}-ingestion-chess-platform"})

    def tables(self):
        """`database.table` -> PyIceberg's table, of this environment."""
        catalog = self.catalog()
        names = [name for database in catalog.list_namespaces() if database[0].startswith(f"{self.environment}_") for name in catalog.list_tables(database)]
        return {".".join(name): catalog.load_table(name) for name in names}


def image_command(checkout):
    """How the task's image starts: the entry point of its Dockerfile, taken from the context on disk."""
    (context,) = (checkout.folder / "dist").glob("transform*image")
    entry = json.loads(re.search(r"^ENTRYPOINT (\[.*\])", (context / "Dockerfile").read_text(), re.M).group(1))
    (launcher,) = context.rglob(pathlib.Path(entry[0]).name)
    return [str(launcher), *entry[1:]]


def program():
    return str(MOULIN)
