#!/usr/bin/env python3
"""The package of a source under a stand-in for Lambda's runtime API: events, errors, partial runs and their resumption, limits, and the
program alone in a root that holds nothing but the zip's files."""

import json
import os
import pathlib
import platform
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _lib import Skip, case, finish, folder, moulin  # noqa: E402
from _recorded_api import answers, serve  # noqa: E402
from _runtime_api import GAMES, JANUARY, NUMBERS, RECORDINGS, function, package, pages, project, runtime_api, unpack  # noqa: E402

def count(rows_of, cwd, env=None):
    sql = f"select count(*) as n, count(distinct {rows_of[1]}) as d from landing.{rows_of[0]}"
    row = json.loads(moulin("query", sql, "--output", "json", cwd=cwd, env=env).stdout)[0]
    return row["n"], row["d"]


unpacked = {}


def root_of(where):
    """One unpacked package for all cases: packing takes seconds. Its project is named by a variable."""
    if not unpacked:
        unpacked["folder"] = tempfile.TemporaryDirectory(prefix="moulin-package-")
        unpacked["root"] = unpack(package(where)["path"], pathlib.Path(unpacked["folder"].name) / "root")
    return unpacked["root"]


def started(where, api):
    return function(root_of(where), api, env={"MOULIN_PROJECT_DIR": str(where)})


@case
def the_zip_is_small_whole_and_the_same_each_time():
    with folder() as work:
        where = project(work, "http://localhost")
        (where / "secrets.yml").write_text("chess: {api_key: very-secret}\n")
        other = where / "pipelines/ingest/other-ingestion"
        other.mkdir()
        (other / "source.yml").write_text("type: rest_api\n")
        (where / "warehouse").mkdir()
        (where / "warehouse" / "x.parquet").write_text("rows")
        first = package(where)
        bytes_then = pathlib.Path(first["path"]).read_bytes()
        os.utime(where / "moulin.yml", (1, 1))
        second = package(where)
        assert bytes_then == pathlib.Path(second["path"]).read_bytes() and first == second
        assert first["bytes"] < 50 << 20 and first["unpacked_bytes"] < 250 << 20, first
        with zipfile.ZipFile(first["path"]) as archive:
            names = set(archive.namelist())
            assert archive.testzip() is None
            executable = {i.filename for i in archive.infolist() if i.external_attr >> 16 & 0o111}
            assert {"bootstrap", "bin/moulin", "lib/ld.so"} <= executable, executable
            description = json.loads(archive.read("package.json"))
        assert description["source"] == "chess" and description["arch"] == first["arch"], description
        wanted = {"lib/libduckdb.so", "lib/httpfs.duckdb_extension", "lib/libcurl.so.4", "lib/libc.so.6", "share/ca-certificates.crt",
                  "share/zoneinfo/America/Los_Angeles", "project/moulin.yml", "project/pipelines/ingest/chess-ingestion/source.yml",
                  "project/pipelines/ingest/chess-schema/chess_players.yml"}
        assert wanted <= names, wanted - names
        unwanted = [n for n in names if "secret" in n or "other-" in n or "warehouse" in n or n.endswith("README.md")]
        assert not unwanted, unwanted
        print(f"# {first['bytes'] / 1e6:.1f} MB, {len(names)} files, {first['unpacked_bytes'] / 1e6:.1f} MB unpacked")


@case
def an_image_has_the_same_files_and_one_entry_point():
    with folder() as work:
        where = project(work, "http://localhost")
        zipped = package(where)
        image = pathlib.Path(package(where, "chess", "--image")["path"])
        text = (image / "Dockerfile").read_text()
        assert "FROM scratch" in text and 'ENTRYPOINT ["/var/task/bootstrap"]' in text, text
        root = image / "root" / "var" / "task"
        with zipfile.ZipFile(zipped["path"]) as archive:
            files = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
            assert files == set(archive.namelist())
            assert all((root / name).read_bytes() == archive.read(name) for name in files)
        assert os.access(root / "bootstrap", os.X_OK) and (image / "root/tmp").stat().st_mode & 0o7777 == 0o1777
        package(where, "chess", "--image")  # again: what it made it may replace
        (where / "dist" / "other-image").mkdir()
        shutil.rmtree(image)
        (where / "dist" / "chess-image").mkdir()
        moulin("package", "chess", "--image", cwd=where, code=1)  # but nothing else


@case
def wrong_calls_are_refused_with_a_way_out():
    with folder() as work:
        where = project(work, "http://localhost")
        foreign = "arm64" if platform.machine() == "x86_64" else "x86_64"
        assert "--runtime" in moulin("package", "chess", "--arch", foreign, cwd=where, code=1).stderr
        assert "no source nothing" in moulin("package", "nothing", cwd=where, code=1).stderr
        assert "no dbt project" in moulin("package", "transform", cwd=where, code=1).stderr
        link = where / "pipelines/ingest/chess-ingestion/key"
        link.symlink_to("/etc/hostname")
        assert "symbolic link" in moulin("package", "chess", cwd=where, code=2).stderr
        link.unlink()
        # Program and libraries of an unpacked package are taken as they are, for its own architecture only.
        root = unpack(package(where)["path"], work / "root")
        shutil.rmtree(root / "tmp")
        again = package(where, "chess", "--runtime", root, "--to", work / "again")
        assert again["sha256_base64"] == package(where)["sha256_base64"]
        assert "no program for" in moulin("package", "chess", "--arch", foreign, "--runtime", root, cwd=where, code=1).stderr


@case
def events_are_answered_one_after_the_other():
    with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base, runtime_api() as api:
        where = project(work, base, f"{work}/warehouse")
        with started(where, api) as running:
            first = api.invoke({"run_id": "e-Ingest-1", "input": JANUARY})
            assert first.kind == "response", first.body
            body = first.body
            assert (body["status"], body["source"], body["run_id"]) == ("complete", "chess", "e-Ingest-1"), body
            games = next(t for t in body["tables"] if t["name"] == "chess_players_games")
            assert (games["rows_read"], games["rows_written"], games["rows_rejected"]) == (GAMES, GAMES, 0), body
            assert {"table": "chess_players_games", "change": "create"} in body["schema_changes"], body
            assert 0 < body["remaining_ms"] < 60000, body
            # The same run again, as a retry: nothing is loaded twice. Another one: nothing is new.
            again = api.invoke({"run_id": "e-Ingest-1", "input": JANUARY}).body
            assert again["status"] == "complete" and again["load_id"] == body["load_id"] and again["was_loaded_before"], again
            assert api.invoke({"input": JANUARY}).body["status"] == "nothing_new"
            # A refused event, then an accepted one: the loop goes on.
            for event, name, words in (({"input": {"resorces": []}}, "Moulin.Usage", "input.resorces"), ({"run": 1}, "Moulin.Usage", "run"),
                                       ({"input": {"resources": "players"}}, "Moulin.Usage", "input.resources"),
                                       ({"input": {"resources": ["nobody"]}}, "Moulin.Usage", "nobody")):
                failed = api.invoke(event)
                assert (failed.kind, failed.error_type, failed.body["errorType"]) == ("error", name, name), (event, failed.body)
                assert words in failed.body["errorMessage"] and failed.body["stackTrace"] == [], failed.body
            assert api.invoke(None, raw=b"{not json").body["errorType"] == "Moulin.Usage"
            assert count(("chess_players_games", "url"), where) == (GAMES, GAMES)
            assert api.invoke(None, raw=b"").kind == "response"  # no limits: all that there is
            assert running.end() == 0
            lines = running.logged()
        metrics = [line for line in lines if "_aws" in line]
        directive = metrics[0]["_aws"]["CloudWatchMetrics"][0]
        assert directive["Namespace"] == "Moulin" and directive["Dimensions"] == [["environment", "source"]], directive
        assert all(m["Name"] in metrics[0] for m in directive["Metrics"])
        assert metrics[0]["rows_written"] > GAMES and metrics[0]["source"] == "chess" and metrics[0]["run_id"] == "e-Ingest-1", metrics[0]
        errors = [line for line in lines if line.get("level") == "error"]
        assert errors and all({"timestamp", "message", "requestId", "error"} <= set(line) for line in errors), errors


@case
def a_failing_source_is_an_error_of_its_class():
    with folder() as work, serve({}) as base, runtime_api() as api:
        where = project(work, base, f"{work}/warehouse", source=NUMBERS)
        with started(where, api) as running:
            failed = api.invoke({})
            assert failed.body["errorType"] == "Moulin.Http" and "404" in failed.body["errorMessage"], failed.body
            assert running.process.poll() is None


@case
def a_broken_configuration_is_told_before_the_first_event():
    with folder() as work, runtime_api() as api:
        where = project(work, "http://localhost")
        root = unpack(package(where)["path"], work / "root")
        (root / "project" / "moulin.yml").write_text("name: [\n")
        with function(root, api) as running:
            failed = api.outcomes.get(timeout=60)
            assert (failed.kind, failed.body["errorType"]) == ("init/error", "Moulin.Config"), failed.body
            assert running.process.wait(30) == 2
        (root / "package.json").unlink()
        with function(root, api) as running:
            assert api.outcomes.get(timeout=60).body["errorType"] == "Moulin.NotFound"
            assert running.process.wait(30) != 0


@case
def a_run_near_its_deadline_answers_partial_and_the_next_goes_on():
    with folder() as work, pages(9, first_slow=6) as api_server, runtime_api() as api:
        where = project(work, api_server.base, f"{work}/warehouse", source=NUMBERS)
        with started(where, api):
            # The sixth page does not come before the deadline: five are committed.
            first = api.invoke({"run_id": "one"}, deadline_s=6)
            assert first.kind == "response" and first.body["status"] == "partial", first.body
            assert first.body["tables"][0]["rows_written"] == 1000 and first.body["remaining_ms"] > 0, first.body
            assert count(("chess_numbers", "id"), where) == (1000, 1000)
            # As the state machine does: again, as another run; the retry of the first is no other.
            api_server.gate.set()
            second = api.invoke({"run_id": "two"})
            assert second.body["status"] == "complete" and second.body["tables"][0]["rows_written"] == 800, second.body
            assert count(("chess_numbers", "id"), where) == (1800, 1800)


@case
def a_run_that_gets_nothing_done_in_time_is_an_error():
    with folder() as work, pages(9, first_slow=1) as api_server, runtime_api() as api:
        where = project(work, api_server.base, f"{work}/warehouse", source=NUMBERS)
        with started(where, api):
            failed = api.invoke({}, deadline_s=3)
            assert failed.kind == "error" and failed.body["errorType"] == "Moulin.Timeout", failed.body
            api_server.gate.set()
            refreshed = api.invoke({"input": {"full_refresh": True}})
            assert refreshed.body["status"] == "complete", refreshed.body


@case
def an_answer_that_is_too_large_is_cut_and_one_that_lambda_refuses_is_an_error():
    found = {"/numbers": (200, json.dumps({"items": [{"id": 1}]}))}
    with folder() as work, serve(found) as base, runtime_api() as api:
        where = project(work, base, f"{work}/warehouse", source=NUMBERS)
        with started(where, api):
            assert "is_cut" not in api.invoke({}).body
            found["/numbers"] = (200, json.dumps({"items": [{"id": 2, **{f"column_with_a_long_name_{n}": n for n in range(3000)}}]}))
            done = api.invoke({})
            assert done.kind == "response" and done.body["status"] == "complete", done.body
            assert done.body["is_cut"] and len(json.dumps(done.body)) < 200 << 10 and len(done.body["schema_changes"]) == 20, done.body
    with folder() as work, serve(found) as base, runtime_api(limit_bytes=100) as api:
        where = project(work, base, f"{work}/warehouse", source=NUMBERS)
        with started(where, api) as running:
            refused = api.invoke({})
            assert refused.kind == "error" and refused.body["errorType"] == "Moulin.Limit" and "413" in refused.body["errorMessage"], refused.body
            assert api.invoke({}).kind == "error" and running.process.poll() is None


@case
def a_container_runs_the_command_line_with_what_the_package_knows():
    with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base:
        where = project(work, base, f"{work}/warehouse")
        program, variables = str(root_of(where) / "bootstrap"), {"ENVIRONMENT": "local", "MOULIN_PROJECT_DIR": str(where)}
        run = lambda *words: subprocess.run([program, *words], text=True, capture_output=True, timeout=120, cwd="/", env=variables,
                                            stdin=subprocess.DEVNULL)
        limits = [f"--{k.replace('_', '-')}={v}" for k, v in JANUARY.items()]
        done = run("--run-id=task-1", "--output", "json", *limits)
        assert done.returncode == 0 and json.loads(done.stdout)["run_id"] == "task-1", done
        assert run("version").stdout.startswith("moulin ") and run("moulin", "version").stdout.startswith("moulin ")
        assert count(("chess_players_games", "url"), where) == (GAMES, GAMES)


@case
def a_container_that_is_taken_away_commits_what_is_complete():
    with folder() as work, pages(9, first_slow=6) as api_server:
        where = project(work, api_server.base, f"{work}/warehouse", source=NUMBERS)
        variables = {"ENVIRONMENT": "local", "MOULIN_PROJECT_DIR": str(where)}
        task = subprocess.Popen([str(root_of(where) / "bootstrap")], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd="/")
        assert api_server.is_waiting.wait(60)
        task.send_signal(signal.SIGTERM)
        output, errors = task.communicate(timeout=60)
        assert task.returncode == 130 and "what was complete is committed" in errors, (task.returncode, output, errors)
        assert count(("chess_numbers", "id"), where) == (1000, 1000)
        api_server.gate.set()
        moulin("ingest", "chess", cwd=where)
        assert count(("chess_numbers", "id"), where) == (1800, 1800)


def authority(work):
    """A certificate for 127.0.0.1 that nobody knows, and the context of a server that has it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", work / "key.pem", "-out", work / "ca.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "ca.pem", work / "key.pem")
    return context


@case
def nothing_but_the_zip_is_needed():
    if os.geteuid() != 0:
        raise Skip("needs root: it changes the root folder of a process")
    with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har"), authority(work)) as base, runtime_api() as api:
        work.chmod(0o755)
        root = unpack(package(project(work, base))["path"], work / "root")
        with function(root, api, chroot=True):
            stranger = api.invoke({"input": {**JANUARY, "resources": ["players"]}}).body
            assert stranger["errorType"] == "Moulin.Network" and "certificate" in stranger["errorMessage"], stranger
        shutil.copy(work / "ca.pem", root / "tmp")
        with function(root, api, env={"SSL_CERT_FILE": "/tmp/ca.pem"}, chroot=True) as running:
            done = api.invoke({"run_id": "alone", "input": JANUARY})
            assert done.kind == "response" and done.body["status"] == "complete", (done.body, running.lines)
            assert running.end() == 0
        # All that it wrote lies below /tmp.
        written = {p.relative_to(root).parts[0] for p in root.rglob("*") if p.stat().st_uid == 65534}
        assert written == {"tmp"}, written
        sql = "select count(*) as n from landing.chess_players_games"
        asked = subprocess.run([shutil.which("chroot"), root, "/bootstrap", "query", sql, "--output", "json"], text=True, capture_output=True, timeout=60)
        assert json.loads(asked.stdout) == [{"n": GAMES}], asked


@case
def it_starts_fast():
    """No assertion: times on a shared machine are noise. The figures are printed."""
    with folder() as work, serve(answers(RECORDINGS / "2009-11-02.har")) as base:
        where = project(work, base, f"{work}/warehouse")
        for _ in range(5):
            with runtime_api() as api, started(where, api) as running:
                sent = time.monotonic()
                done = api.invoke({"input": {**JANUARY, "resources": ["players"]}})
                assert done.kind == "response", done.body
                ready = api.first_next - running.started
                print(f"# cold start: first request to the runtime API after {ready * 1000:.0f} ms, "
                      f"first event answered {(time.monotonic() - max(sent, api.first_next)) * 1000:.0f} ms later", flush=True)


if __name__ == "__main__":
    finish()
