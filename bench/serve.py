#!/usr/bin/env python3
"""Serves a folder of recorded or generated API answers on loopback: bench/serve.py FOLDER PORT."""

import functools
import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive, as the real API
    disable_nagle_algorithm = True
    wbufsize = -1
    extensions_map = {"": "application/json"}

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    handler = functools.partial(Handler, directory=sys.argv[1])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
