#!/usr/bin/env python3
"""Where the program takes AWS credentials from and what it says when none do: against a server of our own that plays STS,
IAM Identity Center, the metadata services and Glue with the shapes that AWS has."""

import datetime
import email.utils
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
from _lib import Skip, case, finish, folder, moulin  # noqa: E402

MOULIN_YML = """\
name: demo
environments:
  dev:
    region: eu-west-1
    warehouse: s3://demo
    catalog: {type: glue}
%s"""


def in_an_hour():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sts_answer(action, key):
    return (f"<{action}Response><{action}Result><AssumedRoleUser><Arn>arn:aws:sts::42:assumed-role/r/s</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>very-secret</SecretAccessKey><SessionToken>tok</SessionToken>"
            f"<Expiration>{in_an_hour()}</Expiration></Credentials></{action}Result></{action}Response>")


def keys_answer(key):
    return json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": "very-secret", "Token": "tok", "Expiration": in_an_hour()})


class FakeAws:
    """Answers on 127.0.0.1; `asked` has (method, what, key id that signed). `refusals`: (code, message) that Glue answers first."""

    def __init__(self, date_ahead_s=0, certificate=None):
        self.asked, self.refusals, self.date_ahead_s = [], [], date_ahead_s
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                fake.answer(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

            def date_time_string(self, timestamp=None):
                return email.utils.formatdate(datetime.datetime.now().timestamp() + fake.date_ahead_s, usegmt=True)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0)).decode()
        form = dict(urllib.parse.parse_qsl(body))
        target = request.headers.get("X-Amz-Target", "")
        what = target or form.get("Action") or request.path.split("?")[0]
        signed = request.headers.get("Authorization", "")
        key = signed.split("Credential=")[1].split("/")[0] if "Credential=" in signed else ""
        self.asked.append((request.command, what, key))
        status, text = 200, "{}"
        if target.startswith("AWSGlue") and self.refusals:
            code, message = self.refusals.pop(0)
            status, text = 400, json.dumps({"__type": code, "message": message})
        elif what == "AWSGlue.GetDatabases":
            text = json.dumps({"DatabaseList": []})
        elif what.startswith("AssumeRole") and form["RoleArn"] == "arn:aws:iam::42:role/forbidden":
            status, text = 403, ("<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::42:user/me is not authorized to perform: "
                                 "sts:AssumeRole on resource: arn:aws:iam::42:role/forbidden</Message></Error><RequestId>r-1</RequestId></ErrorResponse>")
        elif what.startswith("AssumeRole"):
            text = sts_answer(what, "ASSUMED" if what == "AssumeRole" else "WEBIDENTITY")
        elif what == "/federation/credentials":
            role = {"accessKeyId": "SSO", "secretAccessKey": "very-secret", "sessionToken": "tok", "expiration": 4102444800000}
            text = json.dumps({"roleCredentials": role})
        elif what == "/latest/api/token":
            text = "imds-token"
        elif what == "/latest/meta-data/iam/security-credentials/":
            text = "role-of-instance"
        elif what == "/latest/meta-data/iam/security-credentials/role-of-instance":
            text = keys_answer("INSTANCE") if request.headers.get("x-aws-ec2-metadata-token") == "imds-token" else "{}"
        elif what == "/container":
            text = keys_answer("CONTAINER") if signed == "from-file" else "{}"
        request.send_response(status)
        request.send_header("Content-Length", str(len(text.encode())))
        request.end_headers()
        request.wfile.write(text.encode())


class Home:
    """A project and a home folder, with nothing of the user's AWS in the environment."""

    def __init__(self, path, aws, environment=""):
        self.path, self.aws = path, aws
        (path / "project").mkdir()
        (path / "project/moulin.yml").write_text(MOULIN_YML % environment)
        self.env = {name: "" for name in os.environ if name.startswith("AWS_")}
        # The metadata services of the machine that runs the test are none of ours, and no proxy stands before 127.0.0.1.
        self.env |= {"HOME": str(path), "AWS_ENDPOINT_URL": aws.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url,
                     "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}

    def file(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, code=0, **env):
        return moulin("table", "ls", cwd=self.path / "project", env={**self.env, **env}, code=code)

    def signed_by(self, key, **env):
        self.aws.asked.clear()
        self.run(**env)
        assert self.aws.asked[-1] == ("POST", "AWSGlue.GetDatabases", key), self.aws.asked
        return [what for _, what, _ in self.aws.asked]

    def fails(self, *fragments, code=1, **env):
        text = self.run(code=code, **env).stderr
        assert len([line for line in text.splitlines() if line.startswith("error:")]) == 1, text
        for fragment in fragments:
            assert fragment in text, f"{fragment!r} is not in: {text}"
        assert "very-secret" not in text, text
        return text


@case
def every_provider_gives_its_credentials():
    with FakeAws() as aws, folder() as path:
        home = Home(path, aws)
        assert home.signed_by("INSTANCE")[:3] == ["/latest/api/token", "/latest/meta-data/iam/security-credentials/",
                                                  "/latest/meta-data/iam/security-credentials/role-of-instance"]
        token = home.file("token", "from-file\n")
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}
        assert home.signed_by("CONTAINER", **container) == ["/container", "AWSGlue.GetDatabases"]
        home.file(".aws/credentials", "[default]\naws_access_key_id = SHARED\naws_secret_access_key = very-secret\n")
        # Whoever has credentials nearer asks no machine: neither container nor instance.
        assert home.signed_by("SHARED", **container) == ["AWSGlue.GetDatabases"]
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::42:role/w"}
        assert home.signed_by("WEBIDENTITY", **web) == ["AssumeRoleWithWebIdentity", "AWSGlue.GetDatabases"]
        home.file(".aws/config", """\
[profile role]
role_arn = arn:aws:iam::42:role/r
source_profile = default

[profile sso]
sso_session = corp
sso_account_id = 42
sso_role_name = Dev

[profile process]
credential_process = /bin/sh -c 'printf "{\\"Version\\": 1, \\"AccessKeyId\\": \\"PROCESS\\", \\"SecretAccessKey\\": \\"very-secret\\"}"'

[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example
""")
        home.file(f".aws/sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json", json.dumps({"accessToken": "t", "expiresAt": in_an_hour()}))
        assert home.signed_by("ASSUMED", AWS_PROFILE="role", **web) == ["AssumeRole", "AWSGlue.GetDatabases"]
        assert home.signed_by("SSO", AWS_PROFILE="sso") == ["/federation/credentials", "AWSGlue.GetDatabases"]
        assert home.signed_by("PROCESS", AWS_PROFILE="process") == ["AWSGlue.GetDatabases"]
        keys = {"AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "very-secret"}
        assert home.signed_by("ENVIRONMENT", AWS_PROFILE="role", **keys, **container, **web) == ["AWSGlue.GetDatabases"]


@case
def moulin_yml_names_profile_and_role():
    with FakeAws() as aws, folder() as path:
        home = Home(path, aws, "    profile: work\n    role_arn: arn:aws:iam::42:role/r\n")
        home.file(".aws/credentials", "[work]\naws_access_key_id = WORK\naws_secret_access_key = very-secret\n")
        home.signed_by("ASSUMED", AWS_ACCESS_KEY_ID="OTHER", AWS_SECRET_ACCESS_KEY="x")
        assert ("POST", "AssumeRole", "WORK") in aws.asked, aws.asked


@case
def what_is_wrong_with_credentials_is_said_once_with_what_to_do():
    with FakeAws() as aws, folder() as path:
        home = Home(path, aws)
        off = {"AWS_EC2_METADATA_DISABLED": "true"}
        home.fails("glue:GetDatabases", "no AWS credentials: looked at environment (AWS_ACCESS_KEY_ID is not set)", "profile 'default'",
                   "AWS_EC2_METADATA_DISABLED is true", "aws sso login", **off)
        assert aws.asked == []
        home.file(".aws/config", "[profile role]\nrole_arn = arn:aws:iam::42:role/forbidden\nsource_profile = keys\n"
                                 "[profile keys]\naws_access_key_id = K\naws_secret_access_key = very-secret\n"
                                 "[profile sso]\nsso_session = corp\nsso_account_id = 42\nsso_role_name = Dev\n"
                                 "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example\n"
                                 "[profile process]\ncredential_process = /bin/sh -c 'echo go away >&2; exit 3'\n"
                                 "[profile mfa]\nrole_arn = arn:aws:iam::42:role/r\nsource_profile = keys\nmfa_serial = arn:aws:iam::42:mfa/me\n")
        home.fails("sts:AssumeRole, role arn:aws:iam::42:role/forbidden: AccessDenied", "request id r-1", "role_arn of ~/.aws/config:2",
                   "allow sts:AssumeRole on arn:aws:iam::42:role/forbidden in a policy of arn:aws:iam::42:user/me", AWS_PROFILE="role")
        home.fails("not logged in", "aws sso login --sso-session corp", AWS_PROFILE="sso")
        home.fails("exit code 3: go away", "credential_process of ~/.aws/config:15", AWS_PROFILE="process")
        home.fails("MFA code", "aws configure export-credentials --profile mfa", AWS_PROFILE="mfa")
        home.fails("there is no profile 'kyes'", "did you mean 'keys'?", AWS_PROFILE="kyes", code=2)
        home.file(".aws/config", "[default]\nregion eu-west-1\n")
        home.fails("~/.aws/config:2:1: ", "expected name = value, found 'region eu-west-1'", code=2)


@case
def refusals_of_keys_and_clocks_are_told_apart():
    with FakeAws() as aws, folder() as path:
        home = Home(path, aws)
        keys = {"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "very-secret"}
        for code, message, fragment in (
                ("ExpiredTokenException", "The security token included in the request is expired", "the credentials are expired"),
                ("UnrecognizedClientException", "The security token included in the request is invalid.", "AWS does not know this access key"),
                ("InvalidSignatureException", "The request signature we calculated does not match", "is the secret access key right"),
                ("AccessDeniedException", "User: arn:aws:iam::42:user/me is not authorized to perform: glue:GetDatabases on resource: "
                 "arn:aws:glue:eu-west-1:42:catalog because no identity-based policy allows the glue:GetDatabases action",
                 "allow glue:GetDatabases on arn:aws:glue:eu-west-1:42:catalog in a policy of arn:aws:iam::42:user/me"),
                ("AccessDeniedException", "User: arn:aws:iam::42:user/me is not authorized to perform: glue:GetDatabases on resource: x with an "
                 "explicit deny in a service control policy", "a policy denies glue:GetDatabases explicitly")):
            aws.refusals = [(code, message)] * 2  # also after the one refresh of what is expired
            home.fails(f"glue:GetDatabases, the catalog: {code}", fragment, **keys)
    with FakeAws(date_ahead_s=7200) as aws, folder() as path:
        home = Home(path, aws)
        aws.refusals = [("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260101T015500Z")]
        told = home.run(**keys).stderr
        assert "clock" in told and "behind AWS's" in told, told


@case
def expired_credentials_are_fetched_anew_once():
    with FakeAws() as aws, folder() as path:
        home = Home(path, aws)
        aws.refusals = [("ExpiredTokenException", "expired")]
        home.run()
        assert [what for _, what, _ in aws.asked].count("/latest/api/token") == 2, aws.asked
        assert aws.asked[-1][1] == "AWSGlue.GetDatabases"


@case
def a_private_authority_is_named_as_for_awss_tools():
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    with folder() as path:
        certificate = path / "own.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certificate.with_suffix(".key"), "-out", certificate,
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with FakeAws(certificate=certificate) as aws:
            home = Home(path, aws)
            keys = {"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "very-secret"}
            home.fails("certificate", **keys)
            home.signed_by("K", AWS_CA_BUNDLE=str(certificate), **keys)
            home.file(".aws/config", f"[default]\nca_bundle = {certificate}\n")
            home.signed_by("K", **keys)


finish()
