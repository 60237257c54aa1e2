#!/usr/bin/env python3
"""PyIceberg and our Iceberg library on one SQLite catalog: each reads, appends to and evolves the other's tables."""

import decimal
import os
import pathlib
import sqlite3
import subprocess
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _lib import ROOT, case, finish, folder  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MOULIN_BUILD", ROOT / "build"))
PROBE = BUILD / "tests" / "interop" / "iceberg_probe"
COLUMNS = "id: long, name: string, price: decimal(9,2), at: timestamptz, d: date, tags: list<string>, who: struct<a: int, b: string>"
ROWS = """SELECT 1 AS id, 'a' AS name, 1.25 AS price, TIMESTAMPTZ '2024-01-31 10:00:00+00' AS at, DATE '2024-01-31' AS d,
          ['x', 'y'] AS tags, {'a': 1, 'b': 'q'} AS who
          UNION ALL SELECT 2, NULL, -3.5, TIMESTAMPTZ '2024-02-01 00:00:00+00', NULL, NULL, NULL"""


def probe(path, *arguments, code=0):
    done = subprocess.run([PROBE, path / "catalog.db", path, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if code is not None and done.returncode != code:
        raise AssertionError(f"probe {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines() if done.returncode == 0 else done.stderr


def catalog(path):
    return SqlCatalog("default", uri=f"sqlite:///{path / 'catalog.db'}", warehouse=f"file://{path}")


def rows(table):
    return sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])


def batch(table, **columns):
    schema = table.schema().as_arrow()
    count = len(columns["id"])
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * count), f.type) for f in schema}, schema=schema)


@case
def pyiceberg_reads_our_partitioned_table():
    with folder() as path:
        probe(path, "create", "ns.t", COLUMNS, "month(at)", "bucket(4, id)")
        probe(path, "append", "ns.t", ROWS)
        table = catalog(path).load_table("ns.t")
        found = rows(table)
        assert [row["id"] for row in found] == [1, 2], found
        assert found[0]["price"] == decimal.Decimal("1.25") and found[0]["tags"] == ["x", "y"], found
        assert found[0]["who"] == {"a": 1, "b": "q"} and found[1]["name"] is None, found
        # pruning by our bounds and partitions
        assert table.scan(row_filter="at >= '2024-02-01T00:00:00+00:00'").to_arrow().num_rows == 1
        assert table.scan(row_filter="id = 1").to_arrow().num_rows == 1
        assert table.scan(row_filter="name = 'zzz'").to_arrow().num_rows == 0
        assert len(list(table.scan(row_filter="at >= '2024-02-01T00:00:00+00:00'").plan_files())) == 1
        summary = table.current_snapshot().summary
        assert summary["total-records"] == "2" and summary["added-data-files"] == "2", summary
        assert len(table.inspect.files()) == 2 and len(table.inspect.manifests()) == 1
        assert len(table.inspect.partitions()) == 2


@case
def each_appends_to_the_table_of_the_other():
    with folder() as path:
        probe(path, "create", "ns.t", COLUMNS)
        probe(path, "append", "ns.t", ROWS)
        table = catalog(path).load_table("ns.t")
        table.append(batch(table, id=[3, 4], name=["c", None]))
        assert [line.split("|")[:2] for line in probe(path, "rows", "ns.t")] == [["1", "a"], ["2", "NULL"], ["3", "c"], ["4", "NULL"]]
        probe(path, "append", "ns.t", "SELECT 5 AS id, 'e' AS name")
        table = table.refresh()
        assert [row["id"] for row in rows(table)] == [1, 2, 3, 4, 5]
        summary = table.current_snapshot().summary
        assert summary["total-records"] == "5" and summary["total-data-files"] == "3", summary
        assert [s.sequence_number for s in table.snapshots()] == [1, 2, 3]
        assert len(table.metadata.metadata_log) == 3


@case
def we_continue_a_table_that_pyiceberg_made():
    with folder() as path:
        theirs = catalog(path)
        theirs.create_namespace("a.b")
        table = theirs.create_table("a.b.t", pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.string())]))
        table.append(pa.table({"id": [1], "name": ["x"]}, schema=table.schema().as_arrow()))
        assert probe(path, "rows", "a.b.t") == ["1|x"]
        probe(path, "append", "a.b.t", "SELECT 2 AS id, 'y' AS name")
        probe(path, "add-column", "a.b.t", "score", "double")
        probe(path, "append", "a.b.t", "SELECT 3 AS id, 'z' AS name, 0.5 AS score")
        table = theirs.load_table("a.b.t")
        assert rows(table) == [{"id": 1, "name": "x", "score": None}, {"id": 2, "name": "y", "score": None}, {"id": 3, "name": "z", "score": 0.5}]
        with table.update_schema() as update:
            update.rename_column("name", "title")
            update.add_column("extra", table.schema().find_field("id").field_type)
        assert probe(path, "rows", "a.b.t") == ["1|x|NULL|NULL", "2|y|NULL|NULL", "3|z|0.5|NULL"]


@case
def replaced_and_deleted_rows_are_gone_for_both():
    with folder() as path:
        probe(path, "create", "ns.t", "id: long, name: string")
        probe(path, "append", "ns.t", "SELECT range AS id, 'n' || range AS name FROM range(100)")
        table = catalog(path).load_table("ns.t")
        table.delete("id >= 50")
        assert len(probe(path, "rows", "ns.t")) == 50
        probe(path, "replace", "ns.t", "SELECT 7 AS id, 'seven' AS name")
        table = table.refresh()
        assert rows(table) == [{"id": 7, "name": "seven"}]
        summary = table.current_snapshot().summary
        assert summary.operation.value == "overwrite" and summary["deleted-records"] == "50", summary
        assert summary["total-records"] == "1" and summary["total-data-files"] == "1", summary
        table.append(batch(table, id=[8], name=["eight"]))
        paths = [f.file.file_path for f in table.scan(row_filter="id = 7").plan_files()]
        probe(path, "delete-files", "ns.t", *paths)
        table = table.refresh()
        assert rows(table) == [{"id": 8, "name": "eight"}]
        assert table.current_snapshot().summary.operation.value == "delete"
        # time travel still works
        first = table.snapshots()[0].snapshot_id
        assert table.scan(snapshot_id=first).to_arrow().num_rows == 100


@case
def merged_manifests_stay_readable_and_leave_no_file_behind():
    with folder() as path:
        probe(path, "create", "ns.t", "id: long")
        table = catalog(path).load_table("ns.t")
        with table.transaction() as change:
            change.set_properties({"commit.manifest.min-count-to-merge": "3"})
        for i in range(7):
            probe(path, "append", "ns.t", f"SELECT {i} AS id")
        table = table.refresh()
        assert [row["id"] for row in rows(table)] == list(range(7))
        manifests = table.inspect.all_manifests().to_pylist()
        named = {pathlib.Path(m["path"].removeprefix("file://")).name for m in manifests}
        present = {p.name for p in (path / "ns" / "t" / "metadata").glob("*-m*.avro")}
        assert named == present, (named ^ present)
        assert len(table.inspect.manifests()) < 4
        statuses = {(e["status"], e["sequence_number"]) for e in table.inspect.entries().to_pylist()}
        assert len(statuses) == 7, statuses


@case
def expired_snapshots_take_their_files_along():
    with folder() as path:
        probe(path, "create", "ns.t", "id: long")
        for i in range(4):
            probe(path, "replace", "ns.t", f"SELECT {i} AS id")
        assert probe(path, "expire", "ns.t")[0].startswith("3 snapshots")
        table = catalog(path).load_table("ns.t")
        assert rows(table) == [{"id": 3}] and len(table.snapshots()) == 1
        assert len(list((path / "ns" / "t" / "data").rglob("*.parquet"))) == 1
        assert len(list((path / "ns" / "t" / "metadata").glob("snap-*.avro"))) == 1


@case
def an_old_catalog_file_keeps_its_version():
    with folder() as path:
        with sqlite3.connect(path / "catalog.db") as db:
            db.executescript(
                "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,"
                " table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),"
                " PRIMARY KEY (catalog_name, table_namespace, table_name));"
                "CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,"
                " property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL,"
                " PRIMARY KEY (catalog_name, namespace, property_key));")
        probe(path, "create", "ns.t", "id: long")
        probe(path, "append", "ns.t", "SELECT 1 AS id")
        with sqlite3.connect(path / "catalog.db") as db:
            assert len(list(db.execute("PRAGMA table_info(iceberg_tables)"))) == 5
        assert rows(catalog(path).load_table("ns.t")) == [{"id": 1}]


@case
def a_new_catalog_file_is_the_one_that_pyiceberg_makes():
    with folder() as ours, folder() as theirs:
        probe(ours, "create", "ns.t", "id: long")
        other = catalog(theirs)
        other.create_namespace("ns")
        other.create_table("ns.t", pa.schema([("id", pa.int64())]))

        def shape(path):
            with sqlite3.connect(path / "catalog.db") as db:
                return (sorted(sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")),
                        list(db.execute("SELECT catalog_name, table_namespace, table_name, previous_metadata_location, iceberg_type FROM iceberg_tables")),
                        list(db.execute("SELECT * FROM iceberg_namespace_properties")),
                        db.execute("PRAGMA journal_mode").fetchone())
        assert shape(ours) == shape(theirs), (shape(ours), shape(theirs))


@case
def eight_processes_commit_ten_times_each():
    with folder() as path:
        probe(path, "create", "ns.t", "id: long")
        writers = [subprocess.Popen([PROBE, path / "catalog.db", path, "append", "ns.t", f"SELECT {i} AS id", "10"],
                                    stderr=subprocess.PIPE, text=True) for i in range(8)]
        problems = [w.communicate(timeout=300)[1] for w in writers]
        assert all(w.returncode == 0 for w in writers), problems
        found = [row["id"] for row in rows(catalog(path).load_table("ns.t"))]
        assert sorted(found) == sorted(list(range(8)) * 10), len(found)


@case
def a_folder_catalog_takes_eight_writers_too():
    with folder() as path:
        def run(*arguments):
            return subprocess.Popen([PROBE, "-", path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert run("create", "ns.t", "id: long").wait(timeout=60) == 0
        writers = [run("append", "ns.t", f"SELECT {i} AS id", "4") for i in range(8)]
        problems = [w.communicate(timeout=300)[1] for w in writers]
        assert all(w.returncode == 0 for w in writers), problems
        newest = max((path / "ns" / "t" / "metadata").glob("v*.metadata.json"), key=lambda p: int(p.name[1:].split(".")[0]))
        found = [row["id"] for row in rows(StaticTable.from_metadata(f"file://{newest}"))]
        assert sorted(found) == sorted(list(range(8)) * 4), len(found)


@case
def a_writer_that_is_killed_leaves_a_readable_table():
    with folder() as path:
        probe(path, "create", "ns.t", "id: long")
        for i in range(12):
            writer = subprocess.Popen([PROBE, path / "catalog.db", path, "append", "ns.t", "SELECT 1 AS id", "50"], stderr=subprocess.DEVNULL)
            try:
                writer.wait(timeout=0.08 + 0.03 * i)
            except subprocess.TimeoutExpired:
                writer.kill()
                writer.wait()
            table = catalog(path).load_table("ns.t")
            count = table.scan().to_arrow().num_rows
            assert count == len(table.snapshots()), (count, len(table.snapshots()))
        probe(path, "append", "ns.t", "SELECT 2 AS id")
        assert any(row["id"] == 2 for row in rows(catalog(path).load_table("ns.t")))


finish()
