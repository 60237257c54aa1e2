"""Workflows at the command line: the whole pipeline, its history, interruption, kills, stubs, and a reader that goes away."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import MOULIN, case, finish, folder, moulin, moulin_json  # noqa: E402

INPUT = {"replay": "pipelines/ingest/chess-ingestion/recordings/2009-11-02.har", "now": "2009-11-02T12:00:00Z",
         "start_month": "2009/10", "end_month": "2009/10"}
STUB = """\
  "arn:aws:states:::sqs:sendMessage": {result: {MessageId: "1"}}
"""
WAITS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "N"},
                                    "N": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"a": 1}, "End": True}}}


def new_project(work):
    moulin("init", work / "project", cwd=work)
    return work / "project"


def workflow(where, name, definition):
    (where / f"pipelines/orchestrate/{name}.asl.json").write_text(json.dumps(definition, indent=2))


def start(where, *arguments):
    return subprocess.Popen([str(MOULIN), *arguments], cwd=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def command_line(process_id):
    try:
        return pathlib.Path(f"/proc/{process_id}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile


def wait_for(text, process):
    """Reads stderr until the text comes; the pipe ends when the process does."""
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


@case
def the_pipeline_runs_twice_and_loads_no_row_twice():
    with folder() as work:
        where = new_project(work)
        first = moulin("run", "chess", "--input", json.dumps(INPUT), "--name", "first", cwd=where)
        answer = json.loads(first.stdout)
        assert answer["ingest"]["result"]["status"] == "complete" and answer["transform"]["exit_code"] == 0, answer
        count = "select count(*) as n from landing.chess_players_games"
        rows = moulin_json("query", count, cwd=where)
        second = moulin_json("run", "chess", "--input", json.dumps(INPUT), "--name", "second", cwd=where)
        assert second["status"] == "SUCCEEDED" and second["output"]["ingest"]["result"]["commits"] == 0, second
        assert moulin_json("query", count, cwd=where) == rows
        passed = [[e["details"].get("name") for e in moulin_json("run", "--show", n, cwd=where)["events"] if e["type"].endswith("StateEntered")] for n in ("first", "second")]
        assert "TellOfSchema" in passed[0] and "TellOfSchema" not in passed[1], passed  # new tables are told, once
        listed = moulin_json("run", "--list", cwd=where)
        assert [(e["id"], e["status"]) for e in listed] == [("second", "SUCCEEDED"), ("first", "SUCCEEDED")], listed
        shown = moulin_json("run", "--show", "fir", cwd=where)
        types = [e["type"] for e in shown["events"]]
        assert types[0] == "ExecutionStarted" and types[-1] == "ExecutionSucceeded" and types.count("TaskSucceeded") == 3, types
        moulin("run", "chess", "--name", "first", cwd=where, code=1)
        moulin("check", cwd=where)
        moulin("doctor", cwd=where)


@case
def an_ingestion_takes_what_a_state_machine_says():
    with folder() as work:
        where = new_project(work)
        limits = {key: INPUT[key] for key in ("now", "start_month", "end_month")}
        loaded = moulin_json("ingest", "chess", "--input", json.dumps({**limits, "resources": ["players"]}), "--replay", INPUT["replay"], cwd=where)
        assert [t["name"] for t in loaded["tables"]] == ["chess_players"], loaded
        # Options win; what nobody knows is refused.
        loaded = moulin_json("ingest", "chess", "--input", json.dumps({**INPUT, "resources": ["players"]}), "--resource", "players_games", cwd=where)
        assert [t["name"] for t in loaded["tables"]] == ["chess_players_games"], loaded
        assert "input.resorces" in moulin("ingest", "chess", "--input", '{"resorces": []}', cwd=where, code=2).stderr
        assert moulin("ingest", "chess", "--input", "{", cwd=where, code=2).stderr
        assert "input.limit" in moulin("ingest", "chess", "--input", '{"limit": 0}', cwd=where, code=2).stderr


@case
def a_failing_task_fails_the_execution_with_its_message():
    with folder() as work:
        where = new_project(work)
        done = moulin("run", "chess", "--input", '{"replay": "none.har"}', "--name", "x", cwd=where, code=1)
        assert "none.har" in done.stderr and "moulin run --show x" in done.stderr, done.stderr
        assert moulin_json("run", "--list", cwd=where)[0]["status"] == "FAILED"
        done = moulin("run", "chess", "--input", '{"resorces": []}', cwd=where, code=1)
        assert "resorces" in done.stderr, done.stderr


@case
def an_interrupted_execution_ends_with_130_and_is_kept_as_aborted():
    with folder() as work:
        where = new_project(work)
        (where / "moulin.yml").write_text((where / "moulin.yml").read_text() + STUB)
        workflow(where, "waits", WAITS)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = start(where, "run", "waits", "--name", f"s{int(number)}")
            wait_for("W: started", process)
            process.send_signal(number)
            assert process.wait(timeout=30) == 130
            assert moulin_json("run", "--show", f"s{int(number)}", cwd=where)["status"] == "ABORTED"


@case
def a_killed_execution_is_told_from_a_running_one():
    with folder() as work:
        where = new_project(work)
        (where / "moulin.yml").write_text((where / "moulin.yml").read_text() + STUB)
        workflow(where, "waits", WAITS)
        process = start(where, "run", "waits", "--name", "k")
        wait_for("W: started", process)
        assert moulin_json("run", "--list", cwd=where)[0]["status"] == "RUNNING"
        process.kill()
        process.wait()
        assert moulin_json("run", "--list", cwd=where)[0]["status"] == "DIED"


@case
def an_interruption_during_a_task_ends_its_process_too():
    with folder() as work:
        where = new_project(work)
        process = start(where, "run", "chess", "--input", json.dumps(INPUT), "--name", "i")
        wait_for("Transform: started", process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        deadline = time.monotonic() + 30
        while any(str(where) in command_line(p) for p in os.listdir("/proc") if p.isdigit()):
            assert time.monotonic() < deadline, "a child is still running"
        moulin("run", "chess", "--input", json.dumps(INPUT), cwd=where)


@case
def resources_without_a_stub_are_refused_with_the_states_name():
    with folder() as work:
        where = new_project(work)
        workflow(where, "waits", WAITS)
        done = moulin("check", cwd=where, code=2)
        assert "waits.asl.json" in done.stdout and "state N" in done.stdout and "local:" in done.stdout, done.stdout
        done = moulin("run", "waits", cwd=where, code=2)
        assert "state N" in done.stderr, done.stderr
        assert moulin_json("run", "--list", cwd=where) == []


@case
def wrong_calls_have_exit_code_2():
    with folder() as work:
        where = new_project(work)
        for arguments in (["run"], ["run", "ches"], ["run", "chess", "--input", "{"], ["run", "chess", "--list"],
                          ["run", "chess", "--name", "a b"], ["rn"], ["run", "--lst"], ["--env", "stage", "check"]):
            done = moulin(*arguments, cwd=where, code=2)
            assert "HINT" in done.stderr, (arguments, done.stderr)
        moulin("check", cwd=work, code=2)


@case
def a_reader_that_goes_away_is_no_error():
    with folder() as work:
        where = new_project(work)
        done = subprocess.run(["sh", "-c", f'"{MOULIN}" query "select * from range(3000000)" --csv | head -2; echo done'], cwd=where,
                              capture_output=True, text=True, timeout=120)
        assert done.stdout.splitlines()[-1] == "done" and done.stderr == "", done


@case
def a_moved_project_is_told_by_doctor():
    with folder() as work:
        where = new_project(work)
        moulin("ingest", "chess", "--replay", INPUT["replay"], "--now", INPUT["now"], "--start-month", "2009/10", "--end-month", "2009/10",
               cwd=where)
        moulin("doctor", cwd=where)
        where.rename(work / "moved")
        done = moulin("doctor", cwd=work / "moved", code=1)
        assert "was the project moved?" in done.stdout, done.stdout


finish()
