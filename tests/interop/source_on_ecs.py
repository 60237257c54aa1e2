"""A source as an ECS task: one input of the environment puts it there, and the state machine runs the task in the place
of the function, with the same file, the same roles' limits and the same rows. The account checks signatures and policies."""

import json

import _aws
import _deployment
from _lib import case, finish, folder

GIVEN = {"now": "2009-10-15T12:00:00Z", "start_month": "2009/10", "end_month": "2009/10"}
COUNT = "select count(*) as n, count(distinct url) as d from landing.chess_players_games"

with folder() as work, _deployment.api() as api, _aws.ministack(signed=True, wait_scale=0.01) as aws:
    dev = _deployment.Checkout(work / "project", aws, "dev", api.base)
    api.load(dev.folder / _deployment.RECORDING / "2009-10-15.har")

    @case
    def one_input_makes_the_source_a_task():
        _deployment.replace(dev.folder / "live/dev/env.tfvars", r"^chess  .*", 'chess = { runs_on = "ecs", memory_mb = 1024 }')
        dev.make("deploy")
        functions = [f["FunctionName"] for f in aws.client("lambda").list_functions()["Functions"]]
        families = aws.client("ecs").list_task_definition_families(familyPrefix="dev-")["families"]
        assert functions == [] and sorted(families) == ["dev-chess-ingestion", "dev-dbt"], (functions, families)
        assert not list((dev.folder / "dist").glob("*.zip")), "a zip was packed for a source that runs from an image"

    @case
    def the_state_machine_runs_the_task_with_the_input_of_the_execution():
        done = dev.run(GIVEN, name="first")
        output = json.loads(done["output"])
        assert output["ingest"]["result"] == {"status": "complete", "exit_code": 0} and output["transform"]["exit_code"] == 0, output
        assert dev.query(COUNT) == [{"n": 21, "d": 21}]

    @case
    def a_second_run_adds_nothing():
        dev.run(GIVEN, name="second")
        assert dev.query(COUNT) == [{"n": 21, "d": 21}]

    @case
    def a_task_that_fails_fails_the_execution():
        dev.run({"resorces": []}, status="FAILED", name="third")

finish()
