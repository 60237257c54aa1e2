"""The kill loop of tests/interop/ingest_kills.py with four times as many kills."""

import os
import pathlib
import runpy
import sys

os.environ["MOULIN_KILLS"] = "200"
folder = pathlib.Path(__file__).resolve().parent.parent / "interop"
sys.path.insert(0, str(folder))
runpy.run_path(str(folder / "ingest_kills.py"), run_name="__main__")
