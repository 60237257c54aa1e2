"""`moulin query` on the Athena of MiniStack: signed calls, work groups, states and pages of another implementation than our own stub.

MiniStack hands SQL to DuckDB: it knows neither Trino's dialect nor Iceberg's DDL, and it scans nothing. So nothing is claimed here of
Athena's SQL, of tables, of costs: only that the calls are what a second reader of AWS's documents expects."""

import json

import _aws
from _lib import case, finish, folder, moulin

MOULIN_YML = """name: p
environments:
  local:
    region: {region}
    warehouse: s3://results
    catalog: {{type: glue}}
    engine: {{type: athena, work_group: wg, poll_interval: 0.1, s3_staging_dir: "s3://results/out/"}}
"""


with _aws.ministack(signed=True) as aws, folder() as place:
    aws.bucket("results")
    aws.client("athena").create_work_group(Name="wg", Configuration={"ResultConfiguration": {"OutputLocation": "s3://results/wg/"}})
    (place / "moulin.yml").write_text(MOULIN_YML.format(region=aws.region))

    def query(sql, *options, code=0, env=None):
        done = moulin("query", sql, "--output", "json", *options, cwd=place, env=env or aws.env, code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr

    @case
    def a_select_gives_its_rows_without_the_header():
        assert query("select 1 as n, 'x' as t union all select 2, null order by 1") == [{"n": 1, "t": "x"}, {"n": 2, "t": None}]

    @case
    def more_rows_than_a_page_are_all_read():
        rows = query("select range as n from range(2500)")
        assert [row["n"] for row in rows] == list(range(2500))

    @case
    def a_failed_query_says_what_athena_said():
        said = query("select nope from nowhere", code=1)
        assert "nowhere" in said and "query " in said, said

    @case
    def wrong_keys_are_refused_with_the_name_of_the_call():
        said = query("select 1", code=1, env={**aws.env, "AWS_SECRET_ACCESS_KEY": "wrong"})
        assert "athena:StartQueryExecution" in said, said

    @case
    def the_statement_is_known_by_its_work_group():
        ids = aws.client("athena").list_query_executions(WorkGroup="wg")["QueryExecutionIds"]
        assert len(ids) >= 3

finish()
