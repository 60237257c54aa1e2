#!/usr/bin/env python3
"""What a deployment calls of Docker, without an engine: build, login and push into a stand-in's registry.

The image's layers stay where `moulin package --image` wrote them: a push gives the registry a manifest, so that the tag
has a digest, and tells the stand-in by which command on this machine a task of that image starts (TEST_ECS_IMAGES)."""

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import re
import sys

import boto3

BUILT = pathlib.Path(os.environ["TEST_DOCKER_FOLDER"])


def parse(words):
    parser = argparse.ArgumentParser(prog="docker")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build")
    build.add_argument("--platform", choices=["linux/amd64", "linux/arm64"], required=True)
    build.add_argument("--provenance")
    build.add_argument("--tag", required=True)
    build.add_argument("context", type=pathlib.Path)
    login = commands.add_parser("login")
    login.add_argument("--username", required=True)
    login.add_argument("--password-stdin", action="store_true", required=True)
    login.add_argument("registry")
    push = commands.add_parser("push")
    push.add_argument("tag")
    return parser.parse_args(words)


def place(tag):
    return BUILT / (hashlib.sha256(tag.encode()).hexdigest()[:16] + ".json")


def build(options):
    """Remembers how the image starts: the entry point, found in what the Dockerfile copies into the image's root."""
    text = (options.context / "Dockerfile").read_text()
    (copied,) = re.findall(r"^COPY (\S+) /$", text, re.M)
    entry = json.loads(re.search(r"^ENTRYPOINT (\[.*\])", text, re.M).group(1))
    program = (options.context / copied).resolve() / entry[0].lstrip("/")
    if not os.access(program, os.X_OK):
        sys.exit(f"docker: the entry point {entry[0]} is not in the image")
    place(options.tag).write_text(json.dumps([str(program), *entry[1:]]))


def login(options):
    if len(sys.stdin.read().strip()) < 8:
        sys.exit("docker: no password came")
    (BUILT / "logged-in").write_text(options.registry)


def push(options):
    command = json.loads(place(options.tag).read_text())
    registry, _, image = options.tag.partition("/")
    name, _, tag = image.partition(":")
    if registry != (BUILT / "logged-in").read_text():
        sys.exit(f"docker: nobody is logged in at {registry}")
    digest = hashlib.sha256(json.dumps(command).encode()).hexdigest()
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": f"sha256:{digest}"}}
    boto3.client("ecr").put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag=tag)
    with open(os.environ["TEST_ECS_IMAGES"], "r+", encoding="utf-8") as images:
        fcntl.flock(images, fcntl.LOCK_EX)
        known = json.load(images)
        known[name] = command
        images.seek(0)
        images.truncate()
        json.dump(known, images)


if __name__ == "__main__":
    wanted = parse(sys.argv[1:])
    {"build": build, "login": login, "push": push}[wanted.command](wanted)
