"""200,000 games over HTTP: every row lands once and the load stays below 150 MB."""

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
finish()
