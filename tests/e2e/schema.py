#!/usr/bin/env python3
"""Landing schemas: plan says what apply does, apply does it once, what cannot or must not be done is refused, pull writes
what ingestion added into the file and keeps its comments."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
from _lib import case, finish, folder, moulin, moulin_json  # noqa: E402

MOULIN_YML = """name: schemas
default_environment: local
environments:
  local:
    warehouse: ./warehouse
    catalog: {type: sql, uri: "sqlite:///warehouse/catalog.db"}
    engine: {type: embedded}
landing: {namespace: landing, format_version: 2}
"""
SOURCE_YML = """type: rest_api
client: {base_url: "http://127.0.0.1:1/"}
resources:
  - {name: games, rows: [{url: a, elo: 1, extra: x}]}
"""
FIRST = """# games, one per row
table: t_games
columns:
  - {name: url, type: string, required: true}
  - {name: elo, type: int}   # after the game
  - {name: rate, type: "decimal(9, 2)"}
  - {name: note, type: string}
identifier_fields: [url]
partition_by: [bucket(4, url)]
sort_by: [elo desc]
properties: {write.parquet.compression-codec: zstd}
"""


def project(path, text=FIRST):
    (path / "moulin.yml").write_text(MOULIN_YML)
    (path / "pipelines/ingest/t-ingestion").mkdir(parents=True)
    (path / "pipelines/ingest/t-schema").mkdir(parents=True)
    (path / "pipelines/ingest/t-ingestion/source.yml").write_text(SOURCE_YML)
    return write(path, text)


def write(path, text):
    (path / "pipelines/ingest/t-schema/t_games.yml").write_text(text)
    return path


def changes(path, *options, verb="plan", code=0):
    answer = moulin_json("schema", verb, "t", *options, cwd=path, code=code)
    return [(change["change"], change.get("column", "")) for table in answer for change in table["changes"]]


@case
def plan_creates_nothing_and_apply_creates_once():
    with folder() as path:
        project(path)
        assert changes(path) == [("create", "")]
        assert changes(path) == [("create", "")]
        assert changes(path, verb="apply") == [("create", "")]
        assert changes(path, verb="apply") == []
        assert changes(path) == []


@case
def apply_does_exactly_the_plan():
    with folder() as path:
        project(path)
        changes(path, verb="apply")
        write(path, FIRST.replace("{name: elo, type: int}", "{name: white_elo, type: long, renamed_from: elo, doc: \"Elo: points\"}")
              .replace("decimal(9, 2)", "decimal(12, 2)").replace("  - {name: note, type: string}\n", "")
              .replace("columns:\n", "columns:\n  - {name: note, type: string}\n  - {name: at, type: timestamptz}\n")
              .replace("bucket(4, url)", "month(at)").replace("elo desc", "white_elo").replace("zstd}", "zstd, owner: chess}"))
        plan = changes(path)
        assert set(plan) == {("add", "at"), ("rename", "white_elo"), ("widen", "white_elo"), ("doc", "white_elo"), ("widen", "rate"), ("move", "note"),
                             ("move", "at"), ("partition", ""), ("sort", ""), ("property", "owner")}, plan
        assert changes(path, verb="apply") == plan
        assert changes(path) == []
        assert changes(path, verb="apply") == []


@case
def what_loses_data_needs_allow_drop():
    with folder() as path:
        project(path)
        changes(path, verb="apply")
        write(path, FIRST.replace("  - {name: note, type: string}\n", ""))
        assert changes(path) == [("drift", "note")]
        assert changes(path, verb="apply") == [("drift", "note")]
        assert changes(path, "--allow-drop", verb="apply") == [("drop", "note")]
        assert changes(path) == []


@case
def what_iceberg_cannot_do_is_refused_with_a_reason():
    with folder() as path:
        project(path)
        changes(path, verb="apply")
        for old, new, column in [("type: int}", "type: string}", "elo"), ("name: note, type: string", "name: note, type: string, required: true", "note"),
                                 ("identifier_fields: [url]", "identifier_fields: [note]", "note")]:
            write(path, FIRST.replace(old, new))
            assert ("refused", column) in changes(path), changes(path)
            told = moulin("schema", "plan", "t", cwd=path).stdout
            assert "1 changes are refused" in told and "nothing to apply" not in told, told
            done = moulin("schema", "apply", "t", cwd=path, code=3)
            assert column in done.stderr, done.stderr
        write(path, FIRST)
        assert changes(path) == []


@case
def broken_files_are_told_with_their_place():
    with folder() as path:
        project(path)
        for text, place in [(FIRST.replace("type: int", "type: integr"), "t_games.yml:5:"), (FIRST.replace("sort_by", "sort_bi"), "t_games.yml:10:"),
                            (FIRST.replace("[url]", "[urls]"), "t_games.yml:8:"), ("table: [", "t_games.yml:")]:
            write(path, text)
            done = moulin("schema", "plan", "t", cwd=path, code=2)
            assert place in done.stderr, (place, done.stderr)


@case
def ingest_makes_tables_as_declared_and_pull_writes_down_what_came():
    with folder() as path:
        project(path)
        report = moulin_json("ingest", "t", cwd=path)
        table = next(table for table in report["tables"] if table["name"] == "t_games")
        assert report["schema_changes"][0] == {"table": "t_games", "change": "create"} and table["inserted"] == 1, report
        assert changes(path) == [("drift", "extra")]
        moulin("schema", "pull", "t", cwd=path)
        text = (path / "pipelines/ingest/t-schema/t_games.yml").read_text()
        assert text == FIRST.replace("  - {name: note, type: string}\n", "  - {name: note, type: string}\n  - {name: extra, type: string}\n"), text
        assert changes(path) == []
        moulin("schema", "pull", "t", cwd=path)
        assert (path / "pipelines/ingest/t-schema/t_games.yml").read_text() == text


finish()
