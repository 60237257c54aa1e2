"""What dbt's options do in `moulin transform`, on a DuckDB file and on the embedded engine: contracts and constraints before
anything is built, descriptions that go to the database, hooks
among the results."""

import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import case, finish, folder, moulin, moulin_json  # noqa: E402

PROFILE = "p: {target: dev, outputs: {dev: {type: ENGINE, path: x.duckdb, schema: analytics}}}\n"
ENGINES = ("duckdb", "moulin")


def write(where, files):
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def dbt_project(root, engine, files):
    """An empty dbt project of that engine with these files."""
    place = root / engine
    shutil.rmtree(place, ignore_errors=True)
    moulin("init", place, cwd=root)
    shutil.rmtree(place / "pipelines/transform")
    where = place / "pipelines/transform"
    write(where, {"profiles.yml": PROFILE.replace("ENGINE", engine), "dbt_project.yml": "name: shop\nprofile: p\n", **files})
    return where


def results(where):
    return json.loads((where / "target/run_results.json").read_text())["results"]


def rows(where, sql):
    return json.loads(moulin("transform", "show", "--inline", sql, "--output", "json", cwd=where).stdout)


def contract(columns, constraints="[]"):
    return (f"models:\n- name: a\n  config: {{contract: {{enforced: true}}, on_schema_change: fail}}\n  constraints: {constraints}\n"
            f"  columns: {columns}\n")


with folder() as root:
    PROMISED = "[{name: id, data_type: bigint, constraints: [{type: not_null}]}, {name: name, data_type: string}]"

    @case
    def a_contract_is_compared_with_the_sql():
        for engine in ENGINES:
            for kind in ("view", "table", "incremental"):
                head = f"{{{{ config(materialized='{kind}') }}}}"
                where = dbt_project(root, engine, {"models/a.yml": contract(PROMISED),
                                                   "models/a.sql": f"{head} select 'x' as name, 1::integer as id, 2 as more"})
                moulin("transform", "run", cwd=where, code=1)
                message = results(where)[0]["message"]
                lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in message.splitlines() if line.startswith("|")]
                assert lines == [["column_name", "definition_type", "contract_type", "mismatch_reason"],
                                 ["id", "INTEGER", "BIGINT", "data type mismatch"],
                                 ["more", "INTEGER", "", "missing in contract"]], (engine, kind, message)
                write(where, {"models/a.sql": f"{head} select 1::bigint as id"})
                moulin("transform", "run", cwd=where, code=1)
                assert "missing in definition" in results(where)[0]["message"]
                write(where, {"models/a.sql": f"{head} select 'x' as name, 1::bigint as id"})
                moulin("transform", "run", cwd=where)
                moulin("transform", "run", cwd=where)
                got = rows(where, "select * from {{ ref('a') }}")
                assert set(got[0]) == {"id", "name"} and len(got) == (2 if kind == "incremental" else 1), got
                assert kind == "view" or list(got[0]) == ["id", "name"], "columns come in the order of the contract"

    @case
    def rows_that_break_not_null_or_check_are_not_built():
        checked = "[{type: check, expression: 'id < 10', name: small}]"
        for engine in ENGINES:
            for value, word in (("null", "not_null"), ("12", "check (id < 10)")):
                where = dbt_project(root, engine, {"models/a.yml": contract(PROMISED, checked), "models/a.sql":
                                                   "{{ config(materialized='incremental') }} select 'x' as name, {{ var('v', 1) }}::bigint as id"})
                moulin("transform", "run", cwd=where)
                moulin("transform", "run", "--vars", f"{{v: '{value}'}}", cwd=where, code=1)
                assert word in results(where)[0]["message"], results(where)
                assert len(rows(where, "select * from {{ ref('a') }}")) == 1

    @case
    def constraints_that_nothing_enforces_are_named():
        others = "[{type: primary_key, columns: [id]}, {type: foreign_key, columns: [id], warn_unenforced: false}]"
        for engine in ENGINES:
            where = dbt_project(root, engine, {"models/a.yml": contract(PROMISED, others), "models/a.sql":
                                               "{{ config(materialized='table') }} select 'x' as name, 1::bigint as id"})
            said = moulin("transform", "run", cwd=where).stderr
            assert "the constraint primary_key is not enforced" in said and "foreign_key" not in said and "not_null" not in said, said
            manifest = json.loads((where / "target/manifest.json").read_text())["nodes"]["model.shop.a"]
            assert manifest["contract"]["enforced"] and [c["type"] for c in manifest["constraints"]] == ["primary_key", "foreign_key"]

    @case
    def an_unfinished_contract_is_a_mistake_of_the_project():
        sql = {"models/a.sql": "{{ config(materialized=var('kind', 'table')) }} select 1 as id"}
        for columns, constraints, word in (("[]", "[]", "no columns"), ("[{name: id}]", "[]", "without one: id"),
                                           ("[{name: id, data_type: int}]", "[{type: notnull}]", "notnull"),
                                           ("[{name: id, data_type: int}]", "[{type: check}]", "no expression")):
            where = dbt_project(root, "duckdb", {**sql, "models/a.yml": contract(columns, constraints)})
            done = moulin("transform", "parse", cwd=where, code=2)
            assert word in done.stderr, done.stderr
        where = dbt_project(root, "duckdb", {**sql, "models/a.yml": contract("[{name: id, data_type: int}]").replace("fail", "ignore")})
        done = moulin("transform", "parse", "--vars", "{kind: incremental}", cwd=where, code=2)
        assert "on_schema_change" in done.stderr
        write(where, {"models/a.yml": "models: [{name: a, constraints: [{type: unique, columns: [id]}]}]"})
        assert "have no effect without contract" in moulin("transform", "parse", cwd=where).stderr

    DESCRIBED = ("models:\n- name: a\n  description: \"it's {{ 'ours' }}\"\n  config: {persist_docs: {relation: true, columns: COLUMNS}}\n"
                 "  columns: [{name: id, description: TEXT}, {name: absent, description: none}]\n")

    def described(where):
        """Comment of the table, docs of its columns."""
        if "type: moulin" in (where / "profiles.yml").read_text():
            shown = {row["key"]: row["value"] for row in moulin_json("table", "show", "analytics.a", cwd=where.parent.parent)}
            metadata = json.loads(pathlib.Path(shown["metadata"].removeprefix("file://")).read_text())
            schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
            return metadata["properties"].get("comment"), {f["name"]: f.get("doc") for f in schema["fields"]}
        kind = rows(where, "select comment from duckdb_tables() where table_name = 'a' union all select comment from duckdb_views() where view_name = 'a'")
        columns = rows(where, "select column_name, comment from duckdb_columns() where table_name = 'a'")
        return kind[0]["comment"], {row["column_name"]: row["comment"] or None for row in columns}

    @case
    def descriptions_go_to_the_database():
        for engine in ENGINES:
            for kind in ("table", "incremental"):
                where = dbt_project(root, engine, {"models/a.yml": DESCRIBED.replace("COLUMNS", "true").replace("TEXT", "the key"), "models/a.sql":
                                                   f"{{{{ config(materialized='{kind}') }}}} select 1 as id, 2 as other"})
                moulin("transform", "run", cwd=where)
                assert described(where) == ("it's ours", {"id": "the key", "other": None}), (engine, kind, described(where))
                write(where, {"models/a.yml": DESCRIBED.replace("COLUMNS", "true").replace("TEXT", "''")})
                moulin("transform", "run", cwd=where)
                assert described(where) == ("it's ours", {"id": None, "other": None}), (engine, kind, described(where))
            where = dbt_project(root, engine, {"models/a.yml": DESCRIBED.replace("COLUMNS", "false").replace("TEXT", "the key"), "models/a.sql":
                                               "{{ config(materialized='table') }} select 1 as id"})
            moulin("transform", "run", cwd=where)
            assert described(where) == ("it's ours", {"id": None})
            write(where, {"models/a.sql": "select 1 as id"})
            said = moulin("transform", "run", cwd=where).stderr
            assert ("views of the embedded engine keep no descriptions" in said) == (engine == "moulin"), said

    @case
    def hooks_are_listed_with_the_results():
        hooks = "on-run-start: ['FIRST', \"{{ log('x') }}\"]\non-run-end: ['select {{ results | length }}']\n"
        head = "name: shop\nprofile: p\n"
        for engine in ENGINES:
            where = dbt_project(root, engine, {"dbt_project.yml": head + hooks.replace("FIRST", "select 1"), "models/a.sql": "select 1 as id"})
            said = moulin("transform", "run", cwd=where)
            listed = [(r["unique_id"], r["status"], r["message"], r["compiled_code"]) for r in results(where)]
            start, end = "operation.shop.shop-on-run-start-{}", "operation.shop.shop-on-run-end-0"
            assert listed == [(start.format(0), "success", "shop.on-run-start.0 passed", "select 1"),
                              (start.format(1), "success", "shop.on-run-start.1 passed", ""), ("model.shop.a", "success", "OK", "select 1 as id"),
                              (end, "success", "shop.on-run-end.0 passed", "select 3")], listed
            assert "PASS=4" in said.stdout + said.stderr
            write(where, {"dbt_project.yml": head + hooks.replace("FIRST", "select nothing")})
            moulin("transform", "run", cwd=where, code=1)
            assert [r["status"] for r in results(where)] == ["error", "skipped", "skipped", "success"]
            assert results(where)[0]["message"].startswith("shop.on-run-start.0 failed, error:")

    @case
    def what_is_left_out_is_named_with_its_place():
        kinds = {"unit_tests": "not run", "exposures": "neither in the graph nor in manifest.json", "groups": "not checked",
                 "metrics": "nothing computes them", "semantic_models": "nothing queries them", "saved_queries": "not run"}
        for kind, meaning in kinds.items():
            where = dbt_project(root, "duckdb", {"models/a.sql": "select 1 as id", "models/x.yml": f"version: 2\n{kind}:\n- name: one\n- name: two\n"})
            said = [line for line in moulin("transform", "parse", cwd=where).stderr.splitlines() if "warn" in line]
            assert len(said) == 1 and f"models/x.yml:3: {kind} are left out" in said[0] and meaning in said[0] and said[0].endswith(": one, two"), said
        write(where, {"models/x.yml": "exposures: [{label: x}]\n"})
        moulin("transform", "parse", cwd=where, code=2)

    @case
    def options_without_effect_are_named():
        for option in ("grants={'select': ['all']}", "indexes=[{'columns': ['id']}]", "partitioned_by=['id']", "sorted_by='id'"):
            where = dbt_project(root, "moulin", {"models/a.sql": f"{{{{ config({option}) }}}} select 1 as id"})
            said = moulin("transform", "parse", cwd=where).stderr
            assert f"models/a.sql: the option {option.split('=')[0]} has no effect" in said, said
        write(where, {"models/a.sql": "{{ config(sql_header='set x = 1') }} select 1 as id"})
        done = moulin("transform", "parse", cwd=where, code=None)
        assert done.returncode != 0 and "sql_header is not offered" in done.stderr, done.stderr

finish()
