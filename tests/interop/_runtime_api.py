"""A stand-in for Lambda: the runtime API over HTTP, and a function's process that it starts and ends."""

import contextlib
import http.server
import itertools
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
import zipfile

from _lib import MOULIN, ROOT, moulin_json
from _recorded_api import REAL

LIMIT_BYTES = 6 * 1024 * 1024 + 100  # of a response; Lambda answers 413 above it
CACHE = pathlib.Path(os.environ.get("MOULIN_CACHE", ROOT / ".cache"))


class Outcome:
    """What the function posted: `kind` is response, error or init/error."""

    def __init__(self, request_id, kind, body, error_type):
        self.request_id, self.kind, self.body, self.error_type = request_id, kind, body, error_type


class RuntimeApi:
    def __init__(self, address, limit_bytes):
        self.address, self.limit_bytes = address, limit_bytes
        self.events, self.outcomes = queue.Queue(), queue.Queue()
        self.first_next = None  # when the function asked for the first time
        self.ids = (f"00000000-0000-4000-8000-{n:012}" for n in itertools.count(1))

    def invoke(self, event, deadline_s=60, raw=None):
        """Hands over one event and waits for what the function makes of it."""
        request_id = next(self.ids)
        body = raw if raw is not None else json.dumps(event).encode()
        self.events.put((request_id, body, deadline_s))
        outcome = self.outcomes.get(timeout=120)
        assert outcome.request_id == request_id, (outcome.request_id, request_id)
        return outcome


@contextlib.contextmanager
def runtime_api(limit_bytes=LIMIT_BYTES):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self):
            if self.path != "/2018-06-01/runtime/invocation/next":
                return self.answer(404, b"")
            api.first_next = api.first_next or time.monotonic()
            request_id, body, deadline_s = api.events.get()
            if request_id is None:
                self.close_connection = True
                return None
            deadline_ms = int((time.time() + deadline_s) * 1000)
            return self.answer(200, body, {"Lambda-Runtime-Aws-Request-Id": request_id, "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                                           "Lambda-Runtime-Trace-Id": "Root=1-test;Sampled=0",
                                           "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:dev-chess-ingestion"})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = re.fullmatch(r"/2018-06-01/runtime/(?:invocation/([^/]+)/(response|error)|(init/error))", self.path)
            if not found:
                return self.answer(404, b"")
            if found[2] == "response" and len(body) > api.limit_bytes:
                return self.answer(413, b'{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}')
            api.outcomes.put(Outcome(found[1], found[2] or found[3], json.loads(body), self.headers.get("Lambda-Runtime-Function-Error-Type")))
            return self.answer(202, b'{"status":"OK"}')

        def answer(self, status, body, headers=None):
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api = RuntimeApi(f"127.0.0.1:{server.server_address[1]}", limit_bytes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        for _ in range(20):
            api.events.put((None, b"", 0))  # whoever still waits
        server.shutdown()


class Function:
    """A running process of the function; its log lines are kept."""

    def __init__(self, process, started):
        self.process, self.started, self.lines = process, started, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self):
        self.process.terminate()
        code = self.process.wait(30)
        self.reader.join(30)
        return code

    def logged(self):
        """The lines as objects; every line must be one."""
        return [json.loads(line) for line in self.lines]


@contextlib.contextmanager
def function(root, api, env=None, chroot=False, launcher="/bootstrap"):
    """Starts the package that is unpacked in `root`. With `chroot` it sees nothing but that folder, as nobody."""
    variables = {"AWS_LAMBDA_RUNTIME_API": api.address, "ENVIRONMENT": "local", "LAMBDA_TASK_ROOT": os.path.dirname(launcher) if chroot else str(root),
                 "AWS_LAMBDA_FUNCTION_NAME": "dev-chess-ingestion", "TZ": ":UTC", "LD_LIBRARY_PATH": "/var/lang/lib:/lib64", **(env or {})}
    command = [shutil.which("chroot"), "--userspec=65534:65534", str(root), launcher] if chroot else [str(root / "bootstrap")]
    started = time.monotonic()
    process = subprocess.Popen(command, env=variables, cwd="/", text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    running = Function(process, started)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end()


def package(project, source="chess", *more, env=None):
    """Runs moulin package and returns its answer. A build folder has the small libcurl only after make package-files."""
    parts = MOULIN.parent / "lib" / "package"
    library = CACHE / "package" / "libcurl.so.4"
    if MOULIN.parent.name.startswith("build") and library.exists() and not (parts / "libcurl.so.4").exists():
        parts.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, parts)
    return moulin_json("package", source, *more, cwd=project, env=env)


def unpack(zip_path, root):
    """As Lambda does it: with the files' modes, which Python's own unpacking forgets."""
    with zipfile.ZipFile(zip_path) as archive:
        for info in archive.infolist():
            path = pathlib.Path(archive.extract(info, root))
            path.chmod(info.external_attr >> 16 & 0o7777)
    for folder in (root, *(p for p in root.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    return root


# ---- projects of one source

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
MOULIN_YML = """
name: {name}
default_environment: local
environments:
  local:
    warehouse: {warehouse}
    catalog: {{type: sql, uri: "sqlite:///{warehouse}/catalog.db"}}
    engine: {{type: embedded}}
landing: {{namespace: landing, format_version: 2}}
"""
JANUARY = {"now": "2009-11-02T12:00:00Z", "start_month": "2009/10", "end_month": "2009/10"}
GAMES = 46  # of that month
# Numbers by page; each page names the next.
NUMBERS = """
type: rest_api
client: {{base_url: "{base}"}}
resources:
  - name: numbers
    primary_key: id
    write_disposition: append
    endpoint:
      path: numbers
      data_selector: items
      paginator: {{type: json_link, next_url_path: next}}
      incremental: {{cursor_path: id, row_order: asc}}
"""


def project(work, base, warehouse="/tmp/warehouse", source=None):
    """A project of one source; its API is at `base`."""
    ingest = work / "project" / "pipelines" / "ingest"
    shutil.copytree(ROOT / "template" / "pipelines" / "ingest", ingest)
    text = ingest / "chess-ingestion" / "source.yml"
    text.write_text(source.format(base=base) if source else text.read_text().replace(REAL, base))
    if source:
        shutil.rmtree(ingest / "chess-schema")
    (work / "project" / "moulin.yml").write_text(MOULIN_YML.format(name="alone", warehouse=warehouse))
    return work / "project"


class pages:
    """A server of numbered pages: from `first_slow` on, an answer waits until the test lets it go."""

    def __init__(self, count, first_slow=None):
        self.gate, self.is_waiting = threading.Event(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self):
                number = int(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("page", ["1"])[0])
                if first_slow is not None and number >= first_slow:
                    outer.is_waiting.set()
                    outer.gate.wait(60)
                items = [{"id": number * 1000 + i, "text": "x" * 500} for i in range(200)]
                link = f"{outer.base}/numbers?page={number + 1}" if number < count else None
                body = json.dumps({"items": items, "next": link}).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.gate.set()
        self.server.shutdown()
