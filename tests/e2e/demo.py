"""`make demo` in an empty folder, then again: the second run says that nothing is new and loads no row twice."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT, case, finish, folder, moulin_json  # noqa: E402


def demo(where):
    done = subprocess.run([ROOT / "tools" / "demo"], text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300,
                          env={**os.environ, "DEMO_DIR": str(where / "demo")})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


with folder() as work:
    @case
    def the_first_run_loads_merges_and_evolves():
        shown = demo(work)
        assert "21 rows read, 21 inserted" in shown, shown
        assert "46 rows read, 25 inserted" in shown, shown
        assert "add uuid string" in shown, shown
        assert "2009-10-31" in shown and "Pirc Defense" in shown, shown

    @case
    def the_second_run_says_that_nothing_is_new():
        before = {t["table"]: t["rows"] for t in moulin_json("table", "ls", cwd=work / "demo")}
        shown = demo(work)
        assert shown.count("Nothing is new") == 3, shown
        assert before == {t["table"]: t["rows"] for t in moulin_json("table", "ls", cwd=work / "demo")}
        assert before["chess_players_games"] == 63, before
finish()
