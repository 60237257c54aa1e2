"""`moulin run` of an environment in AWS: the deployed state machine is started and watched, its failures are ours, and what
goes on behind an interruption can be shown and stopped. Its secrets come from Secrets Manager and SSM."""

import json
import os
import signal
import subprocess
import time

import _aws
from _lib import MOULIN, case, finish, folder, moulin, moulin_json

MOULIN_YML = """\
name: demo
default_environment: local
environments:
  local: {warehouse: ./warehouse}
  dev:
    region: eu-west-1
    warehouse: s3://dev-demo
    catalog: {type: glue}
    namespace_prefix: dev_
    %s
"""
MACHINES = {
    "steps": {"StartAt": "First", "States": {
        "First": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.first", "Next": "Choose"},
        "Choose": {"Type": "Choice", "Choices": [{"Variable": "$.fail", "IsPresent": True, "Next": "Wrong"}], "Default": "Last"},
        "Wrong": {"Type": "Fail", "Error": "Moulin.Denied", "Cause": "{\"errorMessage\": \"the table is not ours\"}"},
        "Last": {"Type": "Pass", "End": True}}},
    "slow": {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}},
}


def new_project(work, aws, more=""):
    project = work / "project"
    orchestrate = project / "pipelines/orchestrate"
    orchestrate.mkdir(parents=True)
    (project / "moulin.yml").write_text(MOULIN_YML % more)
    for name, definition in MACHINES.items():
        (orchestrate / f"{name}.asl.json").write_text(json.dumps(definition))
    return project


def deploy(aws):
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
    role = aws.client("iam").create_role(RoleName="dev-machine", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for name, definition in MACHINES.items():
        aws.client("stepfunctions").create_state_machine(name=f"dev-{name}_pipeline", definition=json.dumps(definition), roleArn=role)


class listening:
    """A server that remembers the header X-Token and answers an empty list."""

    def __enter__(self):
        import http.server
        import threading
        tokens = self.tokens = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tokens.append(self.headers["X-Token"])
                body = b"[]"
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@case
def an_execution_in_step_functions_is_watched_shown_and_stopped():
    with _aws.ministack() as aws, folder() as work:
        project = new_project(work, aws)
        run = lambda *a, **o: moulin("--env", "dev", "run", *a, cwd=project, env=aws.env, **o)  # noqa: E731

        done = run("steps", code=1)
        assert "StateMachineDoesNotExist" in done.stderr and "make deploy ENVIRONMENT=dev" in done.stderr, done.stderr
        assert "dev-steps_pipeline" in done.stderr, done.stderr
        done = run("stepps", code=2)
        assert "did you mean steps?" in done.stderr, done.stderr
        deploy(aws)

        done = run("steps", "--name", "one", "--input", '{"a": 1}')
        assert json.loads(done.stdout) == {"a": 1, "first": {"n": 1}}, done.stdout
        for line in ("one: started in Step Functions, environment dev", "First: started", "First: done in", "Last: done in", "one: succeeded"):
            assert line in done.stderr, done.stderr
        assert not (project / ".moulin").exists()

        done = run("steps", "--name", "two", "--input", '{"fail": true}', code=1)
        assert "the execution two failed: Moulin.Denied: the table is not ours" in done.stderr, done.stderr
        assert "moulin run --env dev --show two" in done.stderr, done.stderr
        done = run("steps", "--name", "two", "--input", '{"other": true}', code=1)
        assert "ExecutionAlreadyExists" in done.stderr, done.stderr

        listed = moulin_json("--env", "dev", "run", "--list", cwd=project, env=aws.env)
        assert [(e["id"], e["workflow"], e["status"]) for e in listed] == [("two", "steps", "FAILED"), ("one", "steps", "SUCCEEDED")], listed
        shown = moulin_json("--env", "dev", "run", "--show", "on", cwd=project, env=aws.env)
        assert shown["status"] == "SUCCEEDED" and shown["input"] == {"a": 1}, shown
        assert ("First", "PassStateEntered") in [(e["state"], e["type"]) for e in shown["events"]], shown
        assert "Choose" in run("--show", "two").stdout
        assert "no execution 'three'" in run("--show", "three", code=1).stderr

        # The same file on this machine, and an interruption that ends the watching only.
        assert json.loads(run("steps", "--local", "--name", "here").stdout) == {"first": {"n": 1}}
        assert [e["id"] for e in moulin_json("--env", "dev", "run", "--list", "--local", cwd=project, env=aws.env)] == ["here"]
        watching = subprocess.Popen([MOULIN, "--env", "dev", "run", "slow", "--name", "long"], cwd=project, text=True, stderr=subprocess.PIPE,
                                    stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env={**os.environ, **aws.env})
        for line in watching.stderr:
            if "Wait: started" in line:
                break
        watching.send_signal(signal.SIGINT)
        told = watching.stderr.read()
        assert watching.wait(60) == 130, told
        assert "the execution long goes on in AWS" in told and "moulin run --env dev --stop long" in told, told
        assert moulin_json("--env", "dev", "run", "--show", "long", cwd=project, env=aws.env)["status"] == "RUNNING"
        run("--stop", "long")
        assert moulin_json("--env", "dev", "run", "--show", "long", cwd=project, env=aws.env)["status"] == "ABORTED"
        done = moulin("run", "--stop", "long", cwd=project, code=2)
        assert "on this machine" in done.stderr, done.stderr


@case
def secrets_come_from_secrets_manager_and_ssm():
    with _aws.ministack() as aws, folder() as work:
        aws.client("secretsmanager").create_secret(Name="dev-api", SecretString='{"token": "t0ken"}')
        aws.client("ssm").put_parameter(Name="/dev/api/token", Value="par4meter", Type="SecureString")
        for kind, value in (("secretsmanager", "t0ken"), ("ssm", "par4meter")):
            project = new_project(work / kind, aws, f"secrets: {{type: {kind}}}")
            # What a secret is worth is only seen in a source's requests: a server of our own answers one.
            with listening() as server:
                source = project / "pipelines/ingest/api-ingestion"
                source.mkdir(parents=True)
                (source / "source.yml").write_text(
                    "type: rest_api\nclient:\n  base_url: %s\n  headers: {X-Token: \"{{ secret('api/token') }}\"}\nresources: [things]\n" % server.url)
                done = moulin("--env", "dev", "ingest", "api", "--dry-run", cwd=project, env=aws.env, code=None)
            assert value not in done.stdout + done.stderr
            assert server.tokens == [value], (kind, server.tokens, done.stderr)
            (source / "source.yml").write_text((source / "source.yml").read_text().replace("api/token", "api/none"))
            done = moulin("--env", "dev", "ingest", "api", "--dry-run", cwd=project, env=aws.env, code=2)
            assert ("no key none" if kind == "secretsmanager" else "there is no secret 'api/none': ssm:GetParameter, parameter /dev/api/none") in done.stderr


finish()
