#!/usr/bin/env python3
"""A project whose warehouse is object storage: ingest, transform and query against SeaweedFS, PyIceberg reads the same rows;
a query fetches what it needs, a large upload holds little memory, a small disk suffices."""

import os
import re
import shutil
import subprocess

import _aws
from _lib import MOULIN, ROOT, Skip, case, finish, folder, moulin, moulin_json
from _s3_faults import faults

STEPS = [("2009-10-15", "2009/10", 21), ("2009-11-02", "2009/10", 46), ("2020-06-02", "2020/05", 63)]
BUCKET = "lake"
MODELS = {"analytics.openings": "eco", "analytics.player_games": "player_game_id", "landing.chess_players_games": "url"}


def project(path, catalog, prefix):
    moulin("init", path, cwd=path.parent)
    text = (path / "moulin.yml").read_text()
    kind = {"sql": "{type: sql, uri: \"sqlite:///catalog.db\"}", "filesystem": "{type: filesystem}"}[catalog]
    text = re.sub(r"warehouse: \./warehouse.*", f"warehouse: s3://{BUCKET}/{prefix}", text, count=1)
    text = re.sub(r"catalog: \{type: sql.*", f"catalog: {kind}", text, count=1)
    (path / "moulin.yml").write_text(text)
    return path


def run(path, step, env):
    name, month, _ = STEPS[step]
    return moulin("run", "chess", "--input", f'{{"start_month": "{month}", "end_month": "{month}"}}', cwd=path, timeout=600,
                  env={**env, "MOULIN_NOW": f"{name}T12:00:00Z", "MOULIN_REPLAY": f"pipelines/ingest/chess-ingestion/recordings/{name}.har"})


def properties(server):
    return {"s3.endpoint": server.endpoint, "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key,
            "s3.region": server.region, "s3.path-style-access": "true"}


def by_pyiceberg(server, path, catalog, prefix, name):
    """A table's rows as PyIceberg reads them."""
    if catalog == "sql":
        from pyiceberg.catalog.sql import SqlCatalog

        table = SqlCatalog("default", uri=f"sqlite:///{path}/catalog.db", warehouse=f"s3://{BUCKET}/{prefix}", **properties(server)).load_table(name)
    else:
        from pyiceberg.table import StaticTable

        place = f"{prefix}/{name.replace('.', '/')}/metadata/"
        found = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=place)["Contents"]
        newest = max((item["Key"] for item in found if item["Key"].endswith(".metadata.json")), key=lambda key: int(re.search(r"/v(\d+)\.", key)[1]))
        table = StaticTable.from_metadata(f"s3://{BUCKET}/{newest}", properties(server))
    return table.scan().to_arrow()


def wide_project(path, prefix, target_bytes=None):
    """One model of ten columns that hardly compress."""
    (path / "models").mkdir(parents=True)
    (path / "dbt_project.yml").write_text("name: wide\nprofile: wide\nmodel-paths: [models]\n")
    (path / "profiles.yml").write_text("wide: {target: dev, outputs: {dev: {type: moulin, schema: analytics}}}\n")
    (path / "moulin.yml").write_text(
        f"name: wide\ndefault_environment: dev\nenvironments:\n  dev:\n    warehouse: s3://{BUCKET}/{prefix}\n"
        "    catalog: {type: sql, uri: \"sqlite:///catalog.db\"}\n    engine: {type: embedded}\n")
    columns = ", ".join(f"hash(i * 10 + {n})::bigint as c{n}" if n else "i as c0" for n in range(10))
    (path / "models" / "wide.sql").write_text(
        "{{ config(materialized='table') }}\n" f"select {columns.replace('::bigint', ' % 4611686018427387904')} from range({{{{ var('rows') }}}}) t(i)\n")
    return path


with folder() as work:
    try:
        with _aws.seaweedfs() as server:
            server.bucket(BUCKET)
            for catalog in ("sql", "filesystem"):
                def cycle():
                    path = project(work / catalog, catalog, catalog)
                    for step, (_, _, games) in enumerate(STEPS):
                        run(path, step, server.env)
                        (row,) = moulin_json("query", "select count(*) n, count(distinct url) u from landing.chess_players_games", cwd=path, env=server.env)
                        assert (int(row["n"]), int(row["u"])) == (games, games), row
                    for name, column in MODELS.items():
                        theirs = by_pyiceberg(server, path, catalog, catalog, name).sort_by(column)[column].to_pylist()
                        ours = [row["v"] for row in moulin_json("query", f"select {column} as v from {name} order by 1", cwd=path, env=server.env)]
                        assert sorted(map(str, theirs)) == sorted(map(str, ours)) and ours, (name, len(theirs), len(ours))
                    before = moulin_json("table", "ls", cwd=path, env=server.env)
                    run(path, 2, server.env)  # nothing is new
                    after = moulin_json("table", "ls", cwd=path, env=server.env)
                    rows = [{(t["namespace"], t["table"]): t["rows"] for t in tables} for tables in (before, after)]
                    assert rows[0] == rows[1], rows
                cycle.title = f"the chess pipeline on s3:// with catalog {catalog}, read back by PyIceberg"
                case(cycle)

            @case
            def maintenance_works_on_object_storage():
                path = work / "sql"
                moulin("table", "expire", "landing.chess_players_games", "--older-than", "0s", cwd=path, env=server.env)
                assert not moulin_json("table", "orphans", "--older-than", "0s", cwd=path, env=server.env)
                moulin("table", "drop", "analytics.openings", "--force", "--purge", cwd=path, env=server.env)
                left = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="sql/analytics/openings/").get("Contents", [])
                assert not left, left
                (row,) = moulin_json("query", "select count(*) n from landing.chess_players_games", cwd=path, env=server.env)
                assert int(row["n"]) == 63

            @case
            def a_query_of_one_column_fetches_one_column():
                path = wide_project(work / "wide", "wide")
                moulin("transform", "build", "--vars", "{rows: 900000}", cwd=path, env=server.env, timeout=600)
                (table,) = moulin_json("table", "ls", cwd=path, env=server.env)
                assert int(table["bytes"]) > 60e6, table
                with faults(server) as proxy:
                    (row,) = moulin_json("query", "select sum(c3 % 1000) s, count(*) n from analytics.wide", cwd=path, env=proxy.env)
                    assert int(row["n"]) == 900000
                    fetched, requests = proxy.received["GET"], proxy.requests["GET"]
                    print(f"# one column of {int(table['bytes']) / 1e6:.0f} MB: {fetched / 1e6:.1f} MB in {requests} requests", flush=True)
                    assert fetched < 10e6, fetched
                    proxy.forget()
                    moulin("query", "select count(*) from analytics.wide", cwd=path, env=proxy.env)
                    assert proxy.received["GET"] < 1e6, proxy.received

            @case
            def the_engine_of_a_query_reads_nothing_else():
                path = work / "wide"
                for sql in ("select * from read_parquet('s3://lake/wide/analytics/wide/data/*.parquet') limit 1",
                            "select * from read_text('s3://lake/sql/landing/_dlt_loads/metadata/x')", "select * from read_text('/etc/hostname')",
                            "select * from read_text('http://127.0.0.1:9/x')", "select * from glob('s3://lake/**')"):
                    done = moulin("query", sql, cwd=path, env=server.env, code=None)
                    assert done.returncode != 0 and "disabled by configuration" in done.stderr, (sql, done.stdout, done.stderr)
                shown = moulin("query", "select * from duckdb_secrets()", cwd=path, env=server.env).stdout
                assert server.secret_key not in shown, shown

            @case
            def a_small_disk_suffices_and_is_left_empty():
                path, temp = work / "wide", work / "temp"
                temp.mkdir()
                # A disk of its own, smaller than the table.
                done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(temp)], text=True, capture_output=True)
                if done.returncode != 0:
                    raise Skip(f"cannot mount: {done.stderr.strip()}")
                try:
                    moulin("transform", "build", "--vars", "{rows: 5000000}", cwd=path, env={**server.env, "TMPDIR": str(temp)}, timeout=900)
                    left = [p for p in temp.rglob("*")]
                    assert not left, left
                finally:
                    subprocess.run(["umount", str(temp)], check=True)
                (table,) = moulin_json("table", "ls", cwd=path, env=server.env)
                assert int(table["bytes"]) > 300e6 and int(table["rows"]) == 5000000, table

            @case
            def a_killed_upload_leaves_no_disk_full():
                path, temp = work / "wide", work / "temp2"
                temp.mkdir()
                process = subprocess.Popen([str(MOULIN), "transform", "build", "--vars", "{rows: 3000000}"], cwd=path, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, env={**os.environ, **server.env, "TMPDIR": str(temp)})
                while process.poll() is None and not list(temp.glob("moulin-upload-*/*.parquet")):
                    pass
                assert process.poll() is None, "the build was over before it wrote"
                process.kill()
                process.wait()
                assert list(temp.glob("moulin-upload-*"))
                moulin("transform", "build", "--vars", "{rows: 10}", cwd=path, env={**server.env, "TMPDIR": str(temp)})
                assert not list(temp.glob("moulin-upload-*")), list(temp.glob("*"))

            @case
            def a_gigabyte_goes_up_in_little_memory():
                done = subprocess.run([str(ROOT / "build/tests/interop/s3_upload"), f"s3://{BUCKET}/large", "1024"], text=True, capture_output=True,
                                      env={**os.environ, **server.env}, timeout=600)
                assert done.returncode == 0, done.stderr
                seconds, mib = done.stdout.split()
                print(f"# 1 GiB in {seconds} s ({1024 / float(seconds):.0f} MiB/s), {mib} MiB held", flush=True)
                assert 0 < int(mib) < 200, mib
                assert server.client("s3").head_object(Bucket=BUCKET, Key="large")["ContentLength"] == 1 << 30
                server.client("s3").delete_object(Bucket=BUCKET, Key="large")
    except Skip as reason:
        print(f"ok a project on object storage # SKIP {reason}", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
finish()
