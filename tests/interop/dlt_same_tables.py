"""The real dlt with the template's REST configuration over the same answers lands the same tables, columns, types and rows
(ids and load ids aside). dlt has no `rows:` and no `time_partition:`, so its parents are Python resources."""

import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from _lib import ROOT, case, finish, folder, moulin  # noqa: E402
from _recorded_api import REAL, answers, serve  # noqa: E402

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt  # noqa: E402
import duckdb  # noqa: E402
import yaml  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402

RECORDINGS = ROOT / "template" / "pipelines" / "ingest" / "chess-ingestion" / "recordings"
TYPES = {"string": "VARCHAR", "long": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "timestamptz": "TIMESTAMP WITH TIME ZONE"}
PLAYERS = ["erik", "fabianocaruana"]


def load_with_dlt(base, work):
    config = yaml.safe_load((ROOT / "template/pipelines/ingest/chess-ingestion/source.yml").read_text())
    resources = {r["name"]: r for r in config["resources"]}

    @dlt.resource(name="usernames", selected=False)
    def usernames():
        yield [{"username": player} for player in PLAYERS]

    @dlt.resource(name="players_archives", selected=False)
    def archives():
        for player in PLAYERS:
            for url in requests.get(f"{base}/pub/player/{player}/games/archives").json()["archives"]:
                yield [{"url": url}]

    players, games = resources["players"], resources["players_games"]
    players["endpoint"].pop("incremental")
    games["endpoint"].pop("time_partition")
    games["endpoint"]["path"] = "{resources.players_archives.url}"
    source = rest_api_source({"client": {"base_url": base + "/pub/"}, "resource_defaults": config["resource_defaults"],
                              "resources": [usernames(), archives(), players, games]}, name="chess")
    pipeline = dlt.pipeline("chess", pipelines_dir=str(work / "pipelines"), destination=dlt.destinations.duckdb(str(work / "dlt.duckdb")),
                            dataset_name="landing")
    pipeline.run(source)
    return work / "dlt.duckdb"


def load_with_moulin(base, work):
    project = work / "project"
    moulin("init", project, cwd=work)
    # dlt has no declared landing tables either.
    shutil.rmtree(project / "pipelines/ingest/chess-schema")
    source = project / "pipelines/ingest/chess-ingestion/source.yml"
    source.write_text(source.read_text().replace(f"base_url: {REAL}/pub/", f"base_url: {base}/pub/"))
    moulin("ingest", "chess", cwd=project)
    return SqlCatalog("default", uri=f"sqlite:///{project}/warehouse/catalog.db", warehouse=f"file://{project}/warehouse")


def comparable(rows):
    return sorted((tuple((k, str(v)) for k, v in sorted(row.items()) if k not in ("_dlt_id", "_dlt_load_id")) for row in rows))


with folder() as work, serve(answers(RECORDINGS / "2020-06-02.har")) as base:
    theirs = duckdb.connect(str(load_with_dlt(base, work)))
    theirs.execute("set timezone = 'UTC'")
    catalog = load_with_moulin(base, work)
    their_tables = sorted(r[0] for r in theirs.execute(
        "select table_name from information_schema.tables where table_schema = 'landing' and not starts_with(table_name, '_dlt')").fetchall())
    tables = [t for _, t in catalog.list_tables("landing") if not t.startswith("_dlt")]

    @case
    def the_same_tables_land():
        assert sorted(t.removeprefix("chess_") for t in tables) == their_tables, (tables, their_tables)

    for name in their_tables:
        ours = catalog.load_table(f"landing.chess_{name}")
        columns = dict(theirs.execute(
            f"select column_name, data_type from information_schema.columns where table_schema = 'landing' and table_name = '{name}'").fetchall())

        def columns_and_types_are_dlts():
            found = {f.name: TYPES[str(f.field_type)] for f in ours.schema().fields}
            assert found == columns, {k: (found.get(k), columns.get(k)) for k in found.keys() | columns.keys() if found.get(k) != columns.get(k)}

        def rows_are_dlts():
            mine = comparable(ours.scan().to_arrow().to_pylist())
            reader = theirs.execute(f"select * from landing.{name}").arrow()
            others = comparable((reader.read_all() if hasattr(reader, "read_all") else reader).to_pylist())
            assert len(mine) == len(others) > 0, (len(mine), len(others))
            assert mine == others, next((a, b) for a, b in zip(mine, others) if a != b)

        for check in (columns_and_types_are_dlts, rows_are_dlts):
            check.title = f"{name}: {check.__name__.replace('_', ' ')}"
            case(check)
finish()
