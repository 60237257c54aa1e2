"""A proxy between the program under test and a real S3 server, which fails on command and counts bytes.

    with _aws.seaweedfs() as s3, faults(s3) as proxy:
        proxy.plan = [Fault("lost answer", method="PUT", key=r"metadata\\.json$", times=1)]
        moulin("ingest", ..., env=proxy.env)
        assert proxy.done["lost answer"] == 1

The server behind decides what a request means (signature, checksums, conditions); the proxy only disturbs: what AWS does
rarely and a server on this machine never. A fault either keeps a request from the server or spoils the answer of one that
was carried out: `BEFORE` and `AFTER` below. Requests pass with their Host header, so that signatures stay valid."""

import collections
import contextlib
import http.client
import http.server
import random
import re
import socket
import socketserver
import struct
import threading
import urllib.parse

from _aws import aws_env


def refusal(status, code, text="so says the fault proxy", **more):
    body = f"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{text}</Message>" \
           f"{''.join(f'<{k}>{v}</{k}>' for k, v in more.items())}<RequestId>FAULT</RequestId></Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()


# What is answered instead of the server.
BEFORE = {
    "slow down": lambda: refusal(503, "SlowDown", "Please reduce your request rate."),
    "internal error": lambda: refusal(500, "InternalError"),
    "bad gateway": lambda: (502, {"Content-Type": "text/html"}, b"<html><body>502</body></html>"),
    "request timeout": lambda: refusal(400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period."),
    "conditional conflict": lambda: refusal(409, "ConditionalRequestConflict"),
    "denied": lambda: refusal(403, "AccessDenied", "Access Denied"),
    "expired token": lambda: refusal(400, "ExpiredToken", "The provided token has expired."),
    "error in 200": lambda: refusal(200, "InternalError", "We encountered an internal error. Please try again."),
    "reset": None,
}
# What happens to the answer of a request that the server has carried out.
AFTER = {"lost answer", "late internal error", "late error in 200", "cut", "wrong checksum", "flipped byte"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization"}


class Fault:
    """What goes wrong, for which requests (regular expressions; None = any), how often (None = always), and after how many
    that fit but are let through."""

    def __init__(self, what, method=None, key=None, query=None, times=None, skip=0):
        assert what in BEFORE or what in AFTER, what
        self.what, self.method, self.key, self.query, self.times, self.skip = what, method, key, query, times, skip

    def fits(self, method, key, query):
        if (self.method is not None and not re.fullmatch(self.method, method)) or (self.key is not None and not re.search(self.key, key)) \
                or (self.query is not None and not re.search(self.query, query)):
            return False
        if self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind, self.lock = behind, threading.Lock()
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.plan = []                # the first Fault that fits is carried out
        self.chance, self.random, self.kinds = 0.0, random.Random(1), []  # faults by dice: how likely, which
        self.home = None              # bucket -> region: requests signed for another one are sent away
        self.forget()

    def forget(self):
        """Forgets what was counted."""
        self.done = collections.Counter()      # fault -> times
        self.requests = collections.Counter()  # method -> times
        self.received = collections.Counter()  # method -> bytes that the program got
        self.seen = []                         # (method, path with query, status)

    @property
    def env(self):
        return {**aws_env(self.endpoint, self.behind.access_key, self.behind.secret_key, self.behind.region)}

    def choose(self, method, key, query):
        with self.lock:
            for fault in self.plan:
                if fault.fits(method, key, query):
                    return fault.what
            if self.kinds and self.random.random() < self.chance:
                return self.random.choice(self.kinds)
        return None

    def count(self, method, path, status, length, fault):
        with self.lock:
            self.requests[method] += 1
            self.received[method] += length
            self.seen.append((method, path, status))
            if fault:
                self.done[fault] += 1

    def handle_error(self, request, client_address):
        pass  # the program under test may hang up when it likes


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def reset(self):
        """Hangs up without a word: RST, so that the peer sees no orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def give(self, status, headers, body, cut=False):
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        length = len(body)
        if self.command == "HEAD":
            length = int(next((v for k, v in headers.items() if k.lower() == "content-length"), 0))
        if status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            self.reset()

    def ask(self, body):
        upstream = urllib.parse.urlsplit(self.server.behind.endpoint)
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def sent_away(self, bucket):
        """A request for a bucket that lives elsewhere, as S3 answers it."""
        signed = re.search(r"Credential=[^/]*/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        wanted = (self.server.home or {}).get(bucket)
        if wanted is None or signed is None or signed.group(1) == wanted:
            return None
        status, headers, body = refusal(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified "
                                        "endpoint.", Bucket=bucket, Endpoint=f"{bucket}.s3.{wanted}.amazonaws.com")
        if self.command != "HEAD" and len(self.headers.get("Authorization", "")) % 2:  # both of S3's ways to say so
            status, headers, body = refusal(400, "AuthorizationHeaderMalformed", f"The authorization header is malformed; the region is wrong; "
                                            f"expecting '{wanted}'", Region=wanted)
        else:
            headers["x-amz-bucket-region"] = wanted
        return status, headers, body

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urllib.parse.urlsplit(self.path)
        key = urllib.parse.unquote(parts.path)
        away = self.sent_away(key.split("/")[1])
        if away is not None:
            self.server.count(self.command, self.path, away[0], 0, "redirect")
            return self.give(*away)
        fault = self.server.choose(self.command, key, parts.query)
        if fault == "error in 200" and self.command != "POST":
            fault = "internal error"
        if fault in BEFORE:
            self.server.count(self.command, self.path, 0, 0, fault)
            return self.reset() if BEFORE[fault] is None else self.give(*BEFORE[fault]())
        status, headers, content = self.ask(body)
        if fault in ("wrong checksum", "flipped byte", "cut") and (self.command != "GET" or status != 200 or not content or "list-type" in parts.query):
            fault = None
        self.server.count(self.command, self.path, status, len(content), fault)
        if fault == "lost answer":
            return self.reset()
        if fault == "late internal error" or (fault == "late error in 200" and self.command != "POST"):
            return self.give(*BEFORE["internal error"]())
        if fault == "late error in 200":
            return self.give(*BEFORE["error in 200"]())
        if fault == "wrong checksum":
            headers = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-checksum")}
            headers["x-amz-checksum-crc32"] = "AAAAAA=="
        if fault == "flipped byte":
            at = len(content) // 2
            content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
        return self.give(status, headers, content, cut=fault == "cut")

    def one(self):
        try:
            self.answer()
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = one


@contextlib.contextmanager
def faults(behind):
    """The proxy in front of a server of _aws.py, until the block ends."""
    proxy = Proxy(behind)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
