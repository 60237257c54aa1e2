#!/usr/bin/env python3
"""The suites of the store and of Iceberg on object storage: the same test programs as on files, on servers that check
signatures, checksums and conditional writes. Fault loops included: each storage operation of a commit fails once, for ever,
or after it was carried out."""

import os
import re
import subprocess
import sys

import _aws
from _lib import ROOT, Skip, case, finish

BUILD = ROOT / "build" / "tests"
SUITES = {
    "the store": [BUILD / "interop" / "s3_suite", "{place}"],
    "catalogs": [BUILD / "iceberg_catalog_test"],
    "transactions": [BUILD / "iceberg_transaction_test"],
    "data files": [BUILD / "iceberg_data_writer_test"],
    "scans": [BUILD / "iceberg_scan_test"],
    "commits while storage fails": [BUILD / "iceberg_commit_fault_test"],
}


def suite(server, name, command):
    place = f"s3://suites/{name.replace(' ', '-')}"
    done = subprocess.run([str(part).format(place=place) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=900, env={**os.environ, **server.env, "MOULIN_TEST_STORE": place})
    ran = re.findall(r"(\d+) test\(s\) run", done.stdout)
    assert done.returncode == 0 and ran and int(ran[-1]) > 0, done.stdout[-4000:]


def on(start):
    try:
        with start() as server:
            server.bucket("suites")
            for name, command in SUITES.items():
                def one(name=name, command=command):
                    suite(server, name, command)
                one.title = f"{name} on {server.name}"
                case(one)
            if server.name == "seaweedfs":
                @case
                def nothing_is_left_of_uploads_in_parts():
                    left = server.client("s3").list_multipart_uploads(Bucket="suites").get("Uploads", [])
                    assert not left, left
    except Skip as reason:
        print(f"ok {start.__name__} # SKIP {reason}", flush=True)


on(_aws.seaweedfs)
on(_aws.versitygw)
finish()
