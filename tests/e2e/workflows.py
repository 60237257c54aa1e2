"""The workflows of a written project: what they may do, what they are pinned to, and that their scripts do what they say."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT, Skip, case, finish, folder, moulin  # noqa: E402

CACHE = pathlib.Path(os.environ.get("MOULIN_CACHE", ROOT / ".cache"))
# The digests that the workflows may use, each with the version that was looked up for it.
PINS = {
    "actions/checkout": ("08c6903cd8c0fde910a37f88322edcfb5dd907a8", "v5.0.0"),
    "hashicorp/setup-terraform": ("b9cd54a3c349d3f38e8881555d616ced269862dd", "v3.1.2"),
    "aws-actions/configure-aws-credentials": ("b47578312673ae6fa5b5096b330d9fbac3d116df", "v4.2.1"),
}
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(?: # (\S+))?$", re.M)


def workflows(project):
    for path in sorted((project / ".github/workflows").glob("*.yml")):
        # YAML 1.1 takes the key `on` for a boolean
        yield path.name, {("on" if key is True else key): value for key, value in yaml.safe_load(path.read_text()).items()}


def jobs(project):
    for name, workflow in workflows(project):
        for job_name, job in workflow["jobs"].items():
            yield f"{name}: {job_name}", workflow, job


def run(script, *words, stdin="", **options):
    return subprocess.run(["bash", script, *words], input=stdin, text=True, capture_output=True, check=True, **options).stdout


with folder() as work:
    moulin("init", work / "project", cwd=work)
    project = work / "project"

    @case
    def every_action_is_pinned_by_a_known_digest():
        seen = set()
        for path in sorted((project / ".github").rglob("*.yml")):
            for used, version in USES.findall(path.read_text()):
                if used.startswith("./"):
                    assert (project / used).exists(), used
                    continue
                action, _, digest = used.partition("@")
                assert PINS.get(action) == (digest, version), f"{path.name}: {used} # {version}"
                seen.add(action)
        assert seen == set(PINS)

    @case
    def nothing_may_more_than_it_needs():
        for name, workflow, job in jobs(project):
            assert workflow["permissions"] == {"contents": "read"}, name
            allowed = job.get("permissions", workflow["permissions"])
            steps = str(job)
            assert allowed["contents"] == "read", name
            uses_role = "configure-aws-credentials" in steps or "deploy-environment.yml" in steps
            assert (allowed.get("id-token") == "write") == uses_role, name
            assert ("pull-requests" in allowed) == ("scripts/comment" in steps), name
            assert ("issues" in allowed) == ("scripts/issue" in steps), name
            assert set(allowed) <= {"contents", "id-token", "pull-requests", "issues"}, name

    @case
    def no_workflow_knows_a_key():
        for path in (project / ".github").rglob("*"):
            text = path.read_text() if path.is_file() else ""
            assert not re.search(r"aws-access-key-id|AWS_SECRET|AWS_ACCESS_KEY|secrets\.", text, re.I), path

    @case
    def pull_requests_read_and_deployments_write():
        for name, workflow, job in jobs(project):
            steps = str(job)
            if "AWS_APPLY_ROLE_ARN" in steps:
                assert name.startswith("deploy-environment.yml") and job["environment"] == "${{ inputs.environment }}", name
            if "pull_request" in workflow["on"]:
                assert "AWS_APPLY_ROLE_ARN" not in steps and "environment" not in job, name
                if "configure-aws-credentials" in steps:
                    assert "head.repo.full_name == github.repository" in job["if"], f"{name} would fail for forks"
            assert "pull_request_target" not in workflow["on"], name

    @case
    def deployments_of_an_environment_wait_for_each_other():
        groups = {name: job["concurrency"] for name, _, job in jobs(project) if "concurrency" in job}
        assert groups["deploy-environment.yml: deploy"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}
        assert groups["drift.yml: drift"] == {"group": "deploy-${{ matrix.environment }}", "cancel-in-progress": False}
        for name, workflow in workflows(project):
            if "pull_request" in workflow["on"]:
                assert workflow["concurrency"] == {"group": "pull-request-${{ github.event.pull_request.number }}", "cancel-in-progress": True}

    @case
    def every_job_ends_and_no_text_from_outside_becomes_a_command():
        for name, _, job in jobs(project):
            assert "uses" in job or job["timeout-minutes"] <= 120, name
            for step in job.get("steps", []):
                assert "${{" not in step.get("run", ""), f"{name}: {step}"
                if step.get("uses", "").startswith("actions/checkout"):
                    assert step["with"]["persist-credentials"] is False, name

    @case
    def what_they_call_is_there():
        assert (project / "docs/ci.md").exists() and "docs/ci.md" in (project / ".github/actions/moulin/action.yml").read_text()
        makefile = (project / "Makefile").read_text()
        help_text = moulin("--help", cwd=project).stdout
        for path in (project / ".github/workflows").glob("*.yml"):
            text = path.read_text()
            for target in re.findall(r"\bmake (?:--no-print-directory )?([a-z-]+)", text):
                assert re.search(rf"^{target}:", makefile, re.M), f"{path.name}: make {target}"
            for command in re.findall(r"^\s*(?:run: )?moulin ([a-z]+)", text, re.M):
                assert re.search(rf"^\s+{command}\b", help_text, re.M), f"{path.name}: moulin {command}"

    @case
    def actionlint_finds_nothing():
        program = shutil.which("actionlint") or CACHE / "bin/actionlint"
        if not pathlib.Path(program).exists():
            raise Skip("actionlint is not there (tools/setup test)")
        subprocess.run(["git", "init", "-q"], cwd=project, check=True)
        done = subprocess.run([program, "-no-color"], cwd=project, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr

    @case
    def a_plan_is_told_deletions_first():
        plan = """\
data.aws_region.this: Reading...
data.aws_region.this: Read complete after 0s [id=eu-west-1]
aws_s3_bucket.old: Refreshing state... [id=old]
  # aws_s3_bucket.old will be destroyed
  # aws_lambda_function.chess must be replaced
  # aws_sns_topic.notices will be created
  # module.a["x"].aws_iam_role.r will be updated in-place

Plan: 2 to add, 1 to change, 2 to destroy.
"""
        text = run(project / ".github/scripts/plan-summary", "dev", stdin="No changes. Nothing.\n" + plan)
        assert "- **No changes.**\n- **Plan: 2 to add" in text, text
        places = [text.index(word) for word in ("Plan: 2 to add", "`aws_s3_bucket.old`", "`aws_lambda_function.chess`", "`aws_sns_topic.notices`",
                                                '`module.a["x"].aws_iam_role.r`', "The whole plan")]
        assert places == sorted(places), text
        assert "Refreshing" not in text and "Read complete" not in text, text
        assert "no summary" in run(project / ".github/scripts/plan-summary", "dev", stdin="Error: no credentials\n")
        assert "- **No changes.**\n" in run(project / ".github/scripts/plan-summary", "dev", stdin="No changes. Your infrastructure matches\n")

    def github(answers):
        """A stand-in for gh: answers by method, and a file of what was sent."""
        bin_folder = work / "bin"
        bin_folder.mkdir(exist_ok=True)
        (bin_folder / "gh").write_text(f"""#!/usr/bin/env python3
import json, subprocess, sys
words = sys.argv[1:]
log = open({str(work / 'sent')!r}, "a")
method = words[words.index("--method") + 1] if "--method" in words else "GET"
path = next(w for w in words if w.startswith("repos/"))
if method == "GET":
    answer = {answers!r}
    if "--jq" in words:
        sys.exit(subprocess.run(["jq", "-r", words[words.index("--jq") + 1]], input=answer, text=True).returncode)
    print(answer)
else:
    fields = dict(w.split("=", 1) for w in words if "=" in w)
    body = open(fields["body"][1:]).read()
    print(json.dumps([method, path, fields.get("title"), body]), file=log)
""")
        (bin_folder / "gh").chmod(0o755)
        (work / "sent").unlink(missing_ok=True)
        return {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "o/r", "PULL_REQUEST": "12"}

    def sent():
        import json
        return [json.loads(line) for line in (work / "sent").read_text().splitlines()]

    @case
    def a_comment_is_made_once_and_then_written_over():
        if not shutil.which("jq"):
            raise Skip("jq is not installed")
        script = project / ".github/scripts/comment"
        run(script, "plan of dev", stdin="one\n", env=github("[]"))
        (method, path, _, body), = sent()
        assert (method, path) == ("POST", "repos/o/r/issues/12/comments") and body.endswith("one\n"), body
        comments = '[{"id": 6, "user": {"type": "User"}, "body": "<!-- moulin: plan of dev -->"}, {"id": 7, "user": {"type": "Bot"}, "body": "<!-- moulin: plan of dev -->\\nold"}]'
        run(script, "plan of dev", stdin="x" * 70000, env=github(comments))
        (method, path, _, body), = sent()
        assert (method, path) == ("PATCH", "repos/o/r/issues/comments/7") and len(body) < 65536 and "Cut here" in body

    @case
    def drift_goes_to_one_open_issue():
        if not shutil.which("jq"):
            raise Skip("jq is not installed")
        script = project / ".github/scripts/issue"
        run(script, "Drift in dev", stdin="what\n", env=github("[]"))
        (method, path, title, body), = sent()
        assert (method, path, title, body) == ("POST", "repos/o/r/issues", "Drift in dev", "what\n")
        issues = '[{"number": 3, "title": "Drift in dev", "pull_request": {}}, {"number": 4, "title": "Drift in dev"}]'
        run(script, "Drift in dev", stdin="more\n", env=github(issues))
        assert sent()[0][:2] == ["POST", "repos/o/r/issues/4/comments"]

    @case
    def the_action_takes_only_the_archive_that_was_named():
        action = yaml.safe_load((project / ".github/actions/moulin/action.yml").read_text())
        step, = action["runs"]["steps"]
        tree = work / "tree/moulin-1/bin"
        tree.mkdir(parents=True)
        (tree / "moulin").write_text("#!/bin/sh\necho moulin 1\n")
        (tree / "moulin").chmod(0o755)
        archive = work / "moulin.tar.gz"
        subprocess.run(["tar", "-czf", archive, "-C", work / "tree", "moulin-1"], check=True)
        digest = subprocess.run(["sha256sum", archive], text=True, capture_output=True, check=True).stdout.split()[0]
        # only the fetching is replaced: curl copies the file
        fetch = work / "fetch"
        fetch.mkdir()
        (fetch / "curl").write_text(f'#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\ncp {archive} "$2"\n')
        (fetch / "curl").chmod(0o755)
        for wanted, expected in ((digest, 0), ("0" * 64, 1), ("", 1)):
            temp = work / f"runner-{expected}-{len(wanted)}"
            temp.mkdir()
            env = {**os.environ, "PATH": f"{fetch}:{os.environ['PATH']}", "RUNNER_TEMP": str(temp), "GITHUB_PATH": str(temp / "path"),
                   "ARCHIVE_URL": "https://example.org/moulin.tar.gz", "ARCHIVE_SHA256": wanted}
            done = subprocess.run(["bash", "-c", step["run"]], env=env, text=True, capture_output=True)
            assert done.returncode == expected, done.stdout + done.stderr
            assert (temp / "path").exists() == (expected == 0)

finish()
