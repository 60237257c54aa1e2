#!/usr/bin/env python3
"""S3 under fire: a proxy before real servers refuses, resets, cuts, lies and loses answers (`_s3_faults.py`). Nothing is
lost, nothing is there twice, no file stays without an owner; where patience does not help, one message says what happened."""

import os
import re
import shutil
import subprocess
import sys
import time

import _aws
from _lib import ROOT, Skip, case, finish, folder, moulin, moulin_json
from _s3_faults import Fault, faults

RECORDINGS = "pipelines/ingest/chess-ingestion/recordings"
STEPS = [("2009-10-15", "2009/10", 21), ("2009-11-02", "2009/10", 46), ("2020-06-02", "2020/05", 63)]
BUCKET = "fire"
REFUSALS = ["slow down", "internal error", "bad gateway", "request timeout", "reset", "error in 200"]
SPOILED = ["lost answer", "late internal error", "late error in 200", "cut", "wrong checksum"]


def project(path, catalog, prefix):
    shutil.copytree(ROOT / "template" / "pipelines" / "ingest", path / "pipelines" / "ingest")
    kind = {"sql": "{type: sql, uri: \"sqlite:///catalog.db\"}", "filesystem": "{type: filesystem}"}[catalog]
    (path / "moulin.yml").write_text(
        f"name: fire\ndefault_environment: dev\nenvironments:\n  dev:\n    warehouse: s3://{BUCKET}/{prefix}\n    catalog: {kind}\n"
        "    engine: {type: embedded}\nlanding: {namespace: landing, format_version: 2}\n")
    return path


def ingest(path, step, env, code=0):
    name, month, _ = STEPS[step]
    return moulin("ingest", "chess", "--replay", f"{RECORDINGS}/{name}.har", "--now", f"{name}T12:00:00Z", "--start-month", month,
                  "--end-month", month, cwd=path, env=env, code=code)


def rows(path, env):
    """Games, distinct games, loads."""
    (row,) = moulin_json("query", "select (select count(*) from landing.chess_players_games) games, (select count(distinct url) from "
                         "landing.chess_players_games) urls, (select count(*) from landing._dlt_loads) loads", cwd=path, env=env)
    return int(row["games"]), int(row["urls"]), int(row["loads"])


def strays(path, env):
    return moulin_json("table", "orphans", "--older-than", "0s", cwd=path, env=env)


def load_all(path, proxy, straight):
    """Every step under fire, what is there after each seen without it."""
    for step, (_, _, games) in enumerate(STEPS):
        ingest(path, step, proxy.env)
        assert rows(path, straight) == (games, games, step + 1), rows(path, straight)
    seen = rows(path, proxy.env)  # the engine's own reading is under fire as well
    assert seen == (63, 63, 3), seen
    left = strays(path, straight)
    assert not left, left


def suites(server):
    straight = server.env
    server.bucket(BUCKET)
    with faults(server) as proxy:
        def under_fire(title):
            def wrap(function):
                def run():
                    proxy.plan, proxy.kinds, proxy.chance, proxy.home = [], [], 0.0, None
                    proxy.forget()
                    function()
                run.title = f"{title} ({server.name})"
                return case(run)
            return wrap

        @under_fire("the store keeps its contract while one request in eight fails")
        def _():
            proxy.kinds, proxy.chance = [*REFUSALS, *SPOILED, "conditional conflict"], 0.12
            done = subprocess.run([str(ROOT / "build/tests/interop/s3_suite"), f"s3://{BUCKET}/suite", "60"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=900, env={**os.environ, **proxy.env})
            assert done.returncode == 0, done.stdout[-3000:]
            assert sum(proxy.done.values()) > 20, proxy.done

        for catalog in ("sql", "filesystem"):
            @under_fire(f"loads land once while one request in seven fails, catalog {catalog}")
            def _():
                with folder() as path:
                    project(path, catalog, f"dice-{catalog}")
                    proxy.kinds, proxy.chance = [*REFUSALS, *SPOILED], 0.15
                    load_all(path, proxy, straight)
                    assert len(proxy.done) >= 6, proxy.done

            @under_fire(f"every answer to a write that is lost once is found again, catalog {catalog}")
            def _():
                with folder() as path:
                    project(path, catalog, f"lost-{catalog}")
                    names = [r"\.metadata\.json$", r"snap-.*\.avro$", r"-m\d+\.avro$|manifest", r"\.parquet$", r"\.lease$"]
                    for step, (_, _, games) in enumerate(STEPS):
                        proxy.plan = [Fault("lost answer", method="PUT", key=name, times=1) for name in names]
                        ingest(path, step, proxy.env)
                        assert rows(path, straight) == (games, games, step + 1)
                    assert proxy.done["lost answer"] >= 9, proxy.done
                    assert not strays(path, straight)

        @under_fire("eight writers commit to one table of a filesystem catalog, every row once")
        def _():
            writers, commits = 8, 6
            probe = [str(ROOT / "build/tests/interop/iceberg_probe"), "-", f"s3://{BUCKET}/writers"]
            subprocess.run([*probe, "create", "n.t", "id: long"], check=True, env={**os.environ, **straight})
            proxy.kinds, proxy.chance = ["slow down", "lost answer", "reset"], 0.04
            running = [subprocess.Popen([*probe, "append", "n.t", f"SELECT {n} AS id", str(commits)], env={**os.environ, **proxy.env},
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for n in range(writers)]
            said = [process.communicate(timeout=600)[0] for process in running]
            assert all(process.returncode == 0 for process in running), said
            assert proxy.done["lost answer"] > 0, proxy.done
            rows = subprocess.run([*probe, "rows", "n.t"], check=True, env={**os.environ, **straight}, stdout=subprocess.PIPE, text=True).stdout.split()
            assert sorted(rows) == sorted(str(n) for n in range(writers) for _ in range(commits)), rows

        @under_fire("a load that storage refuses leaves nothing, and the next one lands")
        def _():
            with folder() as path:
                project(path, "sql", "refused")
                ingest(path, 0, straight)
                proxy.plan = [Fault("denied", method="PUT", key=r"\.metadata\.json$")]
                said = ingest(path, 1, proxy.env, code=1).stderr
                assert "s3:PutObject" in said and "AccessDenied" in said and f"s3://{BUCKET}/refused" in said, said
                assert rows(path, straight) == (21, 21, 1)
                assert not strays(path, straight), strays(path, straight)
                ingest(path, 1, straight)
                assert rows(path, straight) == (46, 46, 2)

        @under_fire("an object whose checksum is wrong each time is called damaged")
        def _():
            with folder() as path:
                project(path, "filesystem", "wrong-checksum")
                ingest(path, 0, straight)
                for fault in ("wrong checksum", "flipped byte"):
                    proxy.plan = [Fault(fault, method="GET", key=r"\.metadata\.json$")]
                    done = moulin("table", "ls", cwd=path, env={**proxy.env, "AWS_MAX_ATTEMPTS": "2"}, code=None)
                    if fault == "flipped byte" and done.returncode == 0:
                        raise AssertionError("a flipped byte went unseen")
                    assert done.returncode == 1 and "checksum" in done.stderr, done.stderr

        @under_fire("a damaged answer is asked for again")
        def _():
            with folder() as path:
                project(path, "filesystem", "once-damaged")
                ingest(path, 0, straight)
                proxy.plan = [Fault(what, method="GET", key=r"\.(metadata\.json|avro)$", times=1) for what in ("wrong checksum", "cut", "flipped byte")]
                assert rows(path, proxy.env) == (21, 21, 1)
                assert sum(proxy.done.values()) == 3, proxy.done

        @under_fire("a bucket of another region is found")
        def _():
            with folder() as path:
                project(path, "filesystem", "elsewhere")
                proxy.home = {BUCKET: server.region}
                wrong = {**proxy.env, "AWS_REGION": "ap-southeast-2", "AWS_DEFAULT_REGION": "ap-southeast-2"}
                ingest(path, 0, wrong)
                assert rows(path, wrong) == (21, 21, 1)
                # Once per process and bucket: what was learned is remembered.
                assert 0 < proxy.done["redirect"] <= 4, proxy.done

        @under_fire("a large upload in parts survives")
        def _():
            proxy.plan = [Fault("reset", method="PUT", query="partNumber=2", times=1), Fault("slow down", method="PUT", query="partNumber=3", times=2),
                          Fault("lost answer", method="PUT", query="partNumber=1", times=1), Fault("late internal error", method="POST", query="^uploadId", times=1),
                          Fault("error in 200", method="POST", query="^uploadId", times=1), Fault("lost answer", method="POST", query="^uploadId", times=1)]
            done = subprocess.run([str(ROOT / "build/tests/interop/s3_suite"), f"s3://{BUCKET}/parts", "1"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=900, env={**os.environ, **proxy.env})
            assert done.returncode == 0, done.stdout[-3000:]
            assert sum(proxy.done.values()) == 7, proxy.done
            left = server.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
            assert not left, left

        @under_fire("refusals that no patience helps name call, object and permission")
        def _():
            with folder() as path:
                project(path, "filesystem", "refusals")
                ingest(path, 0, straight)
                wanted = {
                    "no credentials": ({**straight, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, ["credentials"]),
                    "a wrong secret": ({**straight, "AWS_SECRET_ACCESS_KEY": "wrong"}, ["s3:", "SignatureDoesNotMatch"]),
                    "an unknown key": ({**straight, "AWS_ACCESS_KEY_ID": "AKUNKNOWN"}, ["s3:", "InvalidAccessKeyId" if server.name == "seaweedfs" else "NotFound"]),
                }
                for what, (env, words) in wanted.items():
                    done = moulin("table", "ls", cwd=path, env=env, code=None)
                    assert done.returncode in (1, 2) and all(word in done.stderr for word in words), (what, done.stderr)
                    assert done.stderr.count("error:") == 1, (what, done.stderr)
                proxy.plan = [Fault("denied", method="GET")]
                said = moulin("table", "ls", cwd=path, env=proxy.env, code=1).stderr
                assert "AccessDenied" in said and re.search(r"s3:(GetObject|ListBucket)", said), said
                text = (path / "moulin.yml").read_text()
                (path / "moulin.yml").write_text(text.replace(f"s3://{BUCKET}/", "s3://no-such-bucket/"))
                said = moulin("table", "ls", cwd=path, env=straight, code=2).stderr
                assert "NoSuchBucket" in said and "no-such-bucket" in said, said

        @under_fire("a killed load is taken away by the next once its lease is silent")
        def _():
            with folder() as path:
                project(path, "sql", "killed")
                ingest(path, 0, straight)
                name, month, _ = STEPS[1]
                # The commit never comes: its first metadata file is refused for as long as the run lives.
                proxy.plan = [Fault("slow down", method="PUT", key=r"\.metadata\.json$|\.avro$")]
                process = subprocess.Popen([str(ROOT / "build/moulin"), "ingest", "chess", "--replay", f"{RECORDINGS}/{name}.har", "--now",
                                            f"{name}T12:00:00Z", "--start-month", month, "--end-month", month], cwd=path,
                                           env={**os.environ, **proxy.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                limit = time.monotonic() + 60
                while proxy.done["slow down"] == 0 and time.monotonic() < limit:
                    assert process.poll() is None, "the load ended by itself"
                    time.sleep(0.05)
                process.kill()
                process.wait()
                proxy.plan = []
                left = len([key for key in keys(server, "killed/") if key.endswith(".parquet")])
                ingest(path, 1, straight)  # too early to know that it is dead: lands beside it
                assert rows(path, straight) == (46, 46, 2)
                assert not strays(path, straight), "files of a run that may live are nobody's to judge"
                limit = time.monotonic() + 120
                while any(key.endswith(".lease") for key in keys(server, "killed/_moulin/leases/")) and time.monotonic() < limit:
                    time.sleep(2)  # the storage's clock decides when it is dead
                    ingest(path, 1, straight)
                assert not [key for key in keys(server, "killed/_moulin/leases/") if key.endswith(".lease")]
                assert not strays(path, straight) and left > 0
                assert rows(path, straight) == (46, 46, 2)


def keys(server, prefix):
    found = []
    for page in server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        found += [item["Key"] for item in page.get("Contents", [])]
    return found


# One server is enough to be disturbed; `s3_faults.py seaweedfs` takes the other.
for start in [getattr(_aws, name) for name in sys.argv[1:]] or [_aws.versitygw]:
    try:
        with start() as server:
            suites(server)
    except Skip as reason:
        print(f"ok {start.__name__} # SKIP {reason}", flush=True)
finish()
