"""The real dbt-core with dbt-duckdb builds the template's project from the same landing rows to the same rows as moulin does, and
loads the manifest that moulin writes."""

import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from _lib import ROOT, case, finish, folder, moulin  # noqa: E402

import duckdb  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
RUNS = [("2009-10-15", "2009/10"), ("2009-11-02", "2009/10"), ("2020-06-02", "2020/05")]
DBT = pathlib.Path(sys.executable).parent / "dbt"
ENVIRONMENT = {**os.environ, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def dbt(project, *arguments):
    done = subprocess.run([DBT, *arguments, "--profiles-dir", "."], cwd=project, text=True, capture_output=True, env=ENVIRONMENT, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_landing(catalog, database):
    """The landing rows as DuckDB tables, for the dbt that knows no Iceberg."""
    connection = duckdb.connect(str(database))
    connection.execute("create schema if not exists landing")
    for _, name in catalog.list_tables("landing"):
        rows = catalog.load_table(f"landing.{name}").scan().to_arrow()
        connection.execute(f"create or replace table landing.{name} as select * from rows")
    connection.close()


def text(value):
    is_number = isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool)
    return str(float(value)) if is_number else str(value)


def rows_of(relation):
    return sorted(tuple(map(text, row)) for row in relation)


with folder() as work:
    project, theirs, database = work / "project", work / "dbt", work / "dbt.duckdb"
    moulin("init", project, cwd=work)
    shutil.copytree(project / "pipelines/transform", theirs)
    (theirs / "profiles.yml").write_text(
        f"chess: {{target: local, outputs: {{local: {{type: duckdb, path: '{database}', schema: analytics, threads: 1}}}}}}\n")
    for recording, month in RUNS:  # three builds, so that the incremental model is built and added to by both
        moulin("ingest", "chess", "--replay", RECORDINGS / f"{recording}.har", "--now", f"{recording}T12:00:00Z", "--start-month", month,
               "--end-month", month, cwd=project)
        moulin("transform", "build", cwd=project)
        catalog = SqlCatalog("default", uri=f"sqlite:///{project}/warehouse/catalog.db", warehouse=f"file://{project}/warehouse")
        copy_landing(catalog, database)
        dbt(theirs, "build")
    connection = duckdb.connect(str(database), read_only=True)

    for name in ("results", "player_games", "ratings", "openings"):
        def rows_are_dbts():
            columns = [c[0] for c in connection.execute(f"describe analytics.{name}").fetchall()]
            ours = catalog.load_table(f"analytics.{name}").scan(selected_fields=tuple(columns)).to_arrow().select(columns).to_pylist()
            mine = rows_of([tuple(str(v).replace("+00:00", "") if c.endswith("_at") else v for c, v in row.items()) for row in ours])
            select = ", ".join(f"cast({c} as varchar) as {c}" if c.endswith("_at") else c for c in columns)
            others = rows_of(connection.execute(f"select {select} from analytics.{name}").fetchall())
            assert len(mine) == len(others) > 0, (len(mine), len(others))
            assert mine == others, next((a, b) for a, b in zip(mine, others) if a != b)

        rows_are_dbts.title = f"{name}: rows are dbt's"
        case(rows_are_dbts)

    @case
    def the_manifest_has_dbts_nodes_and_edges():
        mine = json.loads((project / "pipelines/transform/target/manifest.json").read_text())
        other = json.loads((theirs / "target/manifest.json").read_text())
        for part in ("nodes", "sources"):
            assert mine[part].keys() == other[part].keys(), mine[part].keys() ^ other[part].keys()
        for key, node in other["nodes"].items():
            edges = [sorted(n["depends_on"].get("nodes", [])) for n in (mine["nodes"][key], node)]
            assert edges[0] == edges[1], (key, edges)
            assert mine["nodes"][key]["raw_code"].strip() == node["raw_code"].strip(), key

    @case
    def dbts_own_reader_takes_the_manifest():
        from dbt.contracts.graph.manifest import WritableManifest
        manifest = WritableManifest.read_and_check_versions(str(project / "pipelines/transform/target/manifest.json"))
        assert "model.chess.ratings" in manifest.nodes

    @case
    def dbts_own_reader_takes_the_run_results():
        from dbt.artifacts.schemas.run import RunResultsArtifact
        results = RunResultsArtifact.read_and_check_versions(str(project / "pipelines/transform/target/run_results.json"))
        assert {r.status for r in results.results} <= {"success", "pass"}, [r.status for r in results.results]
finish()
