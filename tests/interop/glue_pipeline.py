#!/usr/bin/env python3
"""The chess pipeline with the embedded engine on S3 and Glue (MiniStack's), twice: nothing twice, the same rows as on this
machine, and everything there for PyIceberg's GlueCatalog and for another machine that has the same project."""

import pathlib
import shutil
import sys

from pyiceberg.catalog.glue import GlueCatalog

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
from _lib import ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDING = ROOT / "template/pipelines/ingest/chess-ingestion/recordings/2020-06-02.har"
GAMES = 17  # of the month
INGEST = ["ingest", "chess", "--replay", RECORDING, "--now", "2020-06-02T12:00:00Z", "--start-month", "2020/05", "--end-month", "2020/05"]
ENVIRONMENT = """
    region: eu-west-1
    warehouse: s3://landing-bucket
    catalog: {type: glue}
    engine: {type: embedded}
    namespace_prefix: dev_
    namespaces: {analytics: {location: "s3://staging-bucket"}}
"""


def project(work, name="project"):
    """The project as `moulin init` writes it, with an environment `cloud`."""
    moulin("init", work / name, cwd=work)
    file = work / name / "moulin.yml"
    file.write_text(file.read_text().replace("environments:\n", f"environments:\n  cloud:{ENVIRONMENT}", 1))
    return work / name


def pyiceberg(server):
    return GlueCatalog("glue", **{
        "glue.endpoint": server.endpoint, "glue.region": server.region, "glue.access-key-id": server.access_key,
        "glue.secret-access-key": server.secret_key, "s3.endpoint": server.endpoint, "s3.region": server.region,
        "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key})


def rows(where, sql, **options):
    return moulin_json("query", sql, cwd=where, **options)


with _aws.ministack() as server, folder() as work:
    server.bucket("landing-bucket")
    server.bucket("staging-bucket")
    here = project(work)
    cloud = {**server.env, "ENVIRONMENT": "cloud"}
    moulin(*INGEST, cwd=here)
    moulin("transform", "build", cwd=here)

    @case
    def ingest_and_build_run_twice_and_nothing_is_twice():
        moulin("schema", "apply", cwd=here, env=cloud)
        first = moulin_json(*INGEST, cwd=here, env=cloud)
        assert first["status"] == "complete" and len(first["tables"]) == 2, first
        moulin("transform", "build", cwd=here, env=cloud)
        again = moulin_json(*INGEST, cwd=here, env=cloud)
        assert again["status"] == "nothing_new", again
        moulin("transform", "build", cwd=here, env=cloud)
        games = rows(here, "select count(*) as n, count(distinct url) as d from dev_landing.chess_players_games", env=cloud)
        assert games == [{"n": GAMES, "d": GAMES}], games

    @case
    def the_rows_are_those_of_the_local_engine():
        for name in ("player_games", "ratings", "openings"):
            local = rows(here, f"select * from analytics.{name} order by all")
            there = rows(here, f"select * from dev_analytics.{name} order by all", env=cloud)
            assert len(local) > 0 and local == there, (name, len(local), len(there))

    @case
    def tables_lie_where_moulin_yml_says():
        glue = server.client("glue")
        assert glue.get_database(Name="dev_analytics")["Database"]["LocationUri"] == "s3://staging-bucket"
        assert glue.get_database(Name="dev_landing")["Database"]["LocationUri"] == "s3://landing-bucket/dev_landing"
        table = glue.get_table(DatabaseName="dev_analytics", Name="player_games")["Table"]
        assert table["StorageDescriptor"]["Location"] == "s3://staging-bucket/player_games", table["StorageDescriptor"]["Location"]

    @case
    def pyiceberg_reads_what_was_landed_and_built():
        catalog = pyiceberg(server)
        assert {name for _, name in catalog.list_tables("dev_landing")} == {"_dlt_loads", "chess_players", "chess_players_games"}
        assert catalog.load_table("dev_landing.chess_players_games").scan().to_arrow().num_rows == GAMES
        assert catalog.load_table("dev_analytics.player_games").scan().to_arrow().num_rows == len(rows(here, "select * from analytics.player_games"))

    @case
    def another_machine_has_the_same_views():
        with folder() as elsewhere:
            other = project(elsewhere)
            shutil.rmtree(other / ".moulin", ignore_errors=True)
            there = rows(other, "select count(*) as n from analytics.stg_games", env=cloud)
            assert there == rows(here, "select count(*) as n from analytics.stg_games"), there
            moulin("transform", "run", "--select", "ratings", cwd=other, env=cloud)

    @case
    def tables_are_looked_at_and_changed_as_on_this_machine():
        listed = {(table["namespace"], table["table"]): table["rows"] for table in moulin_json("table", "ls", cwd=here, env=cloud)}
        assert listed[("dev_landing", "chess_players_games")] == GAMES, listed
        name = "dev_analytics.ratings"
        snapshots = moulin_json("table", "snapshots", name, cwd=here, env=cloud)
        assert len(snapshots) >= 2, snapshots
        moulin("table", "rollback", name, "--snapshot", snapshots[0]["snapshot_id"], cwd=here, env=cloud)
        for command in ("show", "schema", "history", "files", "manifests", "partitions"):
            moulin("table", command, name, cwd=here, env=cloud)
        moulin("table", "expire", name, "--older-than", "0d", "--keep", "1", cwd=here, env=cloud)
        moulin("table", "orphans", name, cwd=here, env=cloud)
        moulin("table", "drop", name, "--force", cwd=here, env=cloud)
        assert ("dev_analytics", "ratings") not in {(t["namespace"], t["table"]) for t in moulin_json("table", "ls", cwd=here, env=cloud)}


finish()
