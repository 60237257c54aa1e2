"""PyIceberg opens the catalog of a project and reads every table: the same rows, types, schemas and snapshots as moulin says. What
PyIceberg appends is seen by moulin, and the next load keeps the cursors."""

import datetime
import decimal
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from _lib import ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

import pyarrow as pa  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
RUNS = [("2009-10-15", "2009/10"), ("2009-11-02", "2009/10"), ("2020-06-02", "2020/05")]


def ingest(project, recording, month, **options):
    return moulin_json("ingest", "chess", "--replay", RECORDINGS / f"{recording}.har", "--now", f"{recording}T12:00:00Z",
                       "--start-month", month, "--end-month", month, cwd=project, **options)


def text(value):
    """A value as both sides print it: times in UTC without a zone, numbers without padding."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").replace("+00:00", "").removesuffix(".000000")
    if isinstance(value, str) and len(value) > 18 and value[4] == "-" and value[10] == " ":
        return value.removesuffix("+00")
    return repr(float(value)) if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool) else str(value)


def same_rows(project, table, arrow):
    mine = moulin_json("query", f"select * from {'.'.join(table)}", cwd=project)
    theirs = arrow.to_pylist()
    assert sorted(map(lambda r: sorted((k, text(v)) for k, v in r.items()), mine)) == \
        sorted(map(lambda r: sorted((k, text(v)) for k, v in r.items()), theirs)), table


with folder() as work:
    project = work / "project"
    moulin("init", project, cwd=work)
    for run in RUNS:
        ingest(project, *run)
    moulin("transform", "build", cwd=project)
    catalog = SqlCatalog("default", uri=f"sqlite:///{project}/warehouse/catalog.db", warehouse=f"file://{project}/warehouse")
    tables = [t for namespace in catalog.list_namespaces() for t in catalog.list_tables(namespace)]

    @case
    def every_namespace_and_table_is_listed():
        assert {("landing", "chess_players_games"), ("landing", "chess_players"), ("landing", "_dlt_loads")} <= set(tables), tables
        assert {("analytics", "ratings"), ("analytics", "openings"), ("analytics", "player_games")} <= set(tables), tables

    for table in tables:
        def rows_are_the_same():
            same_rows(project, table, catalog.load_table(table).scan().to_arrow())

        def schema_and_snapshots_are_the_same():
            theirs = catalog.load_table(table)
            mine = moulin_json("table", "schema", ".".join(table), cwd=project)
            found = [(c["id"], c["column"], c["type"]) for c in mine]
            assert found == [(f.field_id, f.name, str(f.field_type)) for f in theirs.schema().fields], (found, theirs.schema())
            ids = [int(s["snapshot_id"]) for s in moulin_json("table", "snapshots", ".".join(table), cwd=project)]
            assert sorted(ids) == sorted(s.snapshot_id for s in theirs.snapshots())

        for check in (rows_are_the_same, schema_and_snapshots_are_the_same):
            check.title = f"{'.'.join(table)}: {check.__name__.replace('_', ' ')}"
            case(check)

    @case
    def every_old_snapshot_reads_the_same():
        games = catalog.load_table("landing.chess_players_games")
        for snapshot in games.snapshots():
            count = games.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows
            mine = moulin_json("query", "select count(*) as n from landing.chess_players_games", "--snapshot",
                               f"landing.chess_players_games={snapshot.snapshot_id}", cwd=project)
            assert mine[0]["n"] == count, (mine, count)

    @case
    def an_append_by_pyiceberg_is_seen_and_the_next_load_keeps_its_state():
        games = catalog.load_table("landing.chess_players_games")
        schema = games.schema().as_arrow()
        row = {name: None for name in schema.names} | {"url": "https://example.org/game/1", "time_class": "rapid"}
        games.append(pa.Table.from_pylist([row], schema=schema))
        assert moulin_json("query", "select count(*) as n from landing.chess_players_games", cwd=project)[0]["n"] == 64
        again = ingest(project, *RUNS[-1])
        assert sum(t.get("inserted", 0) for t in again["tables"]) == 0, again
        assert moulin_json("query", "select count(*) as n from landing.chess_players_games", cwd=project)[0]["n"] == 64

    @case
    def a_rollback_takes_the_cursor_back_with_the_rows():
        first = moulin_json("table", "snapshots", "landing.chess_players_games", cwd=project)[0]["snapshot_id"]
        moulin("table", "rollback", "landing.chess_players_games", "--snapshot", first, cwd=project)
        assert catalog.load_table("landing.chess_players_games").scan().to_arrow().num_rows == 21
        ingest(project, *RUNS[-1])
        assert moulin_json("query", "select count(*) as n, count(distinct url) as u from landing.chess_players_games", cwd=project) == [{"n": 38, "u": 38}]
finish()
