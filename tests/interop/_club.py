"""A small API of our own with nested records - players with badges, and teams - and a project that loads it: tables with
children, which the recorded chess answers have not."""

import contextlib
import http.server
import json
import threading

# What the API answers at the first load and at the second.
FIRST = {"/players": [{"id": 1, "badges": ["a", "b"]}, {"id": 2, "badges": ["c"]}], "/teams": [{"id": 7}]}
SECOND = {"/players": [{"id": 1, "badges": ["x"]}, {"id": 3, "badges": ["y", "z"]}], "/teams": [{"id": 7}, {"id": 8}]}
# Players, badges and teams as they must be afterwards.
AFTER_FIRST = ([1, 2], ["a", "b", "c"], [7])
AFTER_SECOND = ([1, 2, 3], ["c", "x", "y", "z"], [7, 8])

SOURCE = """
type: rest_api
client: {base_url: "%s", paginator: single_page}
resources:
  - {name: players, primary_key: id, write_disposition: merge, endpoint: {path: players}}
  - {name: teams, primary_key: id, write_disposition: merge, endpoint: {path: teams}}
"""


class Api:
    def __init__(self, base):
        self.base, self.answers = base, {}


@contextlib.contextmanager
def api():
    """Yields an Api: its `answers` may be changed at any time."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = json.dumps(served.answers.get(self.path, [])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Api(f"http://127.0.0.1:{server.server_address[1]}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def project(path, served, environment):
    """Writes the project: `environment` is the YAML below environments.dev, indented by four."""
    source = path / "pipelines" / "ingest" / "club-ingestion"
    source.mkdir(parents=True)
    (source / "source.yml").write_text(SOURCE % served.base)
    (path / "moulin.yml").write_text(f"name: club\nenvironments:\n  dev:\n{environment}landing: {{namespace: landing, format_version: 2}}\n")


def check(read, expected):
    """`read(table)` gives the rows of a landing table as dicts."""
    players, badges, teams = expected
    found = {table: read(table) for table in ("club_players", "club_players__badges", "club_teams", "_dlt_loads")}
    assert sorted(row["id"] for row in found["club_players"]) == players, found["club_players"]
    assert sorted(row["value"] for row in found["club_players__badges"]) == badges, found["club_players__badges"]
    assert sorted(row["id"] for row in found["club_teams"]) == teams, found["club_teams"]
    loads = [row["load_id"] for row in found["_dlt_loads"]]
    assert len(loads) == len(set(loads)), f"a load is recorded twice: {loads}"
    used = {row["_dlt_load_id"] for table in ("club_players", "club_teams") for row in found[table]}
    assert used <= set(loads), f"a load is not recorded: {used - set(loads)}"
