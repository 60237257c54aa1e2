#!/usr/bin/env python3
"""The Glue catalog against MiniStack, which refuses stale versions as Glue does: what we write is there for every client of
Glue, what others write is kept, writers do not lose each other's rows, a lost answer is looked up."""

import os
import pathlib
import shutil
import subprocess
import sys

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
import _aws_proxy  # noqa: E402
from _lib import ROOT, case, finish, folder, moulin  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MOULIN_BUILD", ROOT / "build"))
PROBE = BUILD / "tests" / "interop" / "iceberg_probe"
RECORDINGS = "pipelines/ingest/chess-ingestion/recordings"
STEPS = [("2009-10-15", "2009/10", 21), ("2009-11-02", "2009/10", 46)]
WRITERS, COMMITS = 8, 25


def project(path, warehouse="./warehouse", prefix="dev_"):
    shutil.copytree(ROOT / "template" / "pipelines" / "ingest", path / "pipelines" / "ingest")
    (path / "moulin.yml").write_text(
        f"name: glue\nenvironments:\n  dev:\n    warehouse: {warehouse}\n    catalog: {{type: glue}}\n    namespace_prefix: {prefix}\n"
        "landing: {namespace: landing, format_version: 2}\n")
    return path


def ingest(step):
    name, month, _ = STEPS[step]
    return ["ingest", "chess", "--replay", f"{RECORDINGS}/{name}.har", "--now", f"{name}T12:00:00Z", "--start-month", month, "--end-month", month]


def probe(server, path, *arguments, code=0, catalog="glue"):
    done = subprocess.run([PROBE, catalog, path, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **server.env, "AWS_MAX_ATTEMPTS": "3"})
    if code is not None and done.returncode != code:
        raise AssertionError(f"probe {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines() if done.returncode == 0 else done.stderr


def pyiceberg(server, path):
    """PyIceberg's catalog on the same Glue and warehouse."""
    return GlueCatalog("glue", **{
        "glue.endpoint": server.endpoint, "glue.region": server.region, "glue.access-key-id": server.access_key,
        "glue.secret-access-key": server.secret_key, "s3.endpoint": server.endpoint, "s3.region": server.region,
        "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key, "warehouse": str(path)})


def glue_table(server, name):
    database, table = name.split(".")
    return server.client("glue").get_table(DatabaseName=database, Name=table)["Table"]


def columns_of(table):
    return {c["Name"]: (c["Type"], c["Parameters"]["iceberg.field.current"]) for c in table["StorageDescriptor"]["Columns"]}


@case
def what_ingest_lands_is_in_glue_with_its_columns():
    with _aws.ministack() as server, folder() as path:
        project(path)
        for step in (0, 1, 1):
            moulin(*ingest(step), cwd=path, env=server.env)
        assert "46" in moulin("query", "select count(*) from dev_landing.chess_players_games", cwd=path, env=server.env).stdout
        database = server.client("glue").get_database(Name="dev_landing")["Database"]
        assert database["LocationUri"] == f"file://{path}/warehouse/dev_landing", database
        table = glue_table(server, "dev_landing.chess_players_games")
        assert table["TableType"] == "EXTERNAL_TABLE" and table["Parameters"]["table_type"] == "ICEBERG", table
        assert table["Parameters"]["previous_metadata_location"] != table["Parameters"]["metadata_location"]
        # the cursor state lies in the table's metadata, not in Glue
        assert set(table["Parameters"]) == {"table_type", "metadata_location", "previous_metadata_location"}, table["Parameters"]
        columns = {column["Name"]: column for column in table["StorageDescriptor"]["Columns"]}
        assert columns["url"]["Parameters"] == {"iceberg.field.id": "1", "iceberg.field.optional": "false", "iceberg.field.current": "true"}
        assert columns["url"]["Comment"] == "page of the game" and columns["end_time"]["Type"] == "timestamp", columns


def writers_at_once(server, warehouse, manifest_lists):
    probe(server, warehouse, "create", "ns.t", "writer: long, id: string")
    command = [PROBE, "glue", warehouse, "append", "ns.t"]
    env = {**os.environ, **server.env}
    started = [subprocess.Popen([*command, f"SELECT {w} AS writer, uuid()::VARCHAR AS id", str(COMMITS)], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for w in range(WRITERS)]
    for process in started:
        output = process.communicate(timeout=600)[0]
        assert process.returncode == 0, output
    table = pyiceberg(server, warehouse).load_table("ns.t")
    rows = table.scan().to_arrow()
    assert rows.num_rows == WRITERS * COMMITS and len(set(rows["id"].to_pylist())) == WRITERS * COMMITS, rows.num_rows
    assert {w: rows["writer"].to_pylist().count(w) for w in range(WRITERS)} == {w: COMMITS for w in range(WRITERS)}
    assert len(table.snapshots()) == WRITERS * COMMITS
    count = manifest_lists()
    assert count == WRITERS * COMMITS, f"{count} manifest lists: those of lost races must go"


@case
def writers_at_once_lose_and_double_nothing():
    with _aws.ministack() as server, folder() as path:
        writers_at_once(server, path, lambda: len(list((path / "ns" / "t" / "metadata").glob("snap-*.avro"))))


@case
def writers_at_once_on_s3_lose_and_double_nothing():
    with _aws.ministack() as server:
        bucket = server.bucket("writers-bucket")

        def manifest_lists():
            pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="w/ns/t/metadata/snap-")
            return sum(len(page.get("Contents", [])) for page in pages)

        writers_at_once(server, f"s3://{bucket}/w", manifest_lists)


@case
def each_appends_to_the_table_of_the_other():
    with _aws.ministack() as server, folder() as path:
        probe(server, path, "create", "ns.ours", "id: long, name: string, tags: list<string>, who: struct<a: int, b: string>")
        probe(server, path, "append", "ns.ours", "SELECT 1 AS id, 'a' AS name, ['x'] AS tags, {'a': 1, 'b': 'q'} AS who")
        theirs = pyiceberg(server, path)
        ours = theirs.load_table("ns.ours")
        assert ours.scan().to_arrow().to_pylist() == [{"id": 1, "name": "a", "tags": ["x"], "who": {"a": 1, "b": "q"}}]
        ours.append(pa.table({"id": [2], "name": ["b"], "tags": [[]], "who": [None]}, schema=ours.schema().as_arrow()))
        assert [line.split("|")[0] for line in probe(server, path, "rows", "ns.ours")] == ["1", "2"]
        probe(server, path, "append", "ns.ours", "SELECT 3 AS id")
        assert ours.refresh().scan().to_arrow().num_rows == 3
        types = columns_of(glue_table(server, "ns.ours"))
        assert types["tags"][0] == "array<string>" and types["who"][0] == "struct<a:int,b:string>", types

        made = theirs.create_table("ns.theirs", pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.string())]))
        made.append(pa.table({"id": [1], "name": ["x"]}, schema=made.schema().as_arrow()))
        assert probe(server, path, "rows", "ns.theirs") == ["1|x"]
        probe(server, path, "add-column", "ns.theirs", "score", "double")
        probe(server, path, "append", "ns.theirs", "SELECT 2 AS id, 'y' AS name, 0.5 AS score")
        probe(server, path, "drop-column", "ns.theirs", "name")
        assert columns_of(glue_table(server, "ns.theirs")) == {"id": ("bigint", "true"), "score": ("double", "true"), "name": ("string", "false")}
        made = theirs.load_table("ns.theirs")
        assert sorted(made.scan().to_arrow().to_pylist(), key=lambda row: row["id"]) == [{"id": 1, "score": None}, {"id": 2, "score": 0.5}]
        with made.update_schema() as update:
            update.rename_column("score", "points")
        assert probe(server, path, "rows", "ns.theirs") == ["1|NULL", "2|0.5"]


@case
def what_others_keep_with_a_table_stays():
    with _aws.ministack() as server, folder() as path:
        probe(server, path, "create", "ns.t", "id: long")
        glue = server.client("glue")
        table = glue_table(server, "ns.t")
        kept = {"Name": "t", "TableType": table["TableType"], "Owner": "team", "Description": "by hand",
                "Parameters": {**table["Parameters"], "classification": "private", "team": "chess"},
                "StorageDescriptor": {**table["StorageDescriptor"], "Parameters": {"k": "v"}}}
        glue.update_table(DatabaseName="ns", TableInput=kept)
        probe(server, path, "append", "ns.t", "SELECT 1 AS id")
        table = glue_table(server, "ns.t")
        assert (table["Owner"], table["Description"]) == ("team", "by hand"), table
        assert table["Parameters"]["classification"] == "private" and table["Parameters"]["team"] == "chess", table
        assert table["StorageDescriptor"]["Parameters"] == {"k": "v"}, table
        probe(server, path, "comment", "ns.t", "games of all players")
        assert glue_table(server, "ns.t")["Description"] == "games of all players"
        assert probe(server, path, "rows", "ns.t") == ["1"]


@case
def a_lost_answer_is_looked_up():
    with _aws.ministack() as server, folder() as path, _aws_proxy.before(server) as proxy:
        probe(server, path, "create", "ns.t", "id: long")
        expected = []
        # The client tries again and meets the version that its own first try made; or the answer stays lost.
        for number, (what, nth) in enumerate([("lose", 1), ("fail", 1), ("lose", 0), ("fail", 0), ("refuse", 1)]):
            proxy.clear()
            proxy.rule("UpdateTable", what, nth=nth)
            probe(proxy, path, "append", "ns.t", f"SELECT {number} AS id")
            expected.append(str(number))
            assert probe(server, path, "rows", "ns.t") == expected, what
        # Others commit on top before it is looked up: it is in the metadata log then.
        proxy.clear()
        proxy.rule("UpdateTable", "fail", run=lambda: probe(server, path, "append", "ns.t", "SELECT 100 AS id"))
        probe(proxy, path, "append", "ns.t", "SELECT 50 AS id")
        assert probe(server, path, "rows", "ns.t") == [*expected, "50", "100"]
        # When nothing can be asked any more, nothing is deleted.
        proxy.clear()
        proxy.rule("UpdateTable", "fail", nth=0, run=lambda: proxy.rule("GetTable", "refuse", nth=0))
        text = probe(proxy, path, "append", "ns.t", "SELECT 60 AS id", code=1)
        assert text.startswith("unknown: it is not known whether the commit happened"), text
        assert "60" in probe(server, path, "rows", "ns.t")
        # Refused for certain: the files of the attempt go.
        proxy.clear()
        proxy.rule("UpdateTable", "refuse", nth=0, code="AccessDeniedException", status=400, message="no")
        before = {file.name for file in (path / "ns" / "t" / "metadata").iterdir()}
        text = probe(proxy, path, "append", "ns.t", "SELECT 70 AS id", code=1)
        assert text.startswith("denied") and "glue:UpdateTable, table ns.t" in text, text
        assert {file.name for file in (path / "ns" / "t" / "metadata").iterdir()} == before


@case
def a_new_table_whose_answer_was_lost_is_ours():
    with _aws.ministack() as server, folder() as path, _aws_proxy.before(server) as proxy:
        proxy.rule("CreateTable", "lose")
        probe(proxy, path, "create", "ns.t", "id: long")
        probe(server, path, "append", "ns.t", "SELECT 1 AS id")
        assert probe(server, path, "rows", "ns.t") == ["1"]
        text = probe(server, path, "create", "ns.t", "id: long", code=1)
        assert text.startswith("exists:"), text


@case
def a_rename_moves_the_name_or_nothing():
    with _aws.ministack() as server, folder() as path, _aws_proxy.before(server) as proxy:
        probe(server, path, "create", "ns.t", "id: long")
        probe(server, path, "append", "ns.t", "SELECT 1 AS id")
        proxy.rule("DeleteTable", "refuse", nth=0, match='"t"', code="AccessDeniedException", status=400)
        text = probe(proxy, path, "rename", "ns.t", "ns.u", code=1)
        assert "glue:DeleteTable" in text and text.startswith("denied"), text
        names = [table["Name"] for table in server.client("glue").get_tables(DatabaseName="ns")["TableList"]]
        assert names == ["t"], names
        probe(server, path, "rename", "ns.t", "ns.u")
        assert probe(server, path, "rows", "ns.u") == ["1"]
        assert "not_found" in probe(server, path, "rows", "ns.t", code=1)
        probe(server, path, "create", "ns.other", "id: long")
        assert probe(server, path, "rename", "ns.u", "ns.other", code=1).startswith("exists"), "another table"
        # died between making the new name and dropping the old one: the next try goes on
        table = glue_table(server, "ns.u")
        copy = {key: table[key] for key in ("TableType", "Parameters", "StorageDescriptor")}
        server.client("glue").create_table(DatabaseName="ns", TableInput={"Name": "v", **copy})
        probe(server, path, "rename", "ns.u", "ns.v")
        assert probe(server, path, "rows", "ns.v") == ["1"]
        probe(server, path, "drop", "ns.v")
        assert probe(server, path, "drop", "ns.v", code=1).startswith("not_found")


@case
def a_table_that_is_not_icebergs_is_left_alone():
    with _aws.ministack() as server, folder() as path:
        glue = server.client("glue")
        probe(server, path, "create", "ns.t", "id: long")
        glue.create_table(DatabaseName="ns", TableInput={"Name": "csv", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv"}})
        for call in (["rows", "ns.csv"], ["drop", "ns.csv"], ["create", "ns.csv", "id: long"]):
            text = probe(server, path, *call, code=1)
            assert "no Iceberg table" in text, text
        assert glue.get_table(DatabaseName="ns", Name="csv")["Table"]["Parameters"] == {"classification": "csv"}


finish()
