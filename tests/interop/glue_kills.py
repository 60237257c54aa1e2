#!/usr/bin/env python3
"""Kills between the commits of one load on Glue, which commits one table after another: moulin is killed before and after
each call that makes or changes a table. The next run must take back what the dead one left: every row once."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

from pyiceberg.catalog.glue import GlueCatalog

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import _aws  # noqa: E402
import _aws_proxy  # noqa: E402
import _club  # noqa: E402
from _lib import MOULIN, case, finish, folder, moulin  # noqa: E402

WRITES = ("CreateTable", "UpdateTable")
ENVIRONMENT = "    warehouse: %s\n    catalog: {type: glue}\n    namespace_prefix: %s\n"


def reader(server, prefix):
    catalog = GlueCatalog("glue", **{
        "glue.endpoint": server.endpoint, "glue.region": server.region, "glue.access-key-id": server.access_key,
        "glue.secret-access-key": server.secret_key, "s3.endpoint": server.endpoint, "s3.region": server.region,
        "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key})
    return lambda table: catalog.load_table(f"{prefix}landing.{table}").scan().to_arrow().to_pylist()


def run_and_kill(path, proxy, number, when):
    """Runs a load that is killed at write call `number` of Glue. Returns whether it had as many."""
    process = None
    hit, started = threading.Event(), threading.Event()
    seen = []

    def kill():
        seen.append(1)
        if len(seen) == number:
            started.wait()
            hit.set()
            process.kill()
            process.wait()

    proxy.clear()
    for action in WRITES:
        proxy.rule(action, when, nth=0, run=kill)
    process = subprocess.Popen([str(MOULIN), "ingest", "club"], cwd=path, env={**os.environ, **proxy.env}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    started.set()
    output = process.communicate(timeout=120)[0]
    proxy.clear()
    assert hit.is_set() or process.returncode == 0, output
    return hit.is_set()


def kills(before, answers, expected, when):
    """Kills the load of `answers` at each of its write calls, in a project of its own each time."""
    with _aws.ministack() as server, _aws_proxy.before(server) as proxy, _club.api() as api:
        number, was_hit = 0, True
        while was_hit:
            number += 1
            prefix = f"k{number}_"
            with folder() as path:
                _club.project(path, api, ENVIRONMENT % ("./warehouse", prefix))
                for api.answers in before:
                    moulin("ingest", "club", cwd=path, env=server.env)
                api.answers = answers
                was_hit = run_and_kill(path, proxy, number, when)
                for _ in range(2):
                    moulin("ingest", "club", cwd=path, env=server.env)
                _club.check(reader(server, prefix), expected)
        assert number > 4, f"only {number} writes"


@case
def killed_before_each_commit_of_the_first_load():
    kills([], _club.FIRST, _club.AFTER_FIRST, "before")


@case
def killed_after_each_commit_of_the_first_load():
    kills([], _club.FIRST, _club.AFTER_FIRST, "after")


@case
def killed_before_each_commit_of_a_later_load():
    kills([_club.FIRST], _club.SECOND, _club.AFTER_SECOND, "before")


@case
def killed_after_each_commit_of_a_later_load():
    kills([_club.FIRST], _club.SECOND, _club.AFTER_SECOND, "after")


@case
def killed_between_commits_on_s3():
    """There the lease says for half a minute that the dead run lives: the next one waits for it."""
    with _aws.ministack() as server, _aws_proxy.before(server) as proxy, _club.api() as api, folder() as path:
        bucket = server.bucket("kills-bucket")
        _club.project(path, api, ENVIRONMENT % (f"s3://{bucket}/w", "k_"))
        api.answers = _club.FIRST
        moulin("ingest", "club", cwd=path, env=server.env)
        api.answers = _club.SECOND
        assert run_and_kill(path, proxy, 1, "after"), "the first commit of the load is that of a child"
        moulin("ingest", "club", cwd=path, env=server.env)
        _club.check(reader(server, "k_"), _club.AFTER_SECOND)
        # that run began when the dead one still looked alive: the one behind it removes its lease
        moulin("ingest", "club", cwd=path, env=server.env)
        left = [found["Key"] for found in server.client("s3").list_objects_v2(Bucket=bucket, Prefix="w/_moulin/leases").get("Contents", [])]
        assert [key for key in left if key.endswith(".lease")] == [], left


@case
def interrupted_during_each_commit_of_a_later_load():
    """Ctrl-C while Glue is being asked: the call is ended, so that its outcome is known, and the rest is taken back."""
    with _aws.ministack() as server, _aws_proxy.before(server) as proxy, _club.api() as api:
        for number in range(1, 5):
            with folder() as path:
                prefix = f"i{number}_"
                _club.project(path, api, ENVIRONMENT % ("./warehouse", prefix))
                api.answers = _club.FIRST
                moulin("ingest", "club", cwd=path, env=server.env)
                api.answers = _club.SECOND
                proxy.clear()
                started = threading.Event()
                seen = []

                def interrupt():
                    seen.append(1)
                    if len(seen) == number:
                        started.wait()
                        process.send_signal(signal.SIGINT)

                proxy.rule("UpdateTable", "before", nth=0, run=interrupt)
                process = subprocess.Popen([str(MOULIN), "ingest", "club"], cwd=path, env={**os.environ, **proxy.env}, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                started.set()
                output = process.communicate(timeout=120)[0]
                proxy.clear()
                assert process.returncode in (0, 130) and "not known" not in output, (process.returncode, output)
                moulin("ingest", "club", cwd=path, env=server.env)
                _club.check(reader(server, prefix), _club.AFTER_SECOND)


@case
def of_two_runs_at_once_one_wins_and_the_other_says_why():
    with _aws.ministack() as server, _club.api() as api, folder() as path:
        bucket = server.bucket("runs-bucket")
        _club.project(path, api, ENVIRONMENT % (f"s3://{bucket}/w", "r_"))
        for api.answers, expected in (_club.FIRST, _club.AFTER_FIRST), (_club.SECOND, _club.AFTER_SECOND):
            runs = [subprocess.Popen([str(MOULIN), "ingest", "club"], cwd=path, env={**os.environ, **server.env}, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
            texts = [run.communicate(timeout=180)[1] for run in runs]
            codes = sorted(run.returncode for run in runs)
            assert codes in ([0, 1], [0, 0]), (codes, texts)  # 0, 0: the second began when the first had ended
            if codes == [0, 1]:
                assert any("landed first" in text for text in texts), texts
            moulin("ingest", "club", cwd=path, env=server.env)
            _club.check(reader(server, "r_"), expected)


finish()
