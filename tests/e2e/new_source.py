"""`moulin new source`: all that a source needs, in files that are checked, added to what a person wrote, and never over it."""

import http.server
import json
import pathlib
import sys
import threading

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import case, finish, folder, moulin, moulin_json  # noqa: E402

WRITTEN = ["pipelines/ingest/weather-ingestion/source.yml", "pipelines/ingest/weather-ingestion/README.md",
           "pipelines/ingest/weather-ingestion/recordings/.gitkeep", "pipelines/ingest/weather-schema/weather_items.yml",
           "pipelines/transform/sources/weather.yml", "pipelines/orchestrate/weather.asl.json"]
CHANGED = ["moulin.yml", "pipelines/orchestrate/schedule.yml", "README.md"]


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'[{"id": "a", "n": 1}, {"id": "b", "n": 2}]'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()


def tree(project):
    return {str(p.relative_to(project)): p.read_bytes() for p in project.rglob("*") if p.is_file()}


def new_project(work):
    moulin("init", work / "project", cwd=work)
    return work / "project"


with folder() as work:
    project = new_project(work)
    before = tree(project)
    answer = moulin_json("new", "source", "weather", cwd=project)

    @case
    def everything_that_a_source_needs_is_written():
        after = tree(project)
        new = sorted(set(after) - set(before))
        assert sorted(answer["written"]) == new, (answer["written"], new)
        assert set(WRITTEN) <= set(new), set(WRITTEN) - set(new)
        # as many files of Terraform as the template's source has
        counterparts = [p.replace("chess", "weather") for p in before if p.startswith("pipelines/chess_")]
        assert set(counterparts) <= set(new), set(counterparts) - set(new)
        assert sorted(answer["changed"]) == sorted(CHANGED)
        assert sorted(p for p in before if before[p] != after[p]) == sorted(CHANGED)
        for path in new:
            assert b"chess" not in after[path].lower(), path
            assert b"NAME" not in after[path].replace(b"new source NAME", b""), path

    @case
    def what_stood_in_the_files_stays_line_by_line():
        for path in CHANGED:
            old, new = before[path].decode().splitlines(), (project / path).read_text().splitlines()
            rest = iter(new)
            assert all(line in rest for line in old), f"{path}: a line is gone or moved"
        names = yaml.safe_load((project / "moulin.yml").read_text())["names"]
        assert names["weather_ingestion_function"] == {"ingest": "weather"} and names["chess_ingestion_function"] == {"ingest": "chess"}
        schedules = yaml.safe_load((project / "pipelines/orchestrate/schedule.yml").read_text())["schedules"]
        assert [s["workflow"] for s in schedules] == ["chess", "weather"]

    @case
    def the_project_is_still_right():
        moulin("check", cwd=project)
        machine = (project / "pipelines/orchestrate/weather.asl.json").read_text()
        assert '"--select", "source:weather+"' in machine, machine
        assert json.loads(machine.replace("${subnets}", "[]").replace("${security_groups}", "[]"))["StartAt"] == "Ingest"

    @case
    def it_runs_from_the_call_to_a_model():
        source = project / "pipelines/ingest/weather-ingestion/source.yml"
        source.write_text(source.read_text().replace("https://api.example.com/", f"http://127.0.0.1:{server.server_address[1]}/"))
        (project / "pipelines/transform/models/marts/weather_count.sql").write_text("select count(*) as n from {{ source('weather', 'weather_items') }}")
        moulin("schema", "apply", "weather", cwd=project)
        moulin("run", "weather", cwd=project)
        assert moulin_json("query", "select id, n from landing.weather_items order by id", cwd=project) == [{"id": "a", "n": 1}, {"id": "b", "n": 2}]
        assert moulin_json("query", "select n from analytics.weather_count", cwd=project) == [{"n": 2}]
        # only what hangs on the source was built
        assert not any(t["table"] == "player_games" for t in moulin_json("table", "ls", cwd=project))

    @case
    def a_source_that_is_there_is_never_written_over():
        now = tree(project)
        done = moulin("new", "source", "weather", cwd=project, code=3)
        assert "weather" in done.stderr and "is there already" in done.stderr, done.stderr
        moulin("new", "source", "chess", cwd=project, code=3)
        assert tree(project) == now

    @case
    def one_file_in_the_way_is_enough_to_write_none():
        (project / "pipelines/orchestrate/rain.asl.json").write_text("mine")
        now = tree(project)
        done = moulin("new", "source", "rain", cwd=project, code=3)
        assert "rain.asl.json" in done.stderr, done.stderr
        assert tree(project) == now

    @case
    def names_that_fit_nowhere_are_refused():
        now = tree(project)
        for name in ["Weather", "1weather", "wea-ther", "wea ther", "wea__ther", "weather_", "_weather", "wéather", "a/b", "..", "", "w" * 31]:
            done = moulin("new", "source", name, cwd=project, code=2)
            assert "small letters" in done.stderr, (name, done.stderr)
        for path in project.glob("pipelines/*.tf"):
            if 'variable "dbt"' in path.read_text():
                done = moulin("new", "source", "dbt", cwd=project, code=3)
                assert "another name" in done.stderr, done.stderr
        assert tree(project) == now

    @case
    def longest_name_and_second_source_fit():
        moulin("new", "source", "w" * 30, cwd=project)
        moulin("new", "source", "a_2_b", cwd=project)
        (project / "pipelines/orchestrate/rain.asl.json").unlink()
        moulin("check", cwd=project)

# moulin.yml, then what it must come to
SHAPES = [
    ("no names", "name: p\nenvironments:\n  local: {warehouse: ./w}", True),
    ("names at the end without a line end", "name: p\nenvironments:\n  local: {warehouse: ./w}\nnames:\n    a: b # last", True),
    ("names in the middle", "name: p\nnames:\n  a: b\n\n# about environments\nenvironments:\n  local: {warehouse: ./w}\n", True),
    ("a comment behind the names", "name: p\nenvironments:\n  local: {warehouse: ./w}\nnames:\n  a: b\n  # more to come\n", True),
    ("names in braces", "name: p\nenvironments:\n  local: {warehouse: ./w}\nnames: {a: b}\n", False),
    ("windows line ends", "name: p\r\nenvironments:\r\n  local: {warehouse: ./w}\r\nnames:\r\n  a: b\r\n\r\nvars: {x: 1}\r\n", True),
]
for title, text, fits in SHAPES:
    def other_shape():
        with folder() as work:
            (work / "moulin.yml").write_bytes(text.encode())
            done = moulin("new", "source", "rain", cwd=work, code=0 if fits else 3)
            if not fits:
                assert "moulin.yml:4" in done.stderr and "one item per line" in done.stderr, done.stderr
                assert tree(work) == {"moulin.yml": text.encode()}
                return
            now = yaml.safe_load((work / "moulin.yml").read_bytes())
            assert now["names"].pop("rain_ingestion_function") == {"ingest": "rain"}
            old = yaml.safe_load(text)
            assert {**now, "names": now["names"] or None} == {**old, "names": old.get("names")}, now
            assert yaml.safe_load((work / "pipelines/orchestrate/schedule.yml").read_text())["schedules"][0]["workflow"] == "rain"

    other_shape.title = f"moulin.yml with {title}"
    case(other_shape)

finish()
