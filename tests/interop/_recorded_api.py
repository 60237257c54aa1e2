"""A local stand-in for the API: serves the answers of HAR recordings, 404 for everything that was not recorded."""

import contextlib
import http.server
import json
import threading
import urllib.parse

REAL = "https://api.chess.com"


def answers(*recordings):
    """path -> (status, body); a later recording wins."""
    found = {}
    for recording in recordings:
        for entry in json.loads(recording.read_text())["log"]["entries"]:
            path = urllib.parse.urlsplit(entry["request"]["url"]).path
            found[path] = (entry["response"]["status"], entry["response"]["content"].get("text", ""))
    return found


@contextlib.contextmanager
def serve(found, tls=None):
    """Yields the base URL; `tls` is an SSLContext for https. The answers' own links are turned to this server, as a client must follow them."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self):
            path = urllib.parse.urlsplit(self.path).path
            status, text = found.get(path, (404, '{"code": 0, "message": "not recorded"}'))
            if path.endswith("/archives"):
                text = text.replace(REAL, base)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    base = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield base
    finally:
        server.shutdown()
