#!/usr/bin/env python3
"""The Glue catalog against MiniStack, which refuses stale versions as Glue does: what ingest writes is there for every client
of Glue, and what others write is kept."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
from _lib import ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = "pipelines/ingest/chess-ingestion/recordings"
STEPS = [("2009-10-15", "2009/10", 21), ("2009-11-02", "2009/10", 46)]


def project(path, warehouse="./warehouse"):
    shutil.copytree(ROOT / "template" / "pipelines" / "ingest", path / "pipelines" / "ingest")
    (path / "moulin.yml").write_text(
        f"name: glue\nenvironments:\n  dev:\n    warehouse: {warehouse}\n    catalog: {{type: glue}}\n    namespace_prefix: dev_\n"
        "landing: {namespace: landing, format_version: 2}\n")
    return path


def ingest(path, step):
    name, month, _ = STEPS[step]
    return ["ingest", "chess", "--replay", f"{RECORDINGS}/{name}.har", "--now", f"{name}T12:00:00Z", "--start-month", month, "--end-month", month]



@case
def what_ingest_lands_is_in_glue_with_its_columns():
    with _aws.ministack() as server, folder() as path:
        project(path)
        for step in (0, 1, 1):
            moulin(*ingest(path, step), cwd=path, env=server.env)
        assert "46" in moulin("query", "select count(*), count(distinct url) from dev_landing.chess_players_games", cwd=path, env=server.env).stdout
        glue = server.client("glue")
        database = glue.get_database(Name="dev_landing")["Database"]
        assert database["LocationUri"] == f"file://{path}/warehouse/dev_landing", database
        table = glue.get_table(DatabaseName="dev_landing", Name="chess_players_games")["Table"]
        assert table["TableType"] == "EXTERNAL_TABLE" and table["Parameters"]["table_type"] == "ICEBERG", table
        assert table["Parameters"]["previous_metadata_location"] != table["Parameters"]["metadata_location"]
        assert set(table["Parameters"]) == {"table_type", "metadata_location", "previous_metadata_location"}, table["Parameters"]
        columns = {column["Name"]: column for column in table["StorageDescriptor"]["Columns"]}
        assert columns["url"]["Parameters"] == {"iceberg.field.id": "1", "iceberg.field.optional": "false", "iceberg.field.current": "true"}
        assert columns["url"]["Comment"] == "page of the game" and columns["end_time"]["Type"] == "timestamp", columns


finish()
