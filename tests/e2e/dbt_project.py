#!/usr/bin/env python3
"""A dbt project of its own over seeds: tests with conditions, and what a project that cannot be read ends with."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
from _lib import case, finish, folder, moulin, moulin_json  # noqa: E402

MOULIN_YML = """name: shop
default_environment: local
environments:
  local:
    warehouse: ./warehouse
    catalog: {type: sql, uri: "sqlite:///warehouse/catalog.db"}
    engine: {type: embedded}
landing: {namespace: landing, format_version: 2}
"""
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
    "profiles.yml": "shop: {target: local, outputs: {local: {type: moulin, schema: analytics, threads: 1}}}\n",
    "seeds/customers.csv": "id\n1\n2\n",
    "models/orders.sql": "select 1 as id, 1 as customer union all select 2, 2 union all select 3, 9 from {{ ref('customers') }} where id = 1\n",
}
RELATIONSHIPS = """models:
  - name: orders
    columns:
      - name: customer
        data_tests: [{relationships: {to: ref('customers'), field: id, config: {where: "id < LIMIT"}}}]
"""


def project(path, **files):
    (path / "moulin.yml").write_text(MOULIN_YML)
    for name, text in {**FILES, **files}.items():
        file = path / "pipelines/transform" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@case
def relationships_looks_at_the_rows_of_where_only():
    with folder() as path:
        for limit, status, code in [("3", "pass", 0), ("4", "fail", 1)]:
            project(path, **{"models/orders.yml": RELATIONSHIPS.replace("LIMIT", limit)})
            done = moulin("transform", "build", cwd=path, code=code)
            answer = moulin_json("transform", "test", cwd=path, code=code)
            assert f'"status": "{status}"' in (path / "pipelines/transform/target/run_results.json").read_text().replace('":"', '": "'), (done.stderr, answer)


@case
def a_project_that_cannot_be_read_is_a_mistake_of_configuration():
    for name, text in [("models/a.sql", "select {{ foo"), ("models/a.sql", "select {{ env_var('MOULIN_TEST_NOT_THERE') }}"),
                       ("models/a.yml", "models: [{name: a")]:
        with folder() as path:
            project(path, **{name: text})
            done = moulin("transform", "build", cwd=path, code=2)
            assert name in done.stderr and not (path / "warehouse/catalog.db").exists(), done.stderr


@case
def a_target_that_nobody_declared_builds_nothing():
    with folder() as path:
        project(path)
        done = moulin("transform", "build", "--target", "lokal", cwd=path, code=2)
        assert "lokal" in done.stderr and not (path / "warehouse").exists(), done.stderr
        moulin("transform", "build", "--target", "local", cwd=path)


finish()
