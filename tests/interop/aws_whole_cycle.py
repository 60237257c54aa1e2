#!/usr/bin/env python3
"""The template in an AWS account, from nothing to nothing: written, packaged, deployed, run, read back, broken, destroyed.

The account is MiniStack with signatures and policies checked: the function and the task have only what the roles of
the template's Terraform allow. Terraform is the real one, the function is the packed zip, the task starts by the entry
point of the packed image, PyIceberg reads the result. Two environments live side by side: dev keeps its Terraform state
in a file, prod in a bucket. MiniStack's Athena computes with DuckDB's dialect and knows no Iceberg, so the dbt project
is built by the embedded engine here; nothing is claimed about Athena."""

import contextlib
import json
import threading

import _aws
import _deployment
import _lib
from _lib import Skip, case, finish, folder, moulin_json
from pyiceberg.catalog.sql import SqlCatalog

# What MiniStack gives back otherwise than it was given: type -> attributes, why. Whatever else a plan wants is ours.
MINISTACK_DIFFERENCES = {
    # An alarm is stored but described without most of what makes it one.
    "aws_cloudwatch_metric_alarm": {"actions_enabled", "alarm_actions", "alarm_description", "dimensions", "ok_actions", "period", "statistic", "treat_missing_data"},
    # The rule that lets everything out, which a new group has, stays although Terraform had it removed.
    "aws_security_group": {"egress"},
    # An interface endpoint forgets its groups and its private names.
    "aws_vpc_endpoint": {"private_dns_enabled", "security_group_ids"},
    # A flow log is described without its roles, its interval and its tags.
    "aws_flow_log": {"deliver_cross_account_role", "iam_role_arn", "max_aggregation_interval", "tags", "tags_all"},
}
# What stays when both environments are destroyed: the account's own, made once by `make bootstrap`.
KEPT = {("bucket", "chess-platform-terraform-state"), ("OIDC provider", "token.actions.githubusercontent.com")}
FIRST = {"now": "2009-10-15T12:00:00Z", "start_month": "2009/10", "end_month": "2009/10"}
THIRD = {"now": "2020-06-02T12:00:00Z", "start_month": "2020/05", "end_month": "2020/05"}
SECOND = {"now": "2009-11-02T12:00:00Z", "start_month": "2009/10", "end_month": "2009/10"}
COUNTS = """select 'players' as t, count(*) as n, count(distinct player_id) as d from landing.chess_players
    union all select 'games', count(*), count(distinct url) from landing.chess_players_games
    union all select 'player_games', count(*), count(distinct game_url || player) from analytics.player_games order by 1"""


def together(*calls):
    """Runs calls at the same time; the first failure is raised when all have ended."""
    results, failures = [None] * len(calls), []

    def one(index, call):
        try:
            results[index] = call()
        except BaseException as problem:  # noqa: BLE001 - raised below
            failures.append(problem)

    threads = [threading.Thread(target=one, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def nothing(found):
    assert not found, found


def rows_of(table):
    """A table's rows without what differs from load to load, as PyIceberg reads them."""
    arrow = table.scan().to_arrow()
    kept = [name for name in arrow.column_names if not name.startswith("_dlt") and name != "load_id"]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in arrow.select(kept).to_pylist())


@contextlib.contextmanager
def notices(checkout):
    """A queue that hears the environment's notices; yields a function that waits for the next and returns all that came."""
    queues, topics = checkout.aws.client("sqs"), checkout.aws.client("sns")
    url = queues.create_queue(QueueName=f"{checkout.environment}-test-hears")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = next(t["TopicArn"] for t in topics.list_topics()["Topics"] if t["TopicArn"].endswith(f":{checkout.environment}-notices"))
    may = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
           "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [may]})})
    subscription = topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]

    def received():
        return [json.loads(m["Body"])["Message"] for m in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", [])]

    try:
        yield received
    finally:
        topics.unsubscribe(SubscriptionArn=subscription)
        queues.delete_queue(QueueUrl=url)


def main():
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(folder())
        api = stack.enter_context(_deployment.api())
        aws = stack.enter_context(_aws.ministack(signed=True, wait_scale=0.01))
        for name in ("one", "two"):
            (work / name).mkdir()
        dev = _deployment.Checkout(work / "one" / "project", aws, "dev", api.base)
        prod = _deployment.Checkout(work / "two" / "project", aws, "prod", api.base)
        state = {"before": _aws.everything(aws)}

        def recording(day):
            api.load(dev.folder / _deployment.RECORDING / f"{day}.har")

        def planned_by_us(checkout):
            """What a plan would change besides what the emulator gives back otherwise."""
            return [change for change in checkout.planned() if not change[3] <= MINISTACK_DIFFERENCES.get(change[1], set())]

        @case
        def make_deploy_makes_two_environments_from_nothing():
            for checkout in (dev, prod):
                checkout.moulin("check")
            together(lambda: dev.make("deploy"), lambda: (prod.make("bootstrap"), prod.make("deploy")))
            assert (dev.folder / "live/dev/pipelines.tfstate").exists() and not (prod.folder / "live/prod/pipelines.tfstate").exists()

        if _lib.failures:
            finish()

        @case
        def a_plan_right_after_wants_no_change_but_those_of_the_emulator():
            for checkout in (dev, prod):
                nothing(planned_by_us(checkout))

        @case
        def a_run_lands_the_answers_and_builds_the_dbt_project():
            recording("2009-10-15")
            done = dev.run(FIRST, name="first")
            output = json.loads(done["output"])
            assert output["ingest"]["result"]["status"] == "complete" and output["transform"]["exit_code"] == 0, output
            assert sorted(dev.tables()) == ["dev_analytics.openings", "dev_analytics.player_games", "dev_analytics.ratings", "dev_analytics.results",
                                            "dev_landing._dlt_loads", "dev_landing.chess_players", "dev_landing.chess_players_games"], sorted(dev.tables())

        @case
        def it_holds_what_a_run_on_this_machine_holds():
            local = moulin_json("run", "chess", "--input", json.dumps(FIRST), cwd=dev.folder)
            assert local["status"] == "SUCCEEDED", local
            assert dev.query(COUNTS) == moulin_json("query", COUNTS, cwd=dev.folder)
            here = SqlCatalog("default", uri=f"sqlite:///{dev.folder}/warehouse/catalog.db")
            for name, table in dev.tables().items():
                if not name.endswith("_dlt_loads"):
                    assert rows_of(table) == rows_of(here.load_table(name.removeprefix("dev_"))), name

        @case
        def a_second_run_adds_nothing_twice():
            before = {name: rows_of(table) for name, table in dev.tables().items()}
            output = json.loads(dev.run(FIRST, name="again")["output"])
            assert output["ingest"]["result"]["status"] == "nothing_new", output
            assert {name: rows_of(table) for name, table in dev.tables().items()} == before

        @case
        def a_later_run_loads_what_is_new_and_nothing_twice():
            recording("2009-11-02")
            dev.run(SECOND, name="later")
            games = next(row for row in dev.query(COUNTS) if row["t"] == "games")
            assert games["n"] == games["d"] == len(set(rows_of(dev.tables()["dev_landing.chess_players_games"]))), games
            state["games"] = games["n"]

        @case
        def the_other_environment_was_not_touched_touches_nothing_and_goes_on_after_a_partial_load():
            # Deploying made the landing tables that have a schema file; nothing is in them.
            assert {name: table.metadata.snapshots for name, table in prod.tables().items()} == {
                "prod_landing.chess_players": [], "prod_landing.chess_players_games": []}
            before = {name: table.metadata_location for name, table in dev.tables().items()}
            # Its function has so little time that it comes no further than the profile: the machine goes round once more.
            aws.client("lambda").update_function_configuration(FunctionName="prod-chess-ingestion", Timeout=8)
            with api.holding("/games/2009/10"):
                done = prod.run(SECOND, name="slow")
            rounds = [event for event in prod.history(done) if event.get("stateEnteredEventDetails", {}).get("name") == "Ingest"]
            assert len(rounds) == 2 and json.loads(done["output"])["ingest"]["result"]["status"] == "complete", (len(rounds), done["output"], prod.logs())
            assert {name.removeprefix("prod_") for name in prod.tables()} == {name.removeprefix("dev_") for name in before}
            assert {name: table.metadata_location for name, table in dev.tables().items()} == before

        @case
        def a_failing_function_fails_the_run_and_a_notice_arrives():
            with notices(dev) as received:
                api.refuses = True
                try:
                    done = dev.run(SECOND, "FAILED", name="refused")
                finally:
                    api.refuses = False
                assert done["error"].startswith("Moulin.") and "403" in done["cause"], done
                (notice,) = received()
                assert "FAILED" in notice and "refused" in notice, notice

        @case
        def a_failing_model_fails_the_run_and_a_notice_arrives():
            model = dev.image_file("pipelines/transform/models/marts/ratings.sql")
            text = model.read_text()
            with notices(dev) as received:
                model.write_text("select 1 as broken from nowhere")
                try:
                    done = dev.run(SECOND, "FAILED", name="broken")
                finally:
                    model.write_text(text)
                assert done["error"] == "States.TaskFailed" and json.loads(done["cause"])["Containers"][0]["ExitCode"] == 1, done
                (notice,) = received()
                assert "FAILED" in notice and "broken" in notice, notice

        @case
        def a_function_killed_in_the_middle_leaves_nothing_half_done():
            recording("2020-06-02")
            with api.holding("/games/2020/05") as held:
                execution = dev.start(THIRD, "killed")
                assert held.wait(120), api.requests[-5:]
                dev.kill_function()
            # The state machine tries again by itself (Lambda.Unknown); whatever came of that, one more run leaves the same.
            _aws.wait_for_execution(aws, execution)
            dev.run(THIRD, name="after-the-kill")
            games = next(row for row in dev.query(COUNTS) if row["t"] == "games")
            assert games["n"] == games["d"] and games["n"] > state["games"], (games, state["games"])

        @case
        def a_new_schema_is_told_and_both_environments_hold_the_same():
            with notices(prod) as received:
                prod.run(THIRD, name="new-schema")
                told = received()
                assert any("chess_players_games" in notice and "new-schema" in notice for notice in told), told
            # Loaded in one round more there, with a killed function here: the rows are the same.
            mine, others = dev.tables(), prod.tables()
            names = {name.removeprefix("dev_") for name in mine if not name.endswith("_dlt_loads")}
            nothing({name for name in names if rows_of(mine[f"dev_{name}"]) != rows_of(others[f"prod_{name}"])})

        @case
        def a_plan_after_the_runs_wants_no_change_either():
            nothing(planned_by_us(dev))

        @case
        def destroy_leaves_nothing():
            together(lambda: dev.make("destroy", "CONFIRM=dev"), lambda: prod.make("destroy", "CONFIRM=prod"))
            nothing(_aws.everything(aws) - state["before"] - KEPT)


try:
    main()
except Skip as reason:
    print(f"ok the whole cycle # SKIP {reason}")
finish()
