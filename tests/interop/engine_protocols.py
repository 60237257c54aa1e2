"""Trino's client protocol and Athena's API against stand-ins that show on command what the real ones rarely do. Athena has no twin that
runs here: its SQL is Trino's with the differences of docs/engines.md (tests/trino proves the statements on a real Trino, this script that
Athena is sent the same ones), its protocol is proved on a stub in the shapes that AWS documents. Nothing is claimed of MiniStack's
Athena, which speaks DuckDB's dialect and knows no Iceberg DDL."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from _engines import FakeTrino, StubAthena, certificates, serving
from _lib import MOULIN, case, finish, folder, moulin

KEYS = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "SKTEST", "AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
MOULIN_YML = """name: p
environments:
  local:
    warehouse: ./warehouse
    catalog: {{type: sql, uri: "sqlite:///warehouse/catalog.db"}}
    engine: {engine}
    {more}
"""
NUMBERS = {"columns": [("n", "integer"), ("t", "varchar(5)")], "rows": [[1, "a"], [2, None], [3, "c"], [4, "d"], [5, "e"]]}


def environment(place, engine, more=""):
    pathlib.Path(place, "moulin.yml").write_text(MOULIN_YML.format(engine=json.dumps(engine), more=more))


def trino_settings(server, **more):
    return {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "catalog": "ice", **more}


def query(place, sql, *options, code=0):
    return moulin("query", sql, *options, cwd=place, code=code, env=KEYS)


def numbers(place, sql="select * from t", *options):
    return [row["n"] for row in json.loads(query(place, sql, "--output", "json", *options).stdout)]


def in_trino(handle, check, **settings):
    with folder() as place, serving(FakeTrino(handle)) as server:
        environment(place, trino_settings(server, **settings))
        check(place, server)


def in_athena(handle, check, stub=None, **settings):
    with folder() as place, serving(stub or StubAthena(handle)) as server:
        environment(place, {"type": "athena", "work_group": "wg", "poll_interval": 0.02, **settings}, f'endpoint_url: "http://127.0.0.1:{server.port}"')
        check(place, server)


OWN = "{% materialization own, default %}{{ run_hooks(pre_hooks) }}{% call statement('main') %}{{ sql }}{% endcall %}{{ return({'relations': []}) }}{% endmaterialization %}"


def dbt_project(place, output, models, macros="", seeds=None):
    place = pathlib.Path(place)
    for name in ("models", "macros", "seeds"):
        (place / name).mkdir(exist_ok=True)
    (place / "dbt_project.yml").write_text("name: p\nversion: '1'\nprofile: p\n")
    (place / "profiles.yml").write_text(json.dumps({"p": {"target": "t", "outputs": {"t": output}}}))
    (place / "macros" / "m.sql").write_text(macros)
    for name, sql in models.items():
        (place / "models" / (name if "." in name else f"{name}.sql")).write_text(sql)
    for name, text in (seeds or {}).items():
        (place / "seeds" / name).write_text(text)


# ---- Trino

@case
def trino_pages_are_followed_to_the_end():
    def check(place, server):
        assert numbers(place) == [1, 2, 3, 4, 5]
        post = server.requests[0]
        assert post[:2] == ("POST", "/v1/statement") and server.statements == ["select * from t"]
        sent = {name.lower(): value for name, value in post[2].items()}
        assert sent["x-trino-user"] == "me" and sent["x-trino-catalog"] == "ice" and sent["x-trino-schema"] == "landing", sent
        assert sent["x-trino-time-zone"] == "UTC" and sent["x-trino-client-capabilities"] == "PARAMETRIC_DATETIME", sent
        assert server.cancelled == []
    in_trino(lambda sql: NUMBERS, check)


@case
def a_semicolon_at_the_end_is_not_sent():
    def check(place, server):
        numbers(place, "select * from t ;\n ; ")
        assert server.statements == ["select * from t"]
    in_trino(lambda sql: NUMBERS, check)


@case
def a_busy_trino_and_broken_connections_are_asked_again():
    for faults in ([503], [None, 502, 504, 503], ["lost"], [None, "lost"], [None, None, "lost", 503, None, "lost"]):
        def check(place, server, faults=faults):
            server.faults = list(faults)
            assert numbers(place) == [1, 2, 3, 4, 5], faults
        in_trino(lambda sql: NUMBERS, check)


@case
def other_statuses_end_it_with_one_message():
    def check(place, server):
        server.faults = [401]
        assert "see user, password" in query(place, "select 1", code=1).stderr
        server.faults = [None, 500]
        assert "500" in query(place, "select 1", code=1).stderr
        assert len(server.requests) == 4, server.requests  # the failed GET, then the DELETE of that statement
    in_trino(lambda sql: NUMBERS, check)


@case
def limit_stops_reading_and_cancels():
    def check(place, server):
        assert numbers(place, "select * from t", "--limit", "3") == [1, 2, 3]
        assert len(server.cancelled) == 1
    in_trino(lambda sql: NUMBERS, check)


@case
def errors_keep_trinos_words_and_get_an_exit_code():
    def check(place, server):
        for name, said in (("TABLE_NOT_FOUND", "table not found"), ("SYNTAX_ERROR", "syntax"), ("GENERIC_INTERNAL_ERROR", "internal")):
            server.handle = lambda sql, name=name: {"error": {"message": f"line 1:8: {name} it is", "errorName": name}}
            done = query(place, "select 1", code=1)
            assert f"{name} it is" in done.stderr and "query 20200531_" in done.stderr, done.stderr
    in_trino(None, check)


@case
def a_commit_conflict_runs_the_statement_again_but_not_when_its_outcome_is_unknown():
    with folder() as place, serving(FakeTrino(lambda sql: {})) as server:
        dbt_project(place, {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "schema": "s"},
                    {"m": "{{ config(materialized='own') }} insert into t select 1"}, macros=OWN)
        base = server.handle
        seen = []

        def once(sql):
            if not sql.startswith("insert"):
                return base(sql)
            if sql not in seen:
                seen.append(sql)
                return {"error": {"message": "Failed to commit during write", "errorName": "ICEBERG_COMMIT_ERROR"}}
            return {"kind": "INSERT", "count": 7}
        server.handle = once
        moulin("transform", "run", cwd=place)
        assert sum(sql.startswith("insert") for sql in server.statements) == 2, server.statements
        result = json.loads((place / "target/run_results.json").read_text())["results"][0]["adapter_response"]
        assert result["rows_affected"] == 7 and result["code"] == "INSERT", result
        server.statements.clear()
        server.handle = lambda sql: base(sql) if not sql.startswith("insert") else {"error": {
            "message": "Failed to commit", "errorName": "ICEBERG_COMMIT_ERROR",
            "failureInfo": {"type": "io.trino.spi.TrinoException", "cause": {"type": "org.apache.iceberg.exceptions.CommitStateUnknownException"}}}}
        said = moulin("transform", "run", cwd=place, code=1).stderr
        assert sum(sql.startswith("insert") for sql in server.statements) == 1 and "look whether the rows are in the table" in said, said


@case
def what_set_session_says_holds_for_the_next_statements():
    def handle(sql):
        return {"kind": "SET SESSION", "headers": {"X-Trino-Set-Session": "a=1"}} if sql.startswith("set session") else {}
    with folder() as place, serving(FakeTrino(handle)) as server:
        dbt_project(place, {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "schema": "s", "session_properties": {"b": "2 3"}},
                    {"m": "{{ config(materialized='own', pre_hook='set session a = 1') }} insert into t select 1"}, macros=OWN)
        moulin("transform", "run", cwd=place)
        sent = [headers.get("X-Trino-Session") for method, _, headers in server.requests if method == "POST"]
        assert sent[0] == "b=2%203" and sent[-1] == "b=2%203,a=1", sent


@case
def debug_asks_the_engine():
    with folder() as place, serving(FakeTrino(lambda sql: NUMBERS)) as server:
        output = {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "schema": "s"}
        dbt_project(place, output, {"m": "select '{{ api.Column.translate_type('string') }}' as t"})
        assert "connection  ok" in moulin("transform", "debug", cwd=place).stdout and server.statements == ["SELECT 1"]
        moulin("transform", "compile", cwd=place)
        assert (place / "target/compiled/p/models/m.sql").read_text().strip() == "select 'VARCHAR' as t"
        dbt_project(place, {**output, "port": 1}, {})
        assert "is the server up" in moulin("transform", "debug", cwd=place, code=1).stderr


@case
def logins_are_headers_and_go_over_tls_only():
    with folder() as place, serving(FakeTrino(lambda sql: NUMBERS)) as server:
        for settings, text in (({"password": "pw"}, "http_scheme is http"), ({"jwt_token": "x"}, "http_scheme is http"), ({"method": "kerberos", "http_scheme": "https"}, "methods: none, ldap"),
                               ({"method": "certificate", "http_scheme": "https"}, "client_certificate"), ({"method": "ldap", "http_scheme": "https"}, "password"),
                               ({"cert": "false"}, "would not verify")):
            dbt_project(place, {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "schema": "s", "http_scheme": "http", **settings}, {"m": "select 1"})
            done = moulin("transform", "run", cwd=place, code=2)
            assert text in done.stderr and "pw" not in done.stderr.replace("password", ""), (settings, done.stderr)
        assert server.requests == []


@case
def passwords_tokens_and_certificates_log_in_over_a_verified_connection():
    with folder() as place:
        certificates(place)
        for settings, expected in (({"password": "pw"}, "Basic bWU6cHc="), ({"method": "jwt", "jwt_token": "a.b.c"}, "Bearer a.b.c"),
                                   ({"method": "certificate", "client_certificate": f"{place}/client.pem", "client_private_key": f"{place}/client.key"}, None)):
            with serving(FakeTrino(lambda sql: NUMBERS), certificates=place, wants_client=expected is None) as server:
                environment(place, {**trino_settings(server), "cert": f"{place}/ca.pem", "http_scheme": "https", **settings})
                assert numbers(place) == [1, 2, 3, 4, 5]
                assert {headers.get("Authorization") for _, _, headers in server.requests} == {expected}, settings
                environment(place, {**trino_settings(server), "http_scheme": "https", **settings})
                count = len(server.requests)
                assert "certificate" in query(place, "select 1", code=1).stderr and len(server.requests) == count  # an authority that nobody knows


@case
def credentials_stay_with_the_server_that_was_asked():
    def check(place, server):
        with serving(FakeTrino(lambda sql: NUMBERS)) as other:
            server.url = lambda query, page: f"http://127.0.0.1:{other.port}/v1/statement/executing/{query}/{page}"
            other.queries = server.queries
            environment(place, {**trino_settings(server), "http_headers": {"X-Key": "k"}})
            assert numbers(place) == [1, 2, 3, 4, 5]
            assert server.requests[0][2].get("X-Key") == "k" and not any("X-Key" in headers for _, _, headers in other.requests)
    in_trino(lambda sql: NUMBERS, check)


def interrupted(command, place, is_running, env=None):
    process = subprocess.Popen([MOULIN, *command], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **KEYS, **(env or {})})
    deadline = time.monotonic() + 30
    while not is_running():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@case
def ctrl_c_cancels_the_statement_in_trino():
    def check(place, server):
        server.never_ends = True
        code, errors = interrupted(["query", "select 1"], place, lambda: len(server.requests) > 5)
        assert code == 130 and len(server.cancelled) == 1 and "was cancelled" in errors, (code, errors)
    in_trino(lambda sql: {}, check)


@case
def query_sends_nothing_that_writes_and_names_the_time_travel_of_the_engine():
    def check(place, server):
        for sql in ("insert into t values 1", "/* x */ delete from t", "drop table t", "explain analyze insert into t values 1", "explain analyze verbose delete from t", "call x()", "execute p"):
            assert "query only reads" in query(place, sql, code=2).stderr, sql
        assert "FOR TIMESTAMP AS OF" in query(place, "select 1", "--as-of", "2020-01-01", code=2).stderr
        assert "FOR VERSION AS OF" in query(place, "select 1", "--snapshot", "t=1", code=2).stderr
        assert server.statements == []
        for sql in ("with a as (select 1) select * from a", "explain insert into t values 1", "explain analyze select 1", "show tables", "(select 1)", "values 1", "table t"):
            query(place, sql)
        assert len(server.statements) == 7
    in_trino(lambda sql: NUMBERS, check)


@case
def a_statement_longer_than_the_engine_takes_is_not_sent():
    def check(place, server):
        pathlib.Path(place, "q.sql").write_text("select '" + "x" * 1_000_000 + "'")
        done = subprocess.run([MOULIN, "query", "-"], cwd=place, stdin=open(place / "q.sql"), capture_output=True, text=True, env={**os.environ, **KEYS})
        assert done.returncode == 1 and "takes at most 1000000" in done.stderr and server.statements == [], done
    in_trino(lambda sql: {}, check)


# ---- Athena

@case
def athena_states_are_waited_for_and_pages_read_without_the_header():
    def check(place, server):
        assert numbers(place, "select * from t;") == [1, 2, 3, 4, 5]
        (start,) = server.started
        assert start["WorkGroup"] == "wg" and start["QueryExecutionContext"] == {"Catalog": "awsdatacatalog", "Database": "landing"}, start
        assert start["QueryString"] == "select * from t" and 32 <= len(start["ClientRequestToken"]) <= 128
        actions = [action for action, _ in server.calls if action != "HEAD"]  # the result file is looked for, and is not there
        assert actions == ["StartQueryExecution"] + 3 * ["GetQueryExecution"] + 3 * ["GetQueryResults"], actions
    in_athena(lambda sql: NUMBERS, check)


@case
def a_row_that_looks_like_the_header_is_kept_and_show_has_no_header():
    def check(place, server):
        server.handle = lambda sql: {"columns": [("t", "varchar")], "rows": [["t"], ["t"], ["u"]]}
        assert [row["t"] for row in json.loads(query(place, "select t from t", "--output", "json").stdout)] == ["t", "t", "u"]
        server.handle = lambda sql: {"columns": [("tab_name", "string")], "rows": [["tab_name"], ["x"]], "has_no_header": True}
        assert [row["tab_name"] for row in json.loads(query(place, "show tables", "--output", "json").stdout)] == ["tab_name", "x"]
    in_athena(None, check)


@case
def athena_texts_become_values():
    columns = [("i", "integer"), ("d", "decimal(9,2)"), ("f", "double"), ("b", "boolean"), ("t", "timestamp(3)"), ("z", "timestamp with time zone"), ("day", "date"), ("s", "varchar"), ("n", "varchar"), ("a", "array")]
    row = ["7", "1.50", "0.25", "true", "2020-01-01 10:00:00.500", "2020-01-01 10:00:00.000 Europe/Berlin", "2020-02-29", "x", None, "[1, 2]"]

    def check(place, server):
        (got,) = json.loads(query(place, "select 1", "--output", "json").stdout)
        assert got == {"i": 7, "d": 1.5, "f": 0.25, "b": True, "t": "2020-01-01 10:00:00.5", "z": "2020-01-01 09:00:00+00", "day": "2020-02-29", "s": "x", "n": None, "a": "[1, 2]"}, got
    in_athena(lambda sql: {"columns": columns, "rows": [row]}, check)


@case
def a_large_answer_is_read_from_the_result_file():
    rows = [[n, None if n % 3 == 0 else "" if n % 3 == 1 else f'it\'s "{n}",\nover two lines {"x" * 5000}'] for n in range(5000)]

    def check(place, server):
        server.PAGE, server.has_files = 1000, True
        got = json.loads(query(place, "select * from t", "--output", "json").stdout)
        assert [[row["n"], row["t"]] for row in got] == rows
        called = [call[0] for call in server.calls]
        assert called.count("GetQueryResults") == 1 and called.count("HEAD") == 1 and called.count("GET") == 2, called  # 8.4 MB by ranges of 8 MiB
        got = json.loads(query(place, "select * from t", "--limit", "3", "--output", "json").stdout)
        assert len(got) == 3
    in_athena(lambda sql: {"columns": [("n", "integer"), ("t", "varchar")], "rows": rows}, check)


@case
def athena_failures_keep_their_words():
    def check(place, server):
        for reason, hint in (("line 1:15: TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist", "x"), ("SYNTAX_ERROR: line 1:1: mismatched input", "mismatched"), ("PERMISSION_DENIED: no", "no")):
            server.handle = lambda sql, reason=reason: {"error": reason}
            done = query(place, "select 1", code=1)
            assert reason in done.stderr and "query 00000000" in done.stderr, done.stderr
    in_athena(None, check)


@case
def throttling_is_waited_out_and_the_token_starts_nothing_twice():
    def check(place, server):
        server.faults = {"StartQueryExecution": ["ThrottlingException"], "GetQueryExecution": ["ThrottlingException"], "GetQueryResults": ["InternalServerException"]}
        assert numbers(place) == [1, 2, 3, 4, 5]
        tokens = {request["ClientRequestToken"] for action, request in server.calls if action == "StartQueryExecution"}
        assert len(tokens) == 1 and len(server.statements) == 1
    in_athena(lambda sql: NUMBERS, check)


@case
def a_denied_call_names_the_permission():
    def check(place, server):
        server.faults = {"StartQueryExecution": ["AccessDeniedException"]}
        done = query(place, "select 1", code=1)
        assert "athena:StartQueryExecution" in done.stderr and "work group wg" in done.stderr, done.stderr
    in_athena(lambda sql: NUMBERS, check)


@case
def ctrl_c_stops_the_query_in_athena():
    def check(place, server):
        server.never_ends = True
        code, errors = interrupted(["query", "select 1"], place, lambda: len(server.calls) > 3)
        assert code == 130 and len(server.stopped) == 1 and "was stopped" in errors, (code, errors)
    in_athena(lambda sql: {}, check)


# ---- dbt projects on Athena

def athena_output(server, **more):
    return {"type": "athena", "region_name": "eu-west-1", "schema": "s", "s3_data_dir": "s3://b/data", "s3_staging_dir": "s3://b/results/", "poll_interval": 0.02,
            "endpoint_url": f"http://127.0.0.1:{server.port}", "aws_access_key_id": "A", "aws_secret_access_key": "S", **more}


def columns_of(sql):
    """What describing gives: every relation and query has these two columns."""
    return {"columns": [("id", "integer"), ("v", "varchar")], "rows": []} if "LIMIT 0" in sql else {"kind": sql.split()[0].upper(), "count": 3}


def plain(sql):
    return " ".join(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", sql).split())


@case
def athena_builds_tables_views_and_seeds_with_its_own_ddl():
    with folder() as place, serving(StubAthena(columns_of)) as server:
        dbt_project(place, athena_output(server), {
            "t": "{{ config(materialized='table', partitioned_by=['day(at)', 'bucket(id, 5)'], write_compression='zstd', table_properties={'optimize_rewrite_delete_file_threshold': '2'}) }} select 1 as id",
            "v": "{{ config(materialized='view') }} select 1 as id"}, seeds={"sd.csv": "a,b\n1,it's\n"})
        moulin("transform", "build", cwd=place, env=KEYS)
        sent = [plain(sql) for sql in server.statements]
        assert sent[0] == "CREATE SCHEMA IF NOT EXISTS `s`", sent
        table = next(sql for sql in sent if sql.startswith('create table "awsdatacatalog"."s"."t"'))
        assert table == ('create table "awsdatacatalog"."s"."t" with ( table_type=\'iceberg\', is_external=false, location=\'s3://b/data/s/t/UUID/\', '
                         "partitioning=ARRAY['day(at)', 'bucket(id, 5)'], write_compression='zstd', optimize_rewrite_delete_file_threshold=2, format='parquet' ) as select 1 as id"), table
        assert 'create or replace view "awsdatacatalog"."s"."v" as select 1 as id' in sent, sent
        seed = next(sql for sql in sent if '"sd"' in sql)
        assert "CAST(c0 AS integer) AS \"a\", CAST(c1 AS varchar) AS \"b\" FROM (VALUES ('1', 'it''s')) AS seed (c0, c1)" in seed, seed
        assert server.tables == {("s", "t"): "EXTERNAL_TABLE", ("s", "v"): "VIRTUAL_VIEW", ("s", "sd"): "EXTERNAL_TABLE"}
        assert server.started[0]["ResultConfiguration"] == {"OutputLocation": "s3://b/results/"}
        server.statements.clear()
        moulin("transform", "run", "--select", "t", cwd=place, env=KEYS)  # a table that is there is swapped
        sent = [plain(sql) for sql in server.statements]
        assert [sql.split(" with (")[0] for sql in sent] == ['create table "awsdatacatalog"."s"."t__ha"', "ALTER TABLE `s`.`t` RENAME TO `s`.`t__bkp`",
                                                            "ALTER TABLE `s`.`t__ha` RENAME TO `s`.`t`", "DROP TABLE IF EXISTS `s`.`t__bkp`"], sent
        response = json.loads((place / "target/run_results.json").read_text())["results"][0]["adapter_response"]
        assert response["code"] == "CREATE" and response["data_scanned_in_bytes"] == 100_000_000 and response["statements"] == 4, response
        assert 0.00011 < response["cost_usd"] < 0.00013, response  # 24 MiB of one DML statement at $5 a TB; DDL costs nothing


INCREMENTAL = {
    "ap": "{{ config(materialized='incremental') }} select 1 as id, 'x' as v",
    "me": "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', merge_update_columns=['v']) }} select 1 as id, 'x' as v",
    "di": "{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['id', 'v']) }} select 1 as id, 'x' as v",
}


@case
def athena_is_sent_the_dml_that_trino_is_sent():
    def dml(statements):
        return [plain(sql) for sql in statements if sql.split()[0].lower() in ("insert", "merge", "delete", "update")]

    with folder() as place, serving(StubAthena(columns_of)) as server:
        dbt_project(place, athena_output(server), INCREMENTAL)
        moulin("transform", "run", cwd=place, env=KEYS)
        server.statements.clear()
        moulin("transform", "run", cwd=place, env=KEYS)
        athena = dml(server.statements)
        assert not any(name.endswith(("__dbt_tmp", "__ha", "__bkp")) for _, name in server.tables), server.tables

    tables = set()

    def handle(sql):
        if "information_schema.tables" in sql:
            name = re.search(r"table_name = '(\w+)'", sql)[1]
            return {"columns": [("table_type", "varchar")], "rows": [["BASE TABLE"]] if name in tables else []}
        for match in re.finditer(r'^create (?:or replace )?table "ice"\."s"\."(\w+)"', sql):
            tables.add(match[1])
        for match in re.finditer(r'^DROP TABLE IF EXISTS "ice"\."s"\."(\w+)"', sql):
            tables.discard(match[1])
        return columns_of(sql)

    with folder() as place, serving(FakeTrino(handle)) as server:
        dbt_project(place, {"type": "trino", "host": "127.0.0.1", "port": server.port, "user": "me", "schema": "s", "database": "ice"}, INCREMENTAL)
        moulin("transform", "run", cwd=place)
        server.statements.clear()
        moulin("transform", "run", cwd=place)
        trino = dml(server.statements)
    same = [sql.replace('"ice"', '"awsdatacatalog"') for sql in trino]
    # dbt-athena calls the two sides of a merge `target` and `src`, as predicates of its users do
    renamed = [re.sub(r"\bDBT_INTERNAL_DEST\b", "target", re.sub(r"\bDBT_INTERNAL_SOURCE\b", "src", sql)) if "dbt_only_deletes" not in sql else sql for sql in same]
    assert len(athena) == 3 and athena == renamed, (athena, renamed)


@case
def athena_changes_columns_in_hives_grammar():
    def handle(sql):
        if "LIMIT 0" in sql:
            return {"columns": [("id", "bigint"), ("more", "timestamp(3)"), ("tags", "varchar")], "rows": []} if "select 1" in sql else {"columns": [("id", "integer"), ("gone", "varchar")], "rows": []}
        return {"kind": sql.split()[0].upper(), "count": 1}
    with folder() as place, serving(StubAthena(handle)) as server:
        server.databases, server.tables = {"s"}, {("s", "m"): "EXTERNAL_TABLE"}
        dbt_project(place, athena_output(server), {"m": "{{ config(materialized='incremental', on_schema_change='sync_all_columns') }} select 1 as id"})
        moulin("transform", "run", cwd=place, env=KEYS)
        sent = [plain(sql) for sql in server.statements if sql.lower().startswith("alter")]
        assert sent == ["alter table `s`.`m` add columns (`more` timestamp, `tags` string)", "alter table `s`.`m` drop column `gone`", "alter table `s`.`m` change column `id` `id` bigint"], sent


@case
def partitions_beyond_the_limit_go_in_batches_on_athena():
    seen = []

    def handle(sql):
        if sql.startswith('create table "awsdatacatalog"."s"."m"') and not seen:
            seen.append(sql)
            return {"error": "ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions"}
        if sql.startswith("select distinct"):
            return {"columns": [("_col0", "varchar")], "rows": [[f"2020-01-{n:03}"] for n in range(230)] + [[None]]}
        return columns_of(sql)
    with folder() as place, serving(StubAthena(handle)) as server:
        server.PAGE = 100
        dbt_project(place, athena_output(server), {"m": "{{ config(materialized='table', partitioned_by=['day(v)', 'bucket(id, 2)']) }} select 1 as id, 'x' as v"})
        moulin("transform", "run", cwd=place, env=KEYS)
        sent = [plain(sql) for sql in server.statements]
        batches = [sql for sql in sent if " where (" in sql]
        assert len(batches) == 5 and [sql.count(" or ") for sql in batches] == [49, 49, 49, 49, 30], [sql.count(" or ") for sql in batches]
        assert "date_trunc('day', cast(\"v\" as timestamp(6)))" in batches[0] and "is null" in batches[-1]
        assert all(len(sql) < 262144 for sql in sent) and server.tables == {("s", "m"): "EXTERNAL_TABLE"}, server.tables


@case
def athena_commit_conflicts_are_tried_again():
    tries = []

    def handle(sql):
        if sql.lower().startswith("insert"):
            tries.append(sql)
            if len(tries) == 1:
                return {"error": "ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: t"}
        return columns_of(sql)
    with folder() as place, serving(StubAthena(handle)) as server:
        server.databases, server.tables = {"s"}, {("s", "m"): "EXTERNAL_TABLE"}
        dbt_project(place, athena_output(server), {"m": INCREMENTAL["ap"]})
        moulin("transform", "run", cwd=place, env=KEYS)
        assert len(tries) == 2
        assert len({request["ClientRequestToken"] for request in server.started if request["QueryString"].startswith("insert")}) == 2


@case
def athena_keeps_descriptions_in_glue():
    with folder() as place, serving(StubAthena(columns_of)) as server:
        dbt_project(place, athena_output(server), {"t": "{{ config(materialized='table') }} select 1 as n", "schema.yml": json.dumps({"version": 2, "models": [
            {"name": "t", "description": "a model", "config": {"persist_docs": {"relation": True, "columns": True}}, "columns": [{"name": "N", "description": "a number"}]}]})})
        moulin("transform", "run", cwd=place, env=KEYS)
        (update,) = [request for action, request in server.calls if action == "UpdateTable"]
        assert update["SkipArchive"] is True and update["VersionId"] == "3" and update["TableInput"]["Description"] == "a model", update
        assert update["TableInput"]["Parameters"] == {"table_type": "ICEBERG", "metadata_location": "s3://b/m", "comment": "a model"}
        assert update["TableInput"]["StorageDescriptor"]["Columns"] == [{"Name": "n", "Type": "int", "Comment": "a number"}] and "CreateTime" not in update["TableInput"]


@case
def what_athena_cannot_do_here_is_refused_by_name():
    with folder() as place, serving(StubAthena(columns_of)) as server:
        for config, text in (("table_type='hive'", "makes no Hive tables"), ("s3_data_naming='odd'", "namings: unique"), ("on_table_exists='odd'", "on_table_exists is rename")):
            dbt_project(place, athena_output(server), {"m": "{{ config(materialized='table', " + config + ") }} select 1 as n"})
            assert text in moulin("transform", "run", cwd=place, code=1, env=KEYS).stderr, config
        dbt_project(place, athena_output(server, s3_data_dir="b/data"), {"m": "select 1 as n"})
        assert "s3_data_dir is an s3:// address" in moulin("transform", "run", cwd=place, code=2, env=KEYS).stderr
        dbt_project(place, athena_output(server, spark_work_group="x"), {"m": "select 1 as n"})
        assert "has no setting 'spark_work_group'" in moulin("transform", "run", cwd=place, code=2, env=KEYS).stderr


@case
def an_environment_of_moulin_yml_names_schemas_with_its_prefix_and_tables_below_their_location():
    with folder() as place, serving(StubAthena(columns_of)) as server:
        dbt_project(place / "pipelines" / "transform" if (place / "pipelines/transform").mkdir(parents=True) is None else place, {"type": "moulin", "schema": "analytics"},
                    {"m": "{{ config(materialized='table') }} select * from {{ source('chess', 'games') }}",
                     "s.yml": json.dumps({"version": 2, "sources": [{"name": "chess", "schema": "landing", "tables": [{"name": "games"}]}]})})
        environment(place, {"type": "athena", "work_group": "wg", "poll_interval": 0.02},
                    f'endpoint_url: "http://127.0.0.1:{server.port}"\n    namespace_prefix: dev_\n    namespaces: {{analytics: {{location: "s3://stage/an"}}}}')
        moulin("transform", "run", cwd=place, env=KEYS)
        sent = [plain(sql) for sql in server.statements]
        assert sent[0] == "CREATE SCHEMA IF NOT EXISTS `dev_analytics` LOCATION 's3://stage/an/'", sent
        assert sent[-1].startswith('create table "awsdatacatalog"."dev_analytics"."m" with ( table_type=\'iceberg\', is_external=false, location=\'s3://stage/an/m/UUID/\''), sent
        assert sent[-1].endswith('as select * from "awsdatacatalog"."dev_landing"."games"'), sent
        assert server.started[-1]["WorkGroup"] == "wg"


@case
def check_names_what_will_not_carry_over_and_the_template_carries_over():
    with folder() as place:
        moulin("init", "p", cwd=place)
        project = place / "p"
        for engine in ("trino", "athena"):
            moulin("check", "--engine", engine, cwd=project)
        (project / "pipelines/transform/models/bad.sql").write_text("select 1 as n\n-- x::int\nunion all\nselect '2'::int")
        (project / "pipelines/transform/macros/bad.sql").write_text("{% macro m(x) %}string_agg({{ x }}){% endmacro %}{% macro duckdb__n(x) %}list({{ x }}){% endmacro %}")
        moulin("check", cwd=project)
        problems = json.loads(moulin("check", "--engine", "athena", "--output", "json", cwd=project, code=2).stdout)["problems"]
        assert [(p["file"], p["line"], p["column"]) for p in problems] == [("pipelines/transform/models/bad.sql", 4, 11), ("pipelines/transform/macros/bad.sql", 1, 17)], problems
        assert problems[0]["hint"] == "write cast(x as type)", problems


if __name__ == "__main__":
    finish()
