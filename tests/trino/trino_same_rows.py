"""dbt projects on a real Trino, whose Iceberg connector shares a project's SQLite catalog: the template's project over three loads gives
the rows that the embedded engine gives, and moulin and PyIceberg read what Trino wrote; then the strategies, schema changes, partition
batches, seeds, views, descriptions and refusals of dbt-trino's users."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from _server import missing, trino  # noqa: E402
from _lib import MOULIN, ROOT, Skip, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
RUNS = [("2009-10-15", "2009/10"), ("2009-11-02", "2009/10"), ("2020-06-02", "2020/05")]
TABLES = ["results", "player_games", "openings", "ratings"]
VIEWS = ["stg_games", "stg_players"]
ENVIRONMENT = """  trino:
    warehouse: ./warehouse
    catalog: {{type: sql, uri: "sqlite:///warehouse/catalog.db"}}
    engine: {{type: trino, host: 127.0.0.1, port: {port}, user: test, catalog: iceberg}}
  prefixed:
    warehouse: ./warehouse
    catalog: {{type: sql, uri: "sqlite:///warehouse/catalog.db"}}
    engine: {{type: trino, host: 127.0.0.1, port: {port}, user: test, catalog: iceberg}}
    namespace_prefix: dev_

landing: {{namespace"""


def ingest(project, recording, month, env=None):
    return moulin_json("ingest", "chess", "--replay", RECORDINGS / f"{recording}.har", "--now", f"{recording}T12:00:00Z",
                       "--start-month", month, "--end-month", month, *(["--env", env] if env else []), cwd=project)


def query(project, sql, *options):
    return moulin_json("query", sql, *options, cwd=project)


def text(value):
    return repr(round(float(value), 6)) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def comparable(rows):
    return sorted(sorted((key, text(value)) for key, value in row.items()) for row in rows)


def same(mine, theirs, what):
    mine, theirs = comparable(mine), comparable(theirs)
    if mine != theirs:
        first = next(((m, t) for m, t in zip(mine, theirs) if m != t), None)
        raise AssertionError(f"{what}: {len(mine)} rows here, {len(theirs)} there; {[set(a) - set(b) for a, b in (first, first[::-1])] if first else ''}")


def pyiceberg_table(project, name):
    from pyiceberg.catalog.sql import SqlCatalog
    catalog = SqlCatalog("default", uri=f"sqlite:///{project}/warehouse/catalog.db", warehouse=f"file://{project}/warehouse")
    return catalog.load_table(name)


class DbtProject:
    """A small dbt project of its own, with a profile of type trino: a project without moulin.yml."""

    def __init__(self, place, server, schema, models, seeds=None, **profile):
        self.place, self.server, self.schema = pathlib.Path(place) / schema, server, schema
        output = {"type": "trino", "method": "none", "host": "127.0.0.1", "port": server.port, "user": "test", "database": "iceberg",
                  "schema": schema, "threads": 1, **profile}
        for name in ("models", "seeds", "macros"):
            (self.place / name).mkdir(parents=True)
        (self.place / "dbt_project.yml").write_text(f"name: {schema}\nversion: '1'\nprofile: p\n")
        (self.place / "profiles.yml").write_text(json.dumps({"p": {"target": "t", "outputs": {"t": output}}}))
        self.write(models)
        for name, content in (seeds or {}).items():
            (self.place / "seeds" / name).write_text(content)

    def write(self, models):
        for name, content in models.items():
            (self.place / "models" / (name if "." in name else f"{name}.sql")).write_text(content)

    def run(self, *arguments, code=0):
        done = moulin("transform", *(arguments or ["build"]), cwd=self.place, code=code)
        return done.stdout + done.stderr

    def rows(self, sql):
        return self.server.query(sql.replace("@", f"{self.schema}."))

    def results(self):
        found = json.loads((self.place / "target" / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[-1]: result for result in found}


@case
def trino_can_be_started():
    reason = missing()
    if reason:
        raise Skip(reason)


if missing():
    finish()

with folder() as root:
    project, plain, home = root / "project", root / "embedded", root / "trino"
    home.mkdir()
    for place in (project, plain):
        moulin("init", place, cwd=root)
    ingest(project, *RUNS[0])
    ingest(plain, *RUNS[0])

    with trino(home, project) as server:
        configuration = (project / "moulin.yml").read_text()
        (project / "moulin.yml").write_text(configuration.replace("landing: {namespace", ENVIRONMENT.format(port=server.port), 1))

        def load_and_build(number):
            if number > 0:
                ingest(project, *RUNS[number])
                ingest(plain, *RUNS[number])
            moulin("transform", "build", "--env", "trino", cwd=project)
            moulin("transform", "build", cwd=plain)
            for name in TABLES:
                same(query(project, f"select * from analytics.{name}"), query(plain, f"select * from analytics.{name}"), name)

        @case
        def the_templates_project_gives_the_same_rows_on_trino_as_on_the_embedded_engine():
            load_and_build(0)

        @case
        def so_it_does_after_a_load_of_the_same_month_which_incremental_models_merge():
            load_and_build(1)

        @case
        def and_after_a_load_of_another_month():
            load_and_build(2)
            kinds = [s["operation"] for s in moulin_json("table", "snapshots", "analytics.player_games", cwd=project)]
            assert kinds == ["append", "overwrite", "overwrite"], kinds  # one commit per build: a merge, not a new table

        @case
        def a_build_without_new_rows_changes_none():
            before = query(project, "select * from analytics.player_games")
            moulin("transform", "build", "--env", "trino", cwd=project)
            same(query(project, "select * from analytics.player_games"), before, "player_games")

        @case
        def views_give_the_same_rows_through_query_on_either_engine():
            for name in VIEWS:
                same(query(project, f"select * from analytics.{name}", "--env", "trino"), query(plain, f"select * from analytics.{name}"), name)

        @case
        def query_prints_the_same_values_whichever_engine_computes():
            sql = "select * from landing.chess_players_games order by url"
            assert query(project, sql, "--env", "trino") == query(project, sql)
            sql = "select player, played_on, rating from analytics.ratings order by 1, 2, 3"
            assert moulin("query", sql, "--env", "trino", cwd=project).stdout == moulin("query", sql, cwd=project).stdout

        @case
        def pyiceberg_reads_every_table_that_trino_wrote():
            for name in TABLES:
                rows = pyiceberg_table(project, f"analytics.{name}").scan().to_arrow().num_rows
                assert rows == query(project, f"select count(*) as n from analytics.{name}")[0]["n"], name
            games = pyiceberg_table(project, "analytics.player_games").scan().to_arrow().to_pylist()
            assert len({row["player_game_id"] for row in games}) == len(games) and sum(row["points"] for row in games) == len(games) / 2

        @case
        def the_embedded_engine_goes_on_where_trino_stopped():
            moulin("transform", "build", cwd=project)
            for name in TABLES:
                same(query(project, f"select * from analytics.{name}"), query(plain, f"select * from analytics.{name}"), name)

        @case
        def an_environment_with_a_namespace_prefix_has_its_own_schemas():
            ingest(project, *RUNS[0], env="prefixed")
            moulin("transform", "build", "--env", "prefixed", cwd=project)
            assert ["dev_analytics"] in server.query("show schemas from iceberg")
            (row,) = query(project, "select count(*) as n from dev_analytics.player_games", "--env", "prefixed")
            assert 0 < row["n"] < query(project, "select count(*) as n from analytics.player_games")[0]["n"]

        @case
        def results_say_what_each_node_cost():
            moulin("transform", "build", "--env", "trino", cwd=project)
            results = json.loads((project / "pipelines/transform/target/run_results.json").read_text())["results"]
            games = next(r for r in results if r["unique_id"] == "model.chess.player_games")["adapter_response"]
            assert games["code"] == "MERGE" and games["data_scanned_in_bytes"] > 0 and games["query_id"] and games["statements"] >= 4, games
            manifest = json.loads((project / "pipelines/transform/target/manifest.json").read_text())
            assert manifest["metadata"]["adapter_type"] == "trino"
            assert manifest["nodes"]["model.chess.openings"]["relation_name"] == '"iceberg"."analytics"."openings"'

        # ---- a profile of type trino

        @case
        def append_adds_and_never_looks():
            dbt = DbtProject(root, server, "s_append", {"m": "{{ config(materialized='incremental') }} select 1 as id, {{ 2 if is_incremental() else 1 }} as v"})
            for _ in range(3):
                dbt.run()
            assert sorted(dbt.rows("select id, v from @m")) == [[1, 1], [1, 2], [1, 2]]
            assert dbt.results()["m"]["adapter_response"]["code"] == "INSERT"

        @case
        def merge_updates_matched_rows_and_adds_the_others():
            config = "materialized='incremental', incremental_strategy='merge', unique_key=['a', 'b'], merge_exclude_columns=['kept']"
            dbt = DbtProject(root, server, "s_merge", {"m": "{{ config(" + config + ") }}"
                             " {% if is_incremental() %} select * from (values (1, 1, 20, 'new'), (1, 2, 21, 'new')) as t (a, b, v, kept)"
                             " {% else %} select * from (values (1, 1, 10, 'old'), (2, 2, 11, 'old')) as t (a, b, v, kept) {% endif %}"})
            dbt.run()
            dbt.run()
            assert sorted(dbt.rows("select a, b, v, kept from @m")) == [[1, 1, 20, "old"], [1, 2, 21, "new"], [2, 2, 11, "old"]]

        @case
        def a_merge_with_a_key_twice_among_the_new_rows_is_refused_and_says_so():
            dbt = DbtProject(root, server, "s_twice", {"m": "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id') }}"
                             " select 1 as id, 1 as v {% if is_incremental() %} union all select 1, 2 {% endif %}"})
            dbt.run()
            said = dbt.run(code=1)
            assert "unique_key is not unique" in said, said
            assert dbt.rows("select id, v from @m") == [[1, 1]]

        @case
        def predicates_and_conditions_narrow_a_merge():
            config = ("materialized='incremental', incremental_strategy='merge', unique_key='id', incremental_predicates=['DBT_INTERNAL_DEST.id > 1'], "
                      "update_condition='DBT_INTERNAL_SOURCE.v > DBT_INTERNAL_DEST.v', insert_condition='DBT_INTERNAL_SOURCE.v < 100'")
            dbt = DbtProject(root, server, "s_narrow", {"m": "{{ config(" + config + ") }}"
                             " {% if is_incremental() %} select * from (values (2, 5), (3, 50), (4, 500), (5, 7)) as t (id, v)"
                             " {% else %} select * from (values (2, 20), (3, 30)) as t (id, v) {% endif %}"})
            dbt.run()
            dbt.run()
            assert sorted(dbt.rows("select id, v from @m")) == [[2, 20], [3, 50], [5, 7]]

        @case
        def delete_insert_replaces_the_rows_of_a_key_in_one_commit():
            config = "materialized='incremental', incremental_strategy='delete+insert', unique_key='id'"
            dbt = DbtProject(root, server, "s_replace", {"m": "{{ config(" + config + ") }}"
                             " {% if is_incremental() %} select * from (values (1, 'c'), (1, 'd'), (3, 'e'), (null, 'f')) as t (id, v)"
                             " {% else %} select * from (values (1, 'a'), (2, 'b'), (null, 'n')) as t (id, v) {% endif %}"})
            dbt.run()
            before = len(dbt.rows('select * from s_replace."m$snapshots"'))
            dbt.run()
            assert sorted(dbt.rows("select coalesce(id, -1), v from @m")) == [[-1, "f"], [-1, "n"], [1, "c"], [1, "d"], [2, "b"], [3, "e"]]
            assert len(dbt.rows('select * from s_replace."m$snapshots"')) == before + 1
            assert dbt.rows("show tables from s_replace") == [["m"]]  # nothing temporary stays

        def evolving(schema, mode, second):
            dbt = DbtProject(root, server, schema, {"m": "{{ config(materialized='incremental', on_schema_change='" + mode + "') }}"
                             " {% if var('second', false) %} " + second + " {% else %} select 1 as id, 2 as gone, 'x' as name {% endif %}"})
            dbt.run()
            return dbt, ["run", "--vars", "{second: true}"]

        @case
        def on_schema_change_ignore_takes_the_columns_that_both_have():
            dbt, again = evolving("s_ignore", "ignore", "select 2 as id, 'y' as name, 5 as more")
            dbt.run(*again)
            assert sorted(dbt.rows("select id, gone, name from @m")) == [[1, 2, "x"], [2, None, "y"]]

        @case
        def on_schema_change_append_new_columns_adds_them():
            dbt, again = evolving("s_addcol", "append_new_columns", "select 2 as id, cast('y' as varchar(3)) as name, 5 as more")
            dbt.run(*again)
            assert sorted(dbt.rows("select id, gone, name, more from @m")) == [[1, 2, "x", None], [2, None, "y", 5]]

        @case
        def on_schema_change_sync_all_columns_adds_drops_widens_and_casts():
            dbt, again = evolving("s_sync", "sync_all_columns", "select cast(2 as bigint) as id, 7 as name, 5 as more")
            said = dbt.run(*again, code=1)  # 'x' is no number: the engine says so, and the column stays
            assert "Cannot cast" in said or "INVALID_CAST" in said, said
            dbt.write({"m": "{{ config(materialized='incremental', on_schema_change='sync_all_columns') }}"
                            " {% if var('second', false) %} select cast(2 as bigint) as id, 5 as more {% else %} select 1 as id, 2 as gone {% endif %}"})
            dbt.run("run", "--full-refresh")
            dbt.run(*again)
            assert sorted(dbt.rows("select * from @m")) == [[1, None], [2, 5]]
            assert [row[:2] for row in dbt.rows("describe @m")] == [["id", "bigint"], ["more", "integer"]]
            dbt.write({"m": "{{ config(materialized='incremental', on_schema_change='sync_all_columns') }} select cast(3 as bigint) as id, 'six' as more"})
            dbt.run()
            assert sorted(dbt.rows("select id, more from @m")) == [[1, None], [2, "5"], [3, "six"]]

        @case
        def on_schema_change_fail_names_the_differences_and_changes_nothing():
            dbt, again = evolving("s_fail", "fail", "select 2 as id, 'y' as name, 5 as more")
            said = dbt.run(*again, code=1)
            assert "more (new)" in said and "gone (missing)" in said, said
            assert dbt.rows("select count(*) from @m") == [[1]]

        DAYS = "select d as day, cast(d as timestamp(6)) as at, cast(n as varchar) as name, n as n from unnest(sequence(date '2020-01-01', date '2020-01-01' + interval '{last}' day), sequence({first}, {end})) as t (d, n)"

        @case
        def more_partitions_than_one_statement_writes_go_in_batches():
            sql = DAYS.format(last=219, first=1, end=220)
            dbt = DbtProject(root, server, "s_parts", {
                "t": "{{ config(materialized='table', properties={'partitioning': \"ARRAY['day']\"}) }} " + sql,
                "tb": "{{ config(materialized='table', partitioned_by=['day(at)', 'bucket(n, 4)']) }} " + sql,
                "tt": "{{ config(materialized='table', partitioned_by=['truncate(name, 3)']) }} " + sql,
                "i": "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='n', partitioned_by=['day']) }} "
                     "{% if is_incremental() %} select day, at, name || '!' as name, n from (" + sql + ") {% else %} " + sql + " limit 0 {% endif %}",
                "di": "{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='n', partitioned_by=['day']) }} "
                      "{% if is_incremental() %} select day, at, name || '!' as name, n from (" + sql + ") {% else %} " + sql + " limit 50 {% endif %}"})
            dbt.run()
            dbt.run()
            for name in ("t", "tb", "tt", "i", "di"):
                assert dbt.rows(f"select count(*), count(distinct n), min(day), max(day) from @{name}") == [[220, 220, "2020-01-01", "2020-08-07"]], name
            assert dbt.rows("select count(*) from @i where name like '%!'") == [[220]] == dbt.rows("select count(*) from @di where name like '%!'")
            assert dbt.rows('select count(*) from s_parts."t$partitions"') == [[220]]
            assert sorted(row[0] for row in dbt.rows("show tables from s_parts")) == ["di", "i", "t", "tb", "tt"]

        @case
        def partitions_that_are_only_buckets_beyond_the_limit_are_refused():
            dbt = DbtProject(root, server, "s_buckets", {"m": "{{ config(materialized='table', partitioned_by=['bucket(n, 900)']) }} " + DAYS.format(last=1999, first=1, end=2000)})
            assert "use fewer buckets" in dbt.run(code=1)

        @case
        def a_table_is_swapped_by_rename_replace_or_drop():
            for how in ("rename", "replace", "drop"):
                dbt = DbtProject(root, server, f"s_by_{how}", {"m": "{{ config(materialized='table', on_table_exists='" + how + "') }} select {{ var('n', 1) }} as n"})
                dbt.run()
                dbt.run("run", "--vars", "{n: 2}")
                assert dbt.rows("select n from @m") == [[2]], how
                assert dbt.rows(f"show tables from s_by_{how}") == [["m"]], how
            assert server.query('select count(*) from s_by_replace."m$snapshots"')[0][0] == 2  # the history stays

        @case
        def on_table_exists_skip_leaves_the_rows():
            dbt = DbtProject(root, server, "s_skip", {"m": "{{ config(materialized='table', on_table_exists='skip') }} select {{ var('n', 1) }} as n"})
            dbt.run()
            dbt.run("run", "--vars", "{n: 2}")
            assert dbt.rows("select n from @m") == [[1]]

        @case
        def a_swap_that_died_between_its_renames_is_undone():
            dbt = DbtProject(root, server, "s_died", {"m": "{{ config(materialized='table') }} select {{ var('n') }} as n"})
            dbt.run("run", "--vars", "{n: 1}")
            server.query("alter table s_died.m rename to s_died.m__dbt_backup")
            server.query("create table s_died.m__dbt_tmp as select 5 as n")
            said = dbt.run("run", "--vars", "{n: 1 / 0}", code=1)
            assert "Division by zero" in said, said
            assert dbt.rows("select n from @m") == [[1]]
            dbt.run("run", "--vars", "{n: 3}")
            assert dbt.rows("select n from @m") == [[3]] and dbt.rows("show tables from s_died") == [["m"]]

        @case
        def a_model_changes_between_view_and_table():
            dbt = DbtProject(root, server, "s_kinds", {"m": "{{ config(materialized=var('kind')) }} select 1 as n"})
            for kind in ("view", "table", "view", "incremental", "view"):
                dbt.run("run", "--vars", f"{{kind: {kind}}}")
                assert dbt.rows("select n from @m") == [[1]]
                (found,) = dbt.rows("select table_type from information_schema.tables where table_schema = 's_kinds'")
                assert (found == ["VIEW"]) == (kind == "view"), (kind, found)

        @case
        def seeds_are_typed_and_large_ones_come_in_several_statements():
            lines = ["id,amount,day,seen,is_good,name"] + [f"{i},{i}.5,2020-01-{i % 28 + 1:02},2020-01-01T10:00:{i % 60:02},{'true' if i % 2 else 'false'},it's {i}" for i in range(2500)]
            dbt = DbtProject(root, server, "s_seeds", {"m": "select count(*) as n from {{ ref('big') }}"},
                             {"big.csv": "\n".join(lines) + "\n", "small.csv": "a,b\n1,\n,x\n", "none.csv": "a,b\n"})
            for _ in range(2):
                dbt.run()
                assert dbt.rows("select count(*), count(distinct id), sum(amount), min(name), count_if(is_good) from @big") == [[2500, 2500, 3125000.0, "it's 0", 1250]]
            types = {row[0]: row[1] for row in dbt.rows("describe @big")}
            assert types == {"id": "integer", "amount": "double", "day": "date", "seen": "timestamp(6)", "is_good": "boolean", "name": "varchar"}, types
            assert dbt.rows("select cast(max(seen) as varchar) from @big") == [["2020-01-01 10:00:59.000000"]]
            assert sorted(dbt.rows("select a, b from @small"), key=str) == [[1, None], [None, "x"]] and dbt.rows("select count(*) from @none") == [[0]]
            assert sorted(row[0] for row in dbt.rows("show tables from s_seeds")) == ["big", "m", "none", "small"]

        @case
        def descriptions_are_kept_where_other_clients_find_them():
            dbt = DbtProject(root, server, "s_docs", {"m": "{{ config(materialized='table') }} select 1 as n", "v": "select 1 as n",
                             "schema.yml": json.dumps({"version": 2, "models": [
                                 {"name": name, "description": "it's a model", "config": {"persist_docs": {"relation": True, "columns": True}},
                                  "columns": [{"name": "n", "description": "the 'n'"}]} for name in ("m", "v")]})})
            dbt.run()
            for name in ("m", "v"):
                assert dbt.rows(f"describe @{name}") == [["n", "integer", "", "the 'n'"]]
            table = pyiceberg_table(project, "s_docs.m")
            assert table.properties["comment"] == "it's a model" and table.schema().find_field("n").doc == "the 'n'"

        @case
        def contracts_are_compared_before_anything_is_built():
            def contracted(kind, check):
                return json.dumps({"version": 2, "models": [{"name": "m", "config": {"contract": {"enforced": True}}, "columns": [
                    {"name": "n", "data_type": kind, "constraints": [{"type": "not_null"}, {"type": "check", "expression": check}]}]}]})
            dbt = DbtProject(root, server, "s_contract", {"m": "{{ config(materialized='table') }} select 1 as n", "schema.yml": contracted("varchar", "n > 0")})
            assert "data type mismatch" in dbt.run(code=1)
            dbt.write({"schema.yml": contracted("integer", "n > 5")})
            assert "constraint check (n > 5)" in dbt.run(code=1)
            dbt.write({"schema.yml": contracted("integer", "n > 0")})
            dbt.run()
            assert dbt.rows("select n from @m") == [[1]]

        @case
        def packages_find_dbt_trinos_dispatch_and_cross_database_macros():
            dbt = DbtProject(root, server, "s_macros", {"m": """select
                '{{ target.type }}' as kind, {{ mine() }} as dispatched, {{ dbt.dateadd('day', 1, "date '2020-01-31'") }} as next_day,
                {{ dbt.datediff("timestamp '2020-01-01 23:00:00'", "timestamp '2020-01-02 01:00:00'", 'day') }} as days,
                {{ dbt.hash("'x'") }} as hashed, {{ dbt.right("'abc'", 2) }} as tail, {{ dbt.safe_cast("'x'", dbt.type_int()) }} as nothing,
                {{ dbt.length("'abc'") }} as len, {{ dbt.position("'b'", "'abc'") }} as pos, {{ dbt.last_day("date '2020-02-10'", 'month') }} as last,
                {{ dbt.cast_bool_to_text('true') }} as yes, {{ dbt.array_construct([1, 2]) }} as numbers,
                (select {{ dbt.listagg('x', "'-'", 'order by x') }} from (values 'b', 'a') as t (x)) as listed,
                {{ dbt.concat(["'a'", "'b'"]) }} as ab, {{ dbt.split_part("'a/b'", "'/'", 2) }} as part, {{ dbt.any_value('1') }} as anyone,
                {{ dbt.bool_or('true') }} as either, {{ dbt.date(2020, 3, 4) }} as made, {{ dbt.cast("1", dbt.type_string()) }} as casted,
                cast({{ dbt.current_timestamp() }} as timestamp(6)) is not null as now, {{ dbt.equals('null', 'null') }} as same,
                {{ dbt.date_trunc('month', "date '2020-05-17'") }} as month, {{ dbt.replace("'aa'", "'a'", "'b'") }} as bb
                from (values 1) as one (x)"""})
            (dbt.place / "macros" / "m.sql").write_text("{% macro mine() %}{{ adapter.dispatch('mine')() }}{% endmacro %}{% macro default__mine() %}'default'{% endmacro %}{% macro trino__mine() %}'trino'{% endmacro %}")
            dbt.run()
            assert dbt.rows("select kind, dispatched, next_day, days, hashed, tail, nothing, len, pos, last, yes, numbers, listed, ab, part, anyone, either, made, casted, now, same, month, bb from @m") == [
                ["trino", "trino", "2020-02-01", 1, "9dd4e461268c8034f5c8564e155c67a6", "bc", None, 3, 2, "2020-02-29", "true", [1, 2], "a-b", "ab", "b", 1, True, "2020-03-04", "1", True, True, "2020-05-01", "bb"]]

        @case
        def a_project_brings_its_own_materialization_and_its_own_create_table():
            dbt = DbtProject(root, server, "s_own", {"m": "{{ config(materialized='table') }} select 1 as n", "o": "{{ config(materialized='twice') }} select 1 as n"})
            (dbt.place / "macros" / "own.sql").write_text("""{% macro trino__create_table_as(temporary, relation, sql) %}create table {{ relation }} comment 'own' as ({{ sql }}){% endmacro %}
                {% materialization twice, adapter='trino' %}
                  {% call statement('drop') %}drop table if exists {{ this }}{% endcall %}
                  {% call statement('main') %}create table {{ this }} as ({{ sql }}) union all ({{ sql }}){% endcall %}
                  {{ return({'relations': [this]}) }}
                {% endmaterialization %}""")
            dbt.run()
            assert "COMMENT 'own'" in dbt.rows("show create table @m")[0][0] and dbt.rows("select count(*) from @o") == [[2]]

        @case
        def hooks_run_where_they_stand():
            dbt = DbtProject(root, server, "s_hooks", {"m": "{{ config(materialized='table', post_hook=\"insert into {{ this }} select 2\") }} select 1 as n"})
            (dbt.place / "dbt_project.yml").write_text("name: s_hooks\nversion: '1'\nprofile: p\n"
                                                       "on-run-start: \"create table if not exists {{ target.schema }}.log (n integer); insert into {{ target.schema }}.log values (1)\"\n")
            dbt.run()
            assert sorted(dbt.rows("select n from @m")) == [[1], [2]] and dbt.rows("select n from @log") == [[1]]

        @case
        def mistakes_are_told_in_one_message():
            dbt = DbtProject(root, server, "s_wrong", {"m": "select * from nowhere.at_all"})
            said = dbt.run(code=1)
            assert "Schema 'nowhere' does not exist" in said or "TABLE_NOT_FOUND" in said or "SCHEMA_NOT_FOUND" in said, said
            dbt.write({"m": "selec 1"})
            assert "mismatched input" in dbt.run(code=1)
            dbt.write({"m": "{{ config(materialized='incremental', incremental_strategy='microbatch') }} select 1 as n"})
            assert "microbatch" in dbt.run("parse", code=None) + dbt.run(code=None)
            dbt = DbtProject(root, server, "s_port", {"m": "select 1 as n"}, port=1)
            assert "is the server up" in dbt.run(code=1)
            dbt = DbtProject(root, server, "s_key", {"m": "select 1 as n"}, hots="typo")
            assert "no setting 'hots'" in dbt.run(code=2)

        @case
        def ctrl_c_cancels_the_query_in_the_engine():
            dbt = DbtProject(root, server, "s_slow", {"m": "{{ config(materialized='table') }} select count(*) as n from unnest(sequence(1, 10000)) a (x), unnest(sequence(1, 10000)) b (y), unnest(sequence(1, 10000)) c (z) where x + y * z = 7"})
            process = subprocess.Popen([MOULIN, "transform", "run"], cwd=dbt.place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)

            def states():
                return [row[0] for row in server.query("select state from system.runtime.queries where source = 'moulin transform' and query like '%x + y * z = 7%' and query like 'create table%'")]
            deadline = time.monotonic() + 60
            while "RUNNING" not in states():
                assert process.poll() is None and time.monotonic() < deadline, process.communicate()
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 130, (process.returncode, output)
            while "RUNNING" in states():
                assert time.monotonic() < deadline, states()
                time.sleep(0.1)
            assert states() == ["FAILED"] and "was cancelled" in output, (states(), output)

finish()
