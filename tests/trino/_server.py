"""A single-node Trino on the SQLite catalog of a project, on a free port, with everything it writes in a folder of its own.

What it needs lies in the cache folder (CONTRIBUTING.md, "Against Trino"): the unpacked server with SQLite's driver beside its Iceberg
plugin, and a JDK of at least 24."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT  # noqa: E402

CACHE = pathlib.Path(os.environ.get("MOULIN_CACHE", ROOT / ".cache"))
HOME = pathlib.Path(os.environ.get("MOULIN_TRINO") or CACHE / "trino" / "476")
JVM = """-server
-Xmx1200m
-XX:+UseG1GC
-XX:+ExitOnOutOfMemoryError
-Djdk.attach.allowAttachSelf=true
-Dfile.encoding=UTF-8
--enable-native-access=ALL-UNNAMED
--sun-misc-unsafe-memory-access=allow
"""


def java_home():
    named = os.environ.get("MOULIN_TRINO_JAVA")
    if named:
        return pathlib.Path(named)
    for release in sorted(pathlib.Path("/usr/lib/jvm").glob("*/release")):
        version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.M)
        if version and int(version[1]) >= 24:
            return release.parent
    return None


def missing():
    """What is not there, as a reason to skip; None when Trino can start."""
    if not (HOME / "bin" / "launcher").exists():
        return f"no Trino in {HOME} (CONTRIBUTING.md, Against Trino)"
    if not list((HOME / "plugin" / "iceberg").glob("sqlite-jdbc-*.jar")):
        return f"no sqlite-jdbc beside the Iceberg plugin of {HOME}"
    if java_home() is None:
        return "no JDK of at least 24 (MOULIN_TRINO_JAVA names one)"
    return None


class Trino:
    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def query(self, sql, catalog="iceberg"):
        request = urllib.request.Request(f"{self.url}/v1/statement", sql.encode(), {
            "X-Trino-User": "test", "X-Trino-Catalog": catalog, "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"})
        rows = []
        while True:
            with urllib.request.urlopen(request, timeout=120) as answer:
                page = json.load(answer)
            rows += page.get("data") or []
            if "error" in page:
                raise AssertionError(f"{page['error']['errorName']}: {page['error']['message']}\n{sql}")
            if "nextUri" not in page:
                return rows
            request = page["nextUri"]

    def is_up(self):
        try:
            with urllib.request.urlopen(f"{self.url}/v1/info", timeout=5) as answer:
                return not json.load(answer).get("starting", True) and self.query("select 1") == [[1]]
        except (OSError, ValueError, AssertionError, urllib.error.URLError):
            return False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configure(folder, port, project):
    (folder / "etc" / "catalog").mkdir(parents=True)
    files = {
        "node.properties": f"node.environment=test\nnode.id=one\nnode.data-dir={folder}/data\n",
        "config.properties": f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={port}\n"
                             f"discovery.uri=http://127.0.0.1:{port}\ncatalog.management=static\n",
        "jvm.config": JVM,
        "log.properties": "io.trino=WARN\n",
        "catalog/iceberg.properties": "connector.name=iceberg\niceberg.catalog.type=jdbc\niceberg.jdbc-catalog.driver-class=org.sqlite.JDBC\n"
                                      f"iceberg.jdbc-catalog.connection-url=jdbc:sqlite:{project}/warehouse/catalog.db\n"
                                      "iceberg.jdbc-catalog.catalog-name=default\n"
                                      f"iceberg.jdbc-catalog.default-warehouse-dir=file://{project}/warehouse\nfs.hadoop.enabled=true\n",
    }
    for name, text in files.items():
        (folder / "etc" / name).write_text(text)


@contextlib.contextmanager
def trino(folder, project):
    """Starts Trino on `project`'s catalog; ends it, and all that it started, with the block."""
    folder = pathlib.Path(folder)
    port = free_port()
    configure(folder, port, project)
    home = java_home()
    log = open(folder / "log", "w")
    process = subprocess.Popen([HOME / "bin" / "launcher", "--etc-dir", folder / "etc", "--data-dir", folder / "data", "run"], stdout=log,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                               env={**os.environ, "JAVA_HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"})
    server = Trino(port)
    try:
        deadline = time.monotonic() + 240
        while not server.is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("Trino did not start:\n" + (folder / "log").read_text()[-3000:])
            time.sleep(0.5)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
