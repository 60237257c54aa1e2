#!/usr/bin/env python3
"""A project in a place that cannot be written, as in an image or a function's package: everything runs, and what this
machine notes lies below TMPDIR."""

import contextlib
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT, Skip, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"


@contextlib.contextmanager
def read_only(where):
    """Only root can mount."""
    done = subprocess.run(["mount", "--bind", str(where), str(where)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"cannot mount: {done.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(where)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


@case
def a_pipeline_runs_from_a_project_that_cannot_be_written():
    with folder() as work:
        project, notes = work / "project", work / "notes"
        notes.mkdir()
        env = {"TMPDIR": str(notes), "MOULIN_REPLAY": str(RECORDINGS / "2020-06-02.har"), "MOULIN_NOW": "2020-06-02T12:00:00Z"}
        moulin("init", project, cwd=work)
        file = project / "moulin.yml"
        file.write_text(file.read_text().replace("./warehouse", str(work / "warehouse")).replace("sqlite:///warehouse", f"sqlite:///{work}/warehouse"))
        with read_only(project):
            moulin("run", "chess", "--input", '{"start_month": "2020/05", "end_month": "2020/05"}', cwd=project, env=env)
            assert moulin_json("query", "select count(*) as n from analytics.player_games", cwd=project, env=env)[0]["n"] > 0
            moulin("transform", "build", cwd=project, env=env)
        own = [path for path in notes.iterdir() if path.name.startswith("moulin-") and path.is_dir()]
        assert len(own) == 1 and own[0].stat().st_mode & 0o077 == 0, own
        found = {path.name for path in own[0].rglob("*") if path.is_file()}
        assert {"history.db", "run_results.json", "manifest.json"} <= found, found


@case
def a_folder_of_somebody_else_is_not_used():
    with folder() as work:
        project, notes = work / "project", work / "notes"
        notes.mkdir()
        moulin("init", project, cwd=work)
        (notes / f"moulin-{os.geteuid()}").mkdir()
        (notes / f"moulin-{os.geteuid()}").chmod(0o777)
        with read_only(project):
            done = moulin("run", "chess", cwd=project, env={"TMPDIR": str(notes)}, code=1)
        assert "others may write it" in done.stderr, done.stderr


finish()
