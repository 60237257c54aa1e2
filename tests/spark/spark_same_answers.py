"""Apache Spark with Iceberg's own library on a project's catalog: it reads what moulin wrote (plain, partitioned, evolved, rolled
back, expired), moulin reads what Spark wrote (append, copy-on-write, position deletes, merge, evolution, compaction), and the next
load keeps its cursors. One project, one session: every case leaves the tables readable for the next."""

import datetime
import decimal
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from _session import Session  # noqa: E402
from _lib import ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
ROWS = 41
RUNS = [("2009-10-15", "2009/10"), ("2009-11-02", "2009/10"), ("2020-06-02", "2020/05")]
GAMES = "landing.chess_players_games"
TYPES_YML = """table: types_rows
columns:
  - {name: id, type: string, required: true}
  - {name: small, type: int}
  - {name: amount, type: "decimal(9, 2)"}
  - {name: ratio, type: float}
  - {name: share, type: double}
  - {name: day, type: date}
  - {name: seen_at, type: timestamptz}
  - {name: local_at, type: timestamp}
  - {name: agrees, type: boolean}
  - {name: raw, type: binary}
identifier_fields: [id]
partition_by: [month(seen_at), "bucket(4, id)", day, "truncate(2, small)"]
sort_by: [small desc]
"""
TYPES_SOURCE_YML = """type: rest_api
client: {base_url: "http://127.0.0.1:1/"}
resource_defaults: {write_disposition: append}
resources:
  - name: rows
    rows:
"""

CONTENT = "case content when 0 then 'data' when 1 then 'position deletes' else 'equality deletes' end as content"
# a metadata table, its columns for Spark, and the same columns for moulin
METADATA = [
    ("snapshots", "snapshot_id, parent_id, operation", "snapshot_id, parent_id, operation"),
    ("files", f"{CONTENT}, file_path, record_count, file_size_in_bytes as bytes", "content, file_path, record_count, file_size_bytes as bytes"),
    ("manifests", "path, length, partition_spec_id as spec, added_data_files_count + added_delete_files_count as added, existing_data_files_count + existing_delete_files_count as existing",
     "path, length_bytes as length, spec_id as spec, added_files as added, existing_files as existing"),
    ("history", "snapshot_id, parent_id, is_current_ancestor", "snapshot_id, parent_id, is_current_ancestor"),
    ("refs", "name, type, snapshot_id", "name, upper(type) as type, snapshot_id"),
]


def ingest(project, recording, month):
    return moulin_json("ingest", "chess", "--replay", RECORDINGS / f"{recording}.har", "--now", f"{recording}T12:00:00Z",
                       "--start-month", month, "--end-month", month, cwd=project)


def text(value):
    """A value as both sides print it: times in UTC without a zone, numbers without padding."""
    if isinstance(value, datetime.datetime):
        value = value.isoformat(sep=" ")
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, str) and len(value) > 18 and value[4] == "-" and value[10] == " ":
        value = value.removesuffix("+00:00").removesuffix("+00")
        return value.rstrip("0").rstrip(".") if "." in value else value
    return repr(float(value)) if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool) else str(value)


def comparable(rows):
    return sorted(sorted((key, text(value)) for key, value in row.items()) for row in rows)


def same(mine, theirs, what=""):
    mine, theirs = comparable(mine), comparable(theirs)
    if mine != theirs:
        different = [(m, t) for m, t in zip(mine, theirs) if m != t][:1]
        raise AssertionError(f"{what}: moulin {len(mine)} rows, Spark {len(theirs)} rows; {[set(m) ^ set(t) for m, t in different]}")


def query(project, sql, *options):
    return moulin_json("query", sql, *options, cwd=project)


def same_rows(project, spark, table):
    same(query(project, f"select * from {table}"), spark.rows(f"select * from `default`.{table}"), table)


def titled(title):
    def decorate(function):
        function.title = title
        return case(function)
    return decorate


def prepare(work):
    """The chess project with three loads and its models; a partitioned table of many types."""
    project = work / "project"
    moulin("init", project, cwd=work)
    for run in RUNS:
        ingest(project, *run)
    moulin("transform", "build", cwd=project)
    rows = "\n".join(
        [f"      - {{id: \"r{n}\", small: {n * 7 % 20 - 9}, amount: \"{n}.25\", ratio: {n / 4}, share: {n / 3!r}, day: \"2024-0{1 + n % 3}-1{n % 10}\", "
         f"seen_at: \"2024-0{1 + n % 5}-28T23:59:59.{n:06d}Z\", local_at: \"1969-12-31T23:59:{n:02d}.5\", agrees: {str(n % 2 == 0).lower()}}}" for n in range(ROWS - 1)]
        + ['      - {id: "void"}'])
    ingestion, schema = project / "pipelines/ingest/types-ingestion", project / "pipelines/ingest/types-schema"
    ingestion.mkdir(), schema.mkdir()
    (ingestion / "source.yml").write_text(f"{TYPES_SOURCE_YML}{rows}\n")
    (schema / "types_rows.yml").write_text(TYPES_YML)
    moulin("schema", "apply", "types", cwd=project)
    moulin("ingest", "types", cwd=project)
    return project


with folder() as work:
    project = prepare(work)
    spark = Session(project)
    # format v3 is Spark's to write here: moulin reads it, deletion vectors and all
    spark.rows("create table `default`.landing.lineage_rows using iceberg partitioned by (months(seen_at), bucket(4, id)) tblproperties ('format-version' = '3') "
               "as select * from `default`.landing.types_rows")
    tables = [f"{t['namespace']}.{t['table']}" if "namespace" in t else t["table"] for t in moulin_json("table", "ls", cwd=project)]

    @titled("every namespace and table is listed")
    def listed():
        theirs = {f"{t['namespace']}.{t['tableName']}" for n in ("landing", "analytics") for t in spark.rows(f"show tables in `default`.{n}")}
        assert theirs == set(tables) and GAMES in theirs and "analytics.ratings" in theirs, (theirs, tables)

    for table in tables:
        @titled(f"{table}: rows are the same")
        def rows_are_the_same():
            same_rows(project, spark, table)

        @titled(f"{table}: snapshots, files and manifests are the same")
        def metadata_is_the_same():
            for what, columns, named in METADATA:
                same(query(project, f"select {named} from {table}.{what}"), spark.rows(f"select {columns} from `default`.{table}.{what}"), f"{table}.{what}")
            for what in ("entries", "partitions", "refs", "all_files", "metadata_log_entries"):
                spark.rows(f"select * from `default`.{table}.{what}")
            spark.rows(f"select readable_metrics from `default`.{table}.files")

        @titled(f"{table}: every old snapshot reads the same")
        def old_snapshots_are_the_same():
            for row in spark.rows(f"select snapshot_id from `default`.{table}.snapshots"):
                old = row["snapshot_id"]
                same(query(project, f"select * from {table}", "--snapshot", f"{table}={old}"),
                     spark.rows(f"select * from `default`.{table} version as of {old}"), f"{table} at {old}")

    @titled("filters on a partitioned table prune and give the same rows")
    def partitioned():
        everything = spark.one("select count(*) as n from `default`.landing.types_rows.files")["n"]
        assert everything > 8, everything
        for where in ("seen_at >= timestamp '2024-03-01 00:00:00'", "seen_at < timestamp '2024-02-01 00:00:00'", "id = 'r7'", "id in ('r1', 'r2')", "small between -3 and 4",
                      "day = date '2024-02-11'", "seen_at is null", "amount = 5.25", "share > 10", "not agrees", "local_at < timestamp '1969-12-31 23:59:20'", "id like 'r3%'"):
            mine = query(project, "select * from landing.types_rows where " + where.replace("timestamp '2024", "timestamptz '2024"))
            theirs = spark.rows("select * from `default`.landing.types_rows where " + where.replace("local_at < timestamp ", "local_at < timestamp_ntz "))
            assert mine, where
            same(mine, theirs, where)
        for where in ("seen_at >= timestamp '2024-05-01 00:00:00'", "id = 'r7'", "day = date '2024-02-11'", "small = 4"):
            read = len(spark.rows(f"select distinct input_file_name() as f from `default`.landing.types_rows where {where}"))
            tasks = spark.scanned_files(f"select * from `default`.landing.types_rows where {where}")
            assert read <= tasks < everything, (where, read, tasks, everything)

    @titled("rows that Spark appends are seen, and the next load keeps its cursors")
    def append():
        before = query(project, f"select count(*) as n from {GAMES}")[0]["n"]
        frame = spark.spark.table(f"`default`.{GAMES}")
        frame.limit(3).selectExpr(*[f"concat(url, '#spark') as url" if c == "url" else f"`{c}`" for c in frame.columns]).writeTo(f"`default`.{GAMES}").append()
        same_rows(project, spark, GAMES)
        again = ingest(project, *RUNS[-1])
        assert sum(t.get("inserted", 0) for t in again["tables"]) == 0, again
        assert query(project, f"select count(*) as n from {GAMES}")[0]["n"] == before + 3
        same_rows(project, spark, GAMES)

    for mode in ("copy-on-write", "merge-on-read"):
        @titled(f"Spark deletes, updates and merges ({mode}), and moulin reads it right")
        def change():
            properties = ", ".join(f"'write.{verb}.mode'='{mode}'" for verb in ("delete", "update", "merge"))
            for table, key in ((GAMES, "url"), ("landing.types_rows", "id"), ("landing.lineage_rows", "id"), ("analytics.player_games", None)):
                name = f"`default`.{table}"
                spark.rows(f"alter table {name} set tblproperties ({properties})")
                if key is None:
                    spark.rows(f"delete from {name} where rating % 7 = {len(mode) % 7}")
                    same_rows(project, spark, table)
                    continue
                spark.rows(f"delete from {name} where pmod(hash({key}), 6) = {len(mode) % 6}")
                same_rows(project, spark, table)
                changed = "tournament = 'spark'" if table == GAMES else "share = share + 1, small = small + 1"
                spark.rows(f"update {name} set {changed} where pmod(hash({key}), 5) = 1")
                same_rows(project, spark, table)
                spark.spark.sql(f"select * from {name}").where(f"pmod(hash({key}), 4) < 2").createOrReplaceTempView("some")
                columns = spark.spark.table(name).columns
                spark.spark.sql(f"select {', '.join(f'`{c}`' if c != key else f'''if(pmod(hash({key}), 4) = 0, {key}, concat({key}, '#{mode}')) as {key}''' for c in columns)} "
                                "from some").localCheckpoint().createOrReplaceTempView("source")
                spark.rows(f"merge into {name} t using source s on t.{key} = s.{key} when matched then delete when not matched then insert *")
                same_rows(project, spark, table)
                if mode == "merge-on-read":
                    assert query(project, f"select count(*) as n from {table}.files where content <> 'data'")[0]["n"] > 0, table
                same(query(project, f"select content, file_path, record_count from {table}.files"),
                     spark.rows(f"select {CONTENT}, file_path, record_count from {name}.files"), f"{table}.files")
                assert len(moulin_json("table", "files", table, cwd=project)) == spark.one(f"select count(*) as n from {name}.files")["n"]

    @titled("loads and models merge into tables with Spark's position deletes")
    def merge_over_deletes():
        gone = query(project, f"select count(*) as n from {GAMES}")[0]["n"]
        ingest(project, *RUNS[1])
        loaded = moulin_json("ingest", "chess", "--full-refresh", "--replay", RECORDINGS / "2020-06-02.har", "--now", "2020-06-02T12:00:00Z",
                             "--start-month", "2020/05", "--end-month", "2020/05", cwd=project)
        assert loaded["tables"], loaded
        rows = query(project, f"select count(*) as n, count(distinct url) as u from {GAMES}")[0]
        assert rows["n"] == rows["u"] and rows["n"] > 0 and gone > 0, (rows, gone)
        for table in tables:
            same_rows(project, spark, table)
        for arguments in (("run", "--select", "player_games"), ("build", "--full-refresh")):
            moulin("transform", *arguments, cwd=project)
            for table in tables:
                same_rows(project, spark, table)

    for source in ("types", "lineage"):
        @titled(f"Spark adds, renames and widens columns of {source}_rows")
        def evolve():
            table, name = f"landing.{source}_rows", f"`default`.landing.{source}_rows"
            for change in ("add column note string first", "rename column agrees to agreed", "alter column small type bigint", "alter column amount type decimal(12, 2)",
                           "alter column ratio type double", "add column nest struct<a: int, b: array<string>>"):
                spark.rows(f"alter table {name} {change}")
                same_rows(project, spark, table)
            spark.rows(f"update {name} set note = 'n', nest = named_struct('a', 1, 'b', array('x', null)) where small > 3")
            mine = query(project, f"select count(*) as n from {table} where note = 'n' and nest.a = 1 and nest.b[1] = 'x'")[0]["n"]
            assert mine == spark.one(f"select count(*) as n from {name} where nest.b[0] = 'x'")["n"] > 0
            if source == "lineage":
                return
            before = query(project, f"select count(*) as n from {table}")[0]["n"]
            moulin("ingest", source, cwd=project)
            assert query(project, f"select count(*) as n from {table}")[0]["n"] == before + ROWS
            found = query(project, f"select note, agreed, small, agrees from {table} where id = 'r4'")
            assert any(row["agrees"] is True for row in found), found
            theirs = {row["col_name"]: row["data_type"] for row in spark.rows(f"describe {name}")}
            assert theirs["small"] == "bigint" and theirs["agrees"] == "boolean", theirs

    @titled("deletion vectors are in the v3 table only")
    def puffin():
        assert query(project, "select count(*) as n from landing.lineage_rows.files where file_format = 'PUFFIN'")[0]["n"] > 0
        assert spark.one("select count(*) as n from `default`.landing.types_rows.files where file_format = 'PUFFIN'")["n"] == 0

    @titled("Spark's new partition spec and sort order are followed by the next load")
    def respec():
        name = f"`default`.{GAMES}"
        spark.rows(f"delete from {name} where end_time >= timestamp '2020-01-01 00:00:00'")
        spark.rows(f"alter table {name} add partition field months(end_time)")
        spark.rows(f"alter table {name} add partition field bucket(4, url)")
        spark.rows(f"alter table {name} write ordered by end_time desc nulls last, url")
        moulin("ingest", "chess", "--full-refresh", "--replay", RECORDINGS / "2020-06-02.har", "--now", "2020-06-02T12:00:00Z",
               "--start-month", "2020/05", "--end-month", "2020/05", cwd=project)
        same_rows(project, spark, GAMES)
        files = spark.rows(f"select spec_id, partition from {name}.files")
        assert any(row["partition"].get("end_time_month") is not None for row in files), files
        tasks = spark.scanned_files(f"select * from {name} where end_time < timestamp '2010-01-01 00:00:00'")
        assert tasks < len(files), (tasks, len(files))

    @titled("Spark compacts, rewrites manifests and expires, and the next load keeps its cursors")
    def maintain():
        for call in (f"rewrite_data_files(table => '{GAMES}', options => map('rewrite-all', 'true'))", f"rewrite_manifests('{GAMES}')",
                     f"rewrite_position_delete_files('{GAMES}')"):
            spark.rows(f"call `default`.system.{call}")
            same_rows(project, spark, GAMES)
        before = query(project, f"select count(*) as n from {GAMES}")[0]["n"]
        spark.rows(f"call `default`.system.expire_snapshots(table => '{GAMES}', older_than => timestamp '2100-01-01 00:00:00', retain_last => 1)")
        assert len(moulin_json("table", "snapshots", GAMES, cwd=project)) == 1
        same_rows(project, spark, GAMES)
        again = ingest(project, *RUNS[-1])
        assert sum(t.get("inserted", 0) for t in again["tables"]) == 0, again
        assert query(project, f"select count(*) as n from {GAMES}")[0]["n"] == before
        same_rows(project, spark, GAMES)

    @titled("what schema apply changed (rename, widen, add) reads the same")
    def applied():
        table, path = "landing.types_rows", project / "pipelines/ingest/types-schema/types_rows.yml"
        moulin("schema", "pull", "types", cwd=project)
        changed = path.read_text()
        path.write_text(changed.replace("{name: share, type: double}", "{name: part, type: double, renamed_from: share}")
                        .replace("small, type: int", "small, type: long").replace("decimal(9, 2)", "decimal(18, 2)").replace("type: float", "type: double"))
        done = moulin_json("schema", "apply", "types", cwd=project)
        assert {c["change"] for t in done for c in t["changes"]} >= {"rename", "widen"}, done
        same_rows(project, spark, table)
        moulin("ingest", "types", cwd=project)
        same_rows(project, spark, table)

    @titled("rollback and expire leave tables that read the same")
    def rolled_back():
        for table in ("landing.types_rows", "landing.chess_players", "analytics.ratings"):
            first = moulin_json("table", "snapshots", table, cwd=project)[0]["snapshot_id"]
            moulin("table", "rollback", table, "--snapshot", first, cwd=project)
            same_rows(project, spark, table)
            assert not all(row["is_current_ancestor"] for row in spark.rows(f"select * from `default`.{table}.history")) or table != "landing.types_rows"
            moulin("table", "expire", table, "--older-than", "0s", cwd=project)
            same_rows(project, spark, table)
            assert spark.one(f"select count(*) as n from `default`.{table}.snapshots")["n"] == 1
        moulin("ingest", "types", cwd=project)
        same_rows(project, spark, "landing.types_rows")

    spark.spark.stop()
finish()
