"""What `moulin query` and `moulin table` promise beyond the manual's examples: reading only, old states, metadata as tables,
stray files of dead and live runs, expiry, drop, stopping."""

import fcntl
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import MOULIN, ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template" / "pipelines" / "ingest" / "chess-ingestion" / "recordings"
GAMES = "landing.chess_players_games"


def load(where, recording):
    return moulin("ingest", "chess", "--replay", RECORDINGS / f"{recording}.har", "--now", f"{recording}T12:00:00Z",
                  "--start-month", "2009/10", "--end-month", "2009/10", cwd=where)


def count(where, table=GAMES, *options):
    return moulin_json("query", f"select count(*) as n from {table}", *options, cwd=where)[0]["n"]


def snapshots(where):
    return moulin_json("query", f"select snapshot_id, committed_at from {GAMES}.snapshots order by committed_at", cwd=where)


with folder() as root:
    project = root / "project"
    moulin("init", project, cwd=root)
    load(project, "2009-10-15")
    first = count(project)
    load(project, "2009-11-02")

    @case
    def only_reading_is_allowed():
        for sql in (f"drop view {GAMES}", f"insert into {GAMES} select * from {GAMES}", f"delete from {GAMES}", "attach 'x.db'",
                    "copy (select 1) to 'x.csv'", "set threads=1", "install httpfs", "pragma version", "create table t(a int)",
                    f"explain analyze delete from {GAMES}", "select * from 'a/x.csv'", "select * from \"x.csv\""):
            done = moulin("query", sql, cwd=project, code=2)
            assert "HINT" in done.stderr, sql
        for sql in ("select * from 'moulin.yml'", "select * from read_text('moulin.yml')", "select * from read_csv('/etc/passwd')", "select * from glob('*')",
                    "select 1; select 2", "select"):
            moulin("query", sql, cwd=project, code=1)
        assert not (project / "x.csv").exists() and not (project / "x.db").exists()

    @case
    def old_states_are_read_by_every_spelling():
        ids = [row["snapshot_id"] for row in snapshots(project)]
        for table, options in ((f"{GAMES} for version as of {ids[0]}", ()), (f"{GAMES} at (version => {ids[0]})", ()),
                               (GAMES, ("--snapshot", f"{GAMES}={ids[0]}")), (GAMES, ("--snapshot", f"chess_players_games={ids[0]}"))):
            assert count(project, table, *options) == first, (table, options)
        assert count(project, f"{GAMES} for version as of 'main'") == count(project) > first
        both = moulin_json("query", f"select count(*) as n from {GAMES} now join {GAMES} version as of {ids[0]} old using (url)", cwd=project)
        assert both[0]["n"] == first
        moulin("query", f"select * from {GAMES} for version as of 17", cwd=project, code=1)
        moulin("query", f"select * from {GAMES}", "--as-of", "2000-01-01", cwd=project, code=1)

    @case
    def a_condition_never_changes_the_answer():
        every = moulin_json("query", f"select url, end_time, rated, time_class, white__rating as r from {GAMES}", cwd=project)
        middle = sorted(row["end_time"] for row in every)[len(every) // 2]
        for where, test in ((f"end_time >= '{middle}'", lambda row: row["end_time"] >= middle),
                            (f"end_time < timestamptz '{middle}'", lambda row: row["end_time"] < middle),
                            ("white__rating between 1000 and 1500", lambda row: 1000 <= row["r"] <= 1500),
                            ("rated", lambda row: row["rated"]), ("rated = true", lambda row: row["rated"]),
                            ("url like 'https://%'", lambda row: row["url"].startswith("https://")),
                            ("white__rating is null", lambda row: row["r"] is None)):
            expected = sum(1 for row in every if test(row))
            assert moulin_json("query", f"select count(*) as n from {GAMES} where {where}", cwd=project)[0]["n"] == expected, where

    @case
    def answers_come_as_json_lines_and_csv():
        sql = f"select url, end_time, rated, white__rating, null as nothing from {GAMES} order by url limit 3"
        rows = moulin_json("query", sql, cwd=project)
        lines = [json.loads(line) for line in moulin("query", sql, "--lines", cwd=project).stdout.splitlines()]
        table = moulin("query", sql, "--csv", cwd=project).stdout.splitlines()
        assert rows == lines and len(rows) == 3
        assert table[0] == "url,end_time,rated,white__rating,nothing" and table[1].startswith(rows[0]["url"] + ",") and table[1].endswith(",")

    @case
    def files_of_dead_runs_are_taken_and_those_of_live_runs_left():
        leases = project / "warehouse" / "_moulin" / "leases"
        data = project / "warehouse" / "landing" / "chess_players_games" / "data"
        leases.mkdir(parents=True, exist_ok=True)
        location = f"file://{project}/warehouse/landing"
        for run in ("deadrun", "liverun"):
            (data / f"{run}-0.parquet").write_text("x")
            (leases / f"{run}.lease").write_text(json.dumps({"run": run}) + "\n" + json.dumps({"table": "never", "location": f"{location}/never"}) + "\n")
        (data / "unknown.parquet").write_text("x")
        with open(leases / "liverun.lease") as lease:
            fcntl.flock(lease, fcntl.LOCK_EX)
            found = [row["file"] for row in moulin_json("table", "orphans", cwd=project)]
            assert [pathlib.Path(f).name for f in found] == ["deadrun-0.parquet"], found
            moulin("table", "orphans", "--delete", cwd=project)
            assert not (data / "deadrun-0.parquet").exists() and (data / "liverun-0.parquet").exists() and (data / "unknown.parquet").exists()
        moulin("table", "orphans", "--delete", "--older-than", "0s", cwd=project)
        assert not (data / "liverun-0.parquet").exists() and not (data / "unknown.parquet").exists()
        assert moulin_json("table", "orphans", "--older-than", "0s", cwd=project) == []
        assert count(project) > first

    @case
    def expiry_keeps_the_present_and_drop_asks():
        before = count(project)
        would = moulin_json("table", "expire", GAMES, "--older-than", "0s", "--dry-run", cwd=project)
        assert len(snapshots(project)) == 2 and would
        gone = moulin_json("table", "expire", GAMES, "--older-than", "0s", cwd=project)
        assert gone == would and len(snapshots(project)) == 1 and count(project) == before
        assert all(not pathlib.Path(row["file"].removeprefix("file://")).exists() for row in gone)
        moulin("table", "drop", GAMES, cwd=project, code=3)
        moulin("table", "drop", GAMES, "--force", cwd=project)
        moulin("query", f"select * from {GAMES}", cwd=project, code=1)

    @case
    def a_query_stops_on_ctrl_c():
        slow = "select count(*) from range(1000000000) a(i), range(1000000) b(j) where sqrt(i + j) > 3"
        running = subprocess.Popen([MOULIN, "query", slow], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
        assert running.returncode == 130 and "interrupted" in errors, (running.returncode, errors)

finish()
