"""Throw-away namespaces: a transform with --namespace-prefix reads what the environment has, writes beside it, and leaves nothing."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT, case, finish, folder, moulin, moulin_json  # noqa: E402

RECORDINGS = ROOT / "template/pipelines/ingest/chess-ingestion/recordings"
NOW = {"MOULIN_REPLAY": str(RECORDINGS / "2020-06-02.har"), "MOULIN_NOW": "2020-06-02T12:00:00Z"}
PREFIX = ["--namespace-prefix", "ci_pr_12_"]


def tables(where):
    return {(t["namespace"], t["table"]): (t["rows"], t["updated_at"]) for t in moulin_json("table", "ls", cwd=where)}


def views(where):
    versions = sorted((where / "warehouse/_moulin/views/local").glob("v*.json"), key=lambda path: int(path.stem[1:]))
    return versions[-1].read_text() if versions else ""


def files(where):
    return sorted(str(p.relative_to(where)) for p in (where / "warehouse").rglob("*") if p.is_file() and "_moulin" not in p.parts)


with folder() as work:
    moulin("init", work / "project", cwd=work)
    project = work / "project"
    moulin("run", "chess", "--input", '{"start_month": "2020/05", "end_month": "2020/05"}', cwd=project, env=NOW)
    before, views_before, files_before = tables(project), views(project), files(project)

    @case
    def a_build_leaves_the_environment_alone():
        moulin("transform", "build", *PREFIX, cwd=project)
        after = tables(project)
        assert {k: v for k, v in after.items() if not k[0].startswith("ci_")} == before
        built = {name for space, name in after if space == "ci_pr_12_analytics"}
        assert built == {name for space, name in before if space == "analytics"}, built
        ours, theirs = (moulin_json("query", f"select * from {space}.player_games order by all", cwd=project)
                        for space in ("analytics", "ci_pr_12_analytics"))
        assert ours == theirs and len(ours) == 34, (len(ours), len(theirs))

    @case
    def what_would_be_lost_is_said_first():
        done = moulin("table", "drop", *PREFIX, cwd=project, code=3)
        assert "ci_pr_12_analytics" in done.stderr and "--force" in done.stderr, done.stderr
        assert any(space == "ci_pr_12_analytics" for space, _ in tables(project))

    @case
    def a_drop_leaves_nothing_behind():
        moulin("table", "drop", *PREFIX, "--force", cwd=project)
        assert tables(project) == before
        assert views(project) == views_before
        assert files(project) == files_before, set(files(project)) ^ set(files_before)
        moulin("table", "drop", *PREFIX, "--force", cwd=project)

    @case
    def what_is_not_selected_is_read_from_the_environment():
        # ratings needs player_games, which is not built here
        done = moulin("transform", "build", "--select", "ratings", *PREFIX, cwd=project)
        assert "ci_pr_12_analytics.ratings" in done.stderr, done.stderr
        assert {name for space, name in tables(project) if space == "ci_pr_12_analytics"} == {"ratings"}
        compiled = moulin("transform", "compile", "--inline", "select * from {{ ref('player_games') }}, {{ ref('ratings') }}", *PREFIX, cwd=project).stdout
        assert '"analytics"."player_games"' in compiled and '"ci_pr_12_analytics"."ratings"' in compiled, compiled
        moulin("table", "drop", *PREFIX, "--force", cwd=project)

    @case
    def what_the_run_builds_is_not_read_from_the_environment():
        marts = project / "pipelines/transform/models/marts"
        (marts / "first.sql").write_text("{{ config(materialized='table') }} select 1 as n")
        (marts / "second.sql").write_text("{{ config(materialized='table') }} select n from {{ ref('first') }}")
        moulin("transform", "run", "--select", "first", "second", cwd=project)
        (marts / "first.sql").write_text("{{ config(materialized='table') }} select 2 as n")
        moulin("transform", "run", "--select", "first", "second", *PREFIX, cwd=project)
        assert moulin_json("query", "select n from ci_pr_12_analytics.second", cwd=project) == [{"n": 2}]
        assert moulin_json("query", "select n from analytics.second", cwd=project) == [{"n": 1}]
        moulin("table", "drop", *PREFIX, "--force", cwd=project)

    @case
    def a_schema_macro_of_the_project_leads_nowhere_else():
        (project / "pipelines/transform/macros/schema.sql").write_text(
            "{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or 'analytics' }}{% endmacro %}")
        moulin("transform", "run", "--select", "first", *PREFIX, cwd=project)
        assert moulin_json("query", "select n from analytics.first", cwd=project) == [{"n": 1}]
        assert moulin_json("query", "select n from ci_pr_12_analytics.first", cwd=project) == [{"n": 2}]
        moulin("table", "drop", "--force", cwd=project, env={"MOULIN_NAMESPACE_PREFIX": "ci_pr_12_"})

    @case
    def engines_that_are_sent_sql_get_the_same_names():
        # Athena and Trino know nothing of the environment's prefix: it is part of every name
        (project / "pipelines/transform/macros/schema.sql").unlink()
        environment = """  cloud:
    region: eu-west-1
    warehouse: s3://cloud
    catalog: {type: glue}
    engine: {type: athena}
    namespace_prefix: dev_
"""
        text = (project / "moulin.yml").read_text()
        (project / "moulin.yml").write_text(text.replace("environments:\n", "environments:\n" + environment, 1))
        for macro, custom in (("", None), ("{{ custom_schema_name or 'analytics' }}", None), ("{{ target.schema }}_{{ custom_schema_name or 'x' }}", "x")):
            path = project / "pipelines/transform/macros/schema.sql"
            path.write_text("{% macro generate_schema_name(custom_schema_name, node) %}" + macro + "{% endmacro %}" if macro else "")
            moulin("transform", "parse", "--env", "cloud", *PREFIX, cwd=project)
            manifest = json.loads((project / "pipelines/transform/target/manifest.json").read_text())
            schemas = {n["schema"] for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")}
            assert schemas == {"dev_ci_pr_12_analytics" + (f"_{custom}" if custom else "")}, schemas
            assert {n["schema"] for n in manifest["sources"].values()} == {"dev_landing"}
        (project / "pipelines/transform/macros/schema.sql").unlink()

    @case
    def prefixes_that_could_be_something_else_are_refused():
        for prefix in ["analytics", "landing", "prod_", "ci_", "ci_PR_", "ci_pr-1_", "ci_x", "ci_" + "x" * 40 + "_"]:
            done = moulin("table", "drop", "--namespace-prefix", prefix, "--force", cwd=project, code=2)
            assert "ci_pr_12_" in done.stderr, done.stderr
        moulin("table", "drop", "landing.chess_players", *PREFIX, "--force", cwd=project, code=2)
        moulin("table", "drop", "--force", cwd=project, code=2)

    @case
    def commands_that_write_elsewhere_refuse_the_prefix():
        for words in (["ingest", "chess"], ["run", "chess"], ["schema", "apply"], ["table", "expire", "landing.chess_players"],
                      ["table", "rollback", "landing.chess_players", "--snapshot", "1"], ["table", "orphans", "--delete"]):
            done = moulin(*words, cwd=project, env={"MOULIN_NAMESPACE_PREFIX": "ci_pr_12_"}, code=2)
            assert "MOULIN_NAMESPACE_PREFIX" in done.stderr, done.stderr
        moulin("schema", "plan", cwd=project, env={"MOULIN_NAMESPACE_PREFIX": "ci_pr_12_"})

finish()
