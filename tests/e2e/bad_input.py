"""Bad input and bad days at the command line: a clear message with its place, the right exit code, and nothing lost."""

import contextlib
import http.server
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT, Skip, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
SOURCE = "pipelines/ingest/chess-ingestion/source.yml"
LOAD = ["ingest", "chess", "--replay", RECORDINGS / "2009-11-02.har", "--now", "2009-11-02T12:00:00Z", "--start-month", "2009/10",
        "--end-month", "2009/10"]


@contextlib.contextmanager
def project():
    with folder() as work:
        moulin("init", work / "project", cwd=work)
        yield work / "project"


def rows(where, table="landing.chess_players_games"):
    return moulin_json("query", f"select count(*) as n from {table}", cwd=where)[0]["n"]


def fails(done, *fragments):
    for fragment in fragments:
        assert re.search(fragment, done.stdout + done.stderr, re.I), f"expected /{fragment}/ in:\n{done.stdout}{done.stderr}"


# file, text to find, its replacement, what the message must hold
BROKEN_FILES = [
    ("broken YAML", SOURCE, "resources:", "resources: [", [r"source\.yml:\d+:\d+"]),
    ("an unknown key", SOURCE, "write_disposition: merge", "write_dispostion: merge", [r"source\.yml:\d+:\d+", "write_dispostion", "write_disposition"]),
    ("a wrong type", SOURCE, "{status_code: 404, action: ignore}", "{status_code: [404], action: ignore}", [r"source\.yml:\d+:\d+", "status_code"]),
    ("a wrong word", SOURCE, "write_disposition: merge", "write_disposition: mrege", [r"source\.yml:\d+:\d+", "merge"]),
    ("an unknown parent", SOURCE, "{resources.usernames.username}", "{resources.usrnames.username}", ["usrnames"]),
    ("unknown double braces", SOURCE, "base_url: https://api.chess.com/pub/", 'base_url: "{{ nothing(1) }}"', [r"source\.yml:\d+", "nothing"]),
    ("an address that is none", SOURCE, "base_url: https://api.chess.com/pub/", "base_url: api.chess.com/pub/", [r"source\.yml", "base_url"]),
    ("an unknown key of moulin.yml", "moulin.yml", "default_environment: local", "default_enviroment: local", [r"moulin\.yml:\d+:\d+", "default_environment"]),
    ("an unknown environment", "moulin.yml", "default_environment: local", "default_environment: lokal", ["lokal", "local"]),
    ("a state machine that goes nowhere", "pipelines/orchestrate/chess.asl.json", '"Default": "Transform"', '"Default": "Transfrom"', ["Transfrom"]),
]

for title, name, find, replacement, expected in BROKEN_FILES:
    def broken_file():
        with project() as where:
            path = where / name
            text = path.read_text()
            assert find in text, f"the template changed: {find}"
            path.write_text(text.replace(find, replacement, 1))
            fails(moulin("check", cwd=where, code=2), *expected)
            if name == SOURCE:
                fails(moulin(*LOAD, cwd=where, code=2), *expected)

    broken_file.title = f"check names the place of {title}"
    case(broken_file)


class Answers(http.server.BaseHTTPRequestHandler):
    """One page per kind of bad answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        kind = self.path.split("?")[0].strip("/")
        status, content_type, body = {
            "html": (403, "text/html", b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>no</body></html>"),
            "html200": (200, "text/html", b"<html><head><title>Maintenance</title></head></html>"),
            "truncated": (200, "application/json", b'{"items": [{"id": 1}, {"id": 2'),
            "utf8": (200, "application/json", b'{"items": [{"id": 1, "name": "\xff\xfe"}]}'),
            "forever": (200, "application/json", b'{"items": [{"id": 1}], "next": "/forever"}'),
            "large": (200, "application/json", b'{"items": ["' + b"x" * (3 << 20) + b'"]}'),
            "missing": (404, "application/json", b'{"code": 0, "message": "no such thing"}'),
        }[kind]
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
API = f"http://127.0.0.1:{server.server_address[1]}/"


def api_project(where, path, paginator="single_page"):
    (where / SOURCE).write_text(f"""\
type: rest_api
client: {{base_url: "{API}", session: {{max_body_bytes: 1048576}}}}
resources:
  - name: items
    endpoint: {{path: {path}, data_selector: items, paginator: {paginator}}}
""")


BAD_ANSWERS = [
    ("a refusal in HTML", "html", "single_page", ["403", "Just a moment"]),
    ("HTML instead of JSON", "html200", "single_page", ["html", "JSON"]),
    ("truncated JSON", "truncated", "single_page", ["truncated", r":\d+:\d+|line|byte"]),
    ("invalid UTF-8", "utf8", "single_page", ["UTF-8"]),
    ("an API that pages for ever", "forever", "{type: json_link, next_url_path: next}", ["forever", "circle"]),
    ("a missing page", "missing", "single_page", ["404"]),
    ("an answer beyond the cap", "large", "single_page", ["large", "1048576"]),
]

for title, path, paginator, expected in BAD_ANSWERS:
    def bad_answer():
        with project() as where:
            api_project(where, path, paginator)
            fails(moulin("ingest", "chess", cwd=where, code=1), *expected)
            left = [p for p in (where / "warehouse").rglob("*.parquet")] if (where / "warehouse").exists() else []
            assert not left, left

    bad_answer.title = f"ingest says what is wrong with {title}, and leaves nothing"
    case(bad_answer)


@case
def a_locked_catalog_is_named_and_nothing_is_lost():
    with project() as where:
        moulin(*LOAD, cwd=where)
        before = rows(where)
        lock = sqlite3.connect(where / "warehouse" / "catalog.db", isolation_level=None)
        lock.execute("begin exclusive")
        done = moulin(*LOAD, "--full-refresh", cwd=where, code=1, env={"MOULIN_BUSY_TIMEOUT_MS": "500"}, timeout=120)
        fails(done, "lock", "catalog")
        lock.execute("rollback")
        lock.close()
        assert rows(where) == before


@case
def a_moved_project_is_told_by_doctor_and_by_the_query():
    with folder() as work:
        moulin("init", work / "old", cwd=work)
        moulin(*LOAD, cwd=work / "old")
        shutil.move(work / "old", work / "new")
        fails(moulin("query", "select count(*) from landing.chess_players_games", cwd=work / "new", code=1), "old", "moved|doctor")
        done = moulin("doctor", cwd=work / "new", code=1)
        assert "moved" in done.stdout + done.stderr, done.stdout + done.stderr


@case
def two_loads_at_once_give_one_winner_and_nothing_twice():
    with project() as where:
        command = [str(a) for a in [ROOT / "build" / "moulin", *LOAD]]
        both = [subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) for _ in range(2)]
        ends = [(p.communicate()[1], p.returncode) for p in both]
        codes = sorted(code for _, code in ends)
        assert codes in ([0, 0], [0, 1]), ends
        if codes == [0, 1]:
            assert any("chess" in text for text, code in ends if code == 1), ends
        assert moulin_json("query", "select count(*) as n, count(distinct url) as u from landing.chess_players_games", cwd=where) == [{"n": 46, "u": 46}]


@contextlib.contextmanager
def mounted(*arguments):
    """A mount for the time of a case; only root can."""
    where = arguments[-1]
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


@case
def a_read_only_warehouse_is_named():
    with project() as where:
        moulin(*LOAD, cwd=where)
        warehouse = where / "warehouse"
        with mounted("--bind", warehouse, warehouse):
            subprocess.run(["mount", "-o", "remount,bind,ro", str(warehouse)], check=True)
            done = moulin(*LOAD, "--full-refresh", cwd=where, code=1)
        fails(done, "read-only|readonly|denied", "warehouse|catalog")
        assert rows(where) == 46


@case
def a_damaged_table_that_no_model_reads_stops_no_model():
    with project() as where:
        moulin("run", "chess", "--input", '{"start_month": "2020/05", "end_month": "2020/05"}', cwd=where,
               env={"MOULIN_REPLAY": str(ROOT / "template/pipelines/ingest/chess-ingestion/recordings/2020-06-02.har"), "MOULIN_NOW": "2020-06-02T12:00:00Z"})
        for file in (where / "warehouse/landing/_dlt_loads/metadata").glob("*.metadata.json"):
            file.write_text("{")
        done = moulin("transform", "run", "--select", "ratings", cwd=where)
        assert "_dlt_loads" in done.stderr and "cannot read" in done.stderr, done.stderr


@case
def a_full_disk_is_named_and_the_next_run_completes():
    with project() as where:
        small = where / "small"
        small.mkdir()
        with mounted("-t", "tmpfs", "-o", "size=200k", "tmpfs", small):
            config = where / "moulin.yml"
            config.write_text(config.read_text().replace("./warehouse", "./small").replace("sqlite:///warehouse/catalog.db", "sqlite:///small/catalog.db"))
            (small / "ballast").write_bytes(b"x" * 120_000)
            fails(moulin(*LOAD, cwd=where, code=1), "space|full")
            (small / "ballast").unlink()
            subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
            moulin(*LOAD, cwd=where)
            assert rows(where) == 46


@case
def unknown_words_get_a_suggestion():
    with folder() as work:
        fails(moulin("igest", cwd=work, code=2), "ingest")
        fails(moulin("ingest", "chess", "--dryrun", cwd=work, code=2), "dry-run")
        fails(moulin("ingest", "chess", cwd=work, code=2), r"moulin\.yml")


@case
def init_does_not_write_over_a_folder():
    with folder() as work:
        (work / "mine.txt").write_text("mine")
        moulin("init", ".", cwd=work, code=3)
        assert [p.name for p in work.iterdir()] == ["mine.txt"]


finish()
