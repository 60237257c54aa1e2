"""200,000 games over HTTP: every row lands once and the load stays below 150 MB; dlt spends at least five times the CPU on 20,000."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))
from _lib import MOULIN, case, finish, folder, moulin_json  # noqa: E402

import runpy  # noqa: E402

bench = runpy.run_path(str(ROOT / "bench" / "run"), run_name="bench")


def served(work, games, use):
    helper = bench["Bench"](None, work)
    server, _ = helper.serve(games)
    try:
        return use()
    finally:
        server.kill()
        server.wait()


def load(work):
    bench["project"](work / "ours", 40)
    return bench["measure"]([MOULIN, "ingest", "chess"], work / "ours")


with folder() as work:
    @case
    def two_hundred_thousand_games_land_once_in_bounded_memory():
        _, cpu, memory = served(work, 200_000, lambda: load(work))
        print(f"# {cpu:.1f} CPU seconds, {memory:.0f} MiB")
        assert memory * 1024 * 1024 < 150_000_000, f"{memory:.0f} MiB"
        assert moulin_json("query", "select count(*) as n, count(distinct url) as u from landing.chess_games", cwd=work / "ours") == [{"n": 200_000, "u": 200_000}]

    @case
    def dlt_needs_at_least_five_times_the_cpu():
        def both():
            ours = load(work)
            (work / "theirs").mkdir()
            theirs = bench["measure"]([sys.executable, ROOT / "bench" / "dlt_games.py", work / "theirs", "40", f"http://127.0.0.1:{bench['PORT']}"], ROOT)
            return ours, theirs

        ours, theirs = served(work, 20_000, both)
        print(f"# moulin {ours[1]:.2f}, dlt {theirs[1]:.2f} CPU seconds")
        assert theirs[1] > 5 * ours[1], (ours, theirs)
finish()
