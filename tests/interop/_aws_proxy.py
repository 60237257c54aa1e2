"""A proxy before a stand-in for AWS that harms chosen calls: it refuses them, loses their answers, or runs something
(say, kills the caller) right before or after they are carried out.

    with _aws_proxy.before(server) as proxy:
        proxy.rule("UpdateTable", "lose", nth=2)
        moulin(..., env=proxy.env)

A rule is for the nth call of an action (X-Amz-Target), counted from when the rule was made; nth=0 is every call."""

import contextlib
import http.client
import http.server
import json
import threading
import urllib.parse


class Rule:
    def __init__(self, action, what, nth, run, match, code, status, message):
        self.action, self.what, self.nth, self.run, self.match = action, what, nth, run, match
        self.code, self.status, self.message, self.count = code, status, message, 0


class Proxy:
    def __init__(self, server, address):
        self.server, self.calls, self.rules, self.lock = server, [], [], threading.Lock()
        self.endpoint = f"http://127.0.0.1:{address[1]}"

    @property
    def env(self):
        return {**self.server.env, "AWS_ENDPOINT_URL": self.endpoint}

    def rule(self, action, what, nth=1, run=None, match="", code="InternalServiceException", status=500, message="injected"):
        """what: refuse (not carried out), fail (carried out, then the error), lose (carried out, then the connection
        ends), before / after (nothing but run()). run() is called before a call that is refused or `before`, else after
        it. match: text that the body must hold."""
        rule = Rule(action, what, nth, run, match, code, status, message)
        self.rules = [*self.rules, rule]
        return rule

    def clear(self):
        self.rules, self.calls = [], []

    def find(self, action, body):
        with self.lock:
            self.calls.append((action, body))
            found = None
            for rule in self.rules:
                if rule.action == action and rule.match.encode() in body:
                    rule.count += 1
                    if rule.nth in (0, rule.count):
                        found = found or rule
            return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    proxy = None

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = (self.headers.get("X-Amz-Target") or f"{self.command} {self.path}").split(".")[-1]
        rule = self.proxy.find(action, body)
        what = rule.what if rule else ""
        if rule and rule.run and what in ("before", "refuse"):
            rule.run()
        if what == "refuse":
            return self.answer_error(rule)
        status, headers, answer = self.forward(body)
        if rule and rule.run and what != "before":
            rule.run()
        if what == "fail":
            return self.answer_error(rule)
        if what == "lose":
            self.close_connection = True
            self.connection.close()
            return None
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", dict((n.lower(), v) for n, v in headers).get("content-length", "0") if self.command == "HEAD" else str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        return None

    def forward(self, body):
        target = urllib.parse.urlsplit(self.proxy.server.endpoint)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        connection.request(self.command, self.path, body, {name: value for name, value in self.headers.items() if name.lower() != "connection"})
        answer = connection.getresponse()
        result = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return result

    def answer_error(self, rule):
        text = json.dumps({"__type": rule.code, "message": rule.message}).encode()
        self.send_response(rule.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def before(server):
    handler = type("Handler", (Handler,), {})
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.daemon_threads = True
    listener.handle_error = lambda *arguments: None  # a caller that was killed mid-call is no news
    handler.proxy = Proxy(server, listener.server_address)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield handler.proxy
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
