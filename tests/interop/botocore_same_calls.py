#!/usr/bin/env python3
"""botocore and src/aws side by side: 10,000 generated requests get the same signature, every service of every region
the same address, and the shared files the same values."""

import base64
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.parse

import botocore.auth
import botocore.configloader
import botocore.endpoint_provider
import botocore.exceptions
import botocore.loaders
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _lib import ROOT, case, finish  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MOULIN_BUILD", ROOT / "build"))
PROBE = BUILD / "tests" / "interop" / "aws_probe"
REQUESTS = 10_000
PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
ODD = " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}" + "äß€漢字😀\t" + "../"
SERVICES = ["glue", "athena", "secretsmanager", "ssm", "states", "ecs", "sts", "sns", "lambda", "logs"]
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-3", "cn-north-1", "us-gov-west-1"]


def probe(lines):
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    done = subprocess.run([PROBE], input=text, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines), (len(answers), len(lines))
    return answers


def word(rng, longest, odd=0.3):
    return "".join(rng.choice(ODD if rng.random() < odd else PLAIN) for _ in range(rng.randint(0, longest)))


def path_of(rng, is_s3):
    segments = [word(rng, 12) for _ in range(rng.randint(0, 5))]
    if not is_s3 and rng.random() < 0.3:
        segments.insert(rng.randint(0, len(segments)), rng.choice([".", "..", ""]))
    return "/" + "/".join(urllib.parse.quote(s, safe="-_.~" + ("/" if is_s3 else "")) for s in segments)


def query_of(rng, are_unique):
    pairs = [(word(rng, 8) or "k", word(rng, 10)) for _ in range(rng.choice([0, 0, 1, 2, 5]))]
    if are_unique:
        pairs = list({name: value for name, value in pairs}.items())
    elif pairs and rng.random() < 0.3:
        pairs += [(pairs[0][0], word(rng, 5))]
    return "&".join(f"{urllib.parse.quote(n, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for n, v in pairs)


def headers_of(rng):
    names = ["Content-Type", "X-Amz-Target", "X-Amz-Meta-Note", "x-amz-copy-source", "Range", "If-None-Match", "X-Many",
             "User-Agent", "Expect", "x-amzn-trace-id", "amz-sdk-request", "Content-MD5"]
    chosen = rng.sample(names, rng.randint(0, 5))
    headers = [(n, " ".join(word(rng, 8, 0.1).replace("\t", " ") for _ in range(rng.randint(1, 3))) + "  ") for n in chosen]
    if "X-Many" in chosen:
        headers.append(("x-many", "again   and again"))
    return headers


def generate(rng):
    is_s3 = rng.random() < 0.5
    is_query = rng.random() < 0.4
    host = rng.choice(["example.amazonaws.com", "b.s3.eu-west-1.amazonaws.com", "127.0.0.1:9000", "localhost:4566"])
    now = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randint(0, 2_000_000_000))
    return {
        "sign": "query" if is_query else "header", "is_s3": is_s3, "service": "s3" if is_s3 else rng.choice(SERVICES),
        "region": rng.choice(REGIONS), "now": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "key": "AK" + word(rng, 18, 0),
        "secret": word(rng, 40, 0.2) + "x", "token": base64.b64encode(rng.randbytes(rng.randint(1, 300))).decode() if rng.random() < 0.5 else "",
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]), "host": host, "path": path_of(rng, is_s3),
        "query": query_of(rng, is_query), "headers": headers_of(rng),
        "body": "" if is_query else base64.b64encode(rng.randbytes(rng.choice([0, 0, 10, 1000]))).decode(),
        "unsigned": is_query and is_s3 or (is_s3 and not is_query and rng.random() < 0.3),
        "expires": rng.choice([60, 3600, 604800]),
    }


def by_botocore(line):
    now = datetime.datetime.strptime(line["now"], "%Y-%m-%dT%H:%M:%SZ")
    botocore.auth.get_current_datetime = lambda *_, **__: now
    # Unsigned payloads are for TLS, as botocore has it; the address is signed without the scheme.
    url = f"https://{line['host']}{line['path']}" + (f"?{line['query']}" if line["query"] else "")
    request = AWSRequest(method=line["method"], url=url, data=base64.b64decode(line["body"]))
    for name, value in line["headers"]:
        request.headers.add_header(name, value)
    request.context = {"payload_signing_enabled": False} if line["unsigned"] and line["sign"] == "header" else {}
    if line["unsigned"] and line["sign"] == "header":
        request.context["client_config"] = type("Config", (), {"s3": {"payload_signing_enabled": False}})()
    credentials = Credentials(line["key"], line["secret"], line["token"] or None)
    classes = {(True, "header"): botocore.auth.S3SigV4Auth, (False, "header"): botocore.auth.SigV4Auth,
               (True, "query"): botocore.auth.S3SigV4QueryAuth, (False, "query"): botocore.auth.SigV4QueryAuth}
    kind = classes[line["is_s3"], line["sign"]]
    extra = {"expires": line["expires"]} if line["sign"] == "query" else {}
    kind(credentials, line["service"], line["region"], **extra).add_auth(request)
    if line["sign"] == "header":
        return request.headers["Authorization"]
    return sorted(urllib.parse.urlsplit(request.url).query.split("&"))


@case
def ten_thousand_requests_get_botocores_signature():
    rng = random.Random(20261123)
    lines = [generate(rng) for _ in range(REQUESTS)]
    for line, answer in zip(lines, probe(lines)):
        theirs = by_botocore(line)
        ours = answer["authorization"] if line["sign"] == "header" else sorted(answer["query"].split("&"))
        assert ours == theirs, f"{json.dumps(line, ensure_ascii=False)}\nours: {ours}\ntheirs: {theirs}\n{answer['canonical']}"
    kinds = {(line["sign"], line["is_s3"], bool(line["token"])) for line in lines}
    assert len(kinds) == 8, kinds


@case
def every_service_of_every_region_has_botocores_address():
    loader = botocore.loaders.create_loader()
    partitions = loader.load_data("partitions")
    regions = [region for part in partitions["partitions"] for region in part["regions"] if not region.endswith("-global")]
    lines, wanted = [], []
    for service in "sts glue athena secretsmanager ssm stepfunctions ecs sns logs ecr lambda iam sso sso-oidc s3".split():
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = botocore.endpoint_provider.EndpointProvider(rules, partitions)
        for region in regions:
            for fips in (False, True):
                for dual in (False, True):
                    if service == "iam" and (fips or dual):
                        continue  # endpoint.c says that it has one address for each partition
                    options = {"Region": region, "UseFIPS": fips, "UseDualStack": dual, "UseGlobalEndpoint": False}
                    try:
                        found = provider.resolve_endpoint(**{k: v for k, v in options.items() if k in rules["parameters"]})
                    except botocore.exceptions.EndpointProviderError:
                        continue  # that partition has none
                    schemes = found.properties.get("authSchemes", [])
                    signing = [s["signingRegion"] for s in schemes if s.get("signingRegion")]
                    lines.append({"endpoint": service, "region": region, "fips": fips, "dual": dual})
                    wanted.append((found.url, signing[0] if signing else region))
    assert len(lines) > 2000, len(lines)
    wrong = [(line, answer, want) for line, answer, want in zip(lines, probe(lines), wanted)
             if (answer["url"], answer["signing_region"]) != want]
    assert not wrong, f"{len(wrong)} of {len(lines)}: " + "\n".join(map(str, wrong[:60]))


# What AWS's own tools (which read with Python's configparser) make of a file.
FILES = [
    "[default]\nregion = eu-west-1\noutput=json\n",
    "[profile dev]\n  region = eu-west-1\n  # note\n  role_arn = arn:aws:iam::1:role/x\n  source_profile = default\n[default]\nregion=x\n",
    "[profile dev]\nregion = a\n\n[default]\nregion = b\n[profile default]\nregion = c\n",
    "[profile dev]\ns3 =\n  addressing_style = path\n  max_concurrent_requests = 20\nregion = z\n",
    "[profile 'my profile']\nregion = q\n[profile dev]\nREGION = upper\n",
    "; comment\n[profile dev]\ncredential_process = /opt/bin/x --a \"b c\"\n  --more\nregion=r\n",
    "[dev]\nregion = not-a-profile\n[preview]\nx = y\n",
    "[profile dev]\nregion = a=b=c\nempty =\nduration_seconds = 900\n",
]
CREDENTIALS = "[default]\naws_access_key_id = AK\naws_secret_access_key = s/+=\n[dev]\naws_access_key_id=AKD\naws_secret_access_key=d\n"


def flat(values):
    out = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out[key] = ""
            out.update({f"{key}.{inner}": text for inner, text in value.items()})
        else:
            out[key] = value
    return out


@case
def shared_files_say_the_same():
    lines, wanted = [], []
    for text in FILES:
        with tempfile.TemporaryDirectory() as folder:
            config, credentials = pathlib.Path(folder, "config"), pathlib.Path(folder, "credentials")
            config.write_text(text)
            credentials.write_text(CREDENTIALS)
            profiles = botocore.configloader.load_config(str(config))["profiles"]
            for name, values in botocore.configloader.raw_config_parse(str(credentials)).items():
                profiles.setdefault(name, {}).update(values)
        for profile in ("default", "dev", "my profile"):
            lines.append({"config": text, "credentials": CREDENTIALS, "profile": profile})
            wanted.append(flat(profiles.get(profile, {})))
    for line, answer, want in zip(lines, probe(lines), wanted):
        assert answer == want, f"{line}\nours: {answer}\ntheirs: {want}"


finish()
