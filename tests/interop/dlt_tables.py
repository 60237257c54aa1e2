#!/usr/bin/env python3
"""The real dlt and moulin read the same answers over HTTP: the same tables, columns, types and rows (ids aside)."""

import http.server
import json
import os
import pathlib
import sys
import threading

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402
from dlt.common.normalizers.json.helpers import get_nested_row_hash, get_row_hash  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _lib import ROOT, case, finish, folder, moulin  # noqa: E402

RECORDINGS = ROOT / "template" / "pipelines" / "ingest" / "chess-ingestion" / "recordings"
MOULIN_YML = """name: compare
default_environment: local
environments:
  local:
    warehouse: ./warehouse
    catalog: {type: sql, uri: "sqlite:///warehouse/catalog.db"}
    engine: {type: embedded}
landing: {namespace: landing, format_version: 2}
"""
# Everything that normalization has to decide: nesting, lists, lists of lists, variants, nulls, odd names, large numbers.
ODD = [
    {"id": 1, "Name Of It": "x", "n": 1, "f": 1, "t": "2024-01-15T10:30:00+02:00", "d": "2024-01-15", "o": {"A": {"b": [1, 2]}, "Z": None}, "e": []},
    {"id": 2, "n": 1.5, "f": 2.5, "t": "no time", "b": True, "l": [{"k": 1, "m": [{"q": "a"}, {"q": 5}]}, {"k": "two"}], "@type": "p", "9x": 0},
    {"id": 3, "n": "3", "f": None, "t": 1700000000, "b": "yes", "l": [], "ll": [[1, 2], [3]], "mixed": [1, "a", {"z": 1}, None], "Ünï": "ö", "_": 1},
    {"id": 4, "n": True, "d": None, "o": 7, "l": {"k": 9}, "big": 9007199254740993, "neg": -1.0e-7, "text": "", "a__b": 1, "camelCase": {"innerValue": 1}},
]


def answers(base):
    """Path -> JSON text, from the recording of 2020 and the odd records."""
    found = {"/odd": json.dumps(ODD)}
    har = json.loads((RECORDINGS / "2020-06-02.har").read_text())
    for entry in har["log"]["entries"]:
        url, content = entry["request"]["url"], entry["response"]["content"]
        if entry["response"]["status"] == 200 and "text" in content:
            found[url.removeprefix("https://api.chess.com/pub")] = content["text"].replace("https://api.chess.com/pub", base)
    for path, text in found.items():  # only the months that are there
        if path.endswith("/archives"):
            months = [url for url in json.loads(text)["archives"] if url.removeprefix(base) in found]
            found[path] = json.dumps({"archives": months})
    return found


class Api:
    def __enter__(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                text = api.answers.get(self.path)
                self.send_response(200 if text is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write((text if text is not None else "{}").encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.answers = answers(self.base)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def types(schema):
    return {field.name: str(field.type).replace("large_", "") for field in schema}


def plain(rows, drop):
    return sorted((json.dumps({k: v for k, v in row.items() if k not in drop and v is not None}, sort_keys=True, default=str) for row in rows))


def of_dlt(path, source):
    os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = f"file://{path}/bucket"
    pipeline = dlt.pipeline("compare", pipelines_dir=str(path / "pipelines"), destination="filesystem", dataset_name="data")
    pipeline.run(source, loader_file_format="parquet")
    tables = {}
    for name in (path / "bucket" / "data").iterdir():
        files = sorted(name.glob("*.parquet"))
        if files and not name.name.startswith("_dlt"):
            tables[name.name] = pa.concat_tables([parquet.ParquetFile(file).read() for file in files], promote_options="default")
    return tables


def of_moulin(path, source_yml, prefix):
    (path / "moulin.yml").write_text(MOULIN_YML)
    (path / f"pipelines/ingest/{prefix}-ingestion").mkdir(parents=True)
    (path / f"pipelines/ingest/{prefix}-ingestion/source.yml").write_text(source_yml)
    moulin("ingest", prefix, "--now", "2020-06-02T12:00:00Z", cwd=path)
    catalog = SqlCatalog("default", uri=f"sqlite:///{path}/warehouse/catalog.db", warehouse=f"file://{path}/warehouse")
    return {name.removeprefix(prefix + "_"): catalog.load_table(("landing", name)).scan().to_arrow()
            for _, name in catalog.list_tables("landing") if not name.startswith("_dlt")}


def compare(theirs, ours):
    assert theirs.keys() == ours.keys(), (sorted(theirs), sorted(ours))
    for name in theirs:
        assert types(theirs[name].schema) == types(ours[name].schema), (name, sorted(set(types(theirs[name].schema).items()) ^ set(types(ours[name].schema).items())))
        drop = {"_dlt_load_id", "_dlt_id", "_dlt_parent_id"}
        a, b = plain(theirs[name].to_pylist(), drop), plain(ours[name].to_pylist(), drop)
        assert a == b, (name, [x for x in zip(a, b) if x[0] != x[1]][:2], len(a), len(b))


@case
def odd_records_land_alike():
    with folder() as path, Api() as api:
        theirs = of_dlt(path, rest_api_source({"client": {"base_url": api.base}, "resources": [
            {"name": "odd", "endpoint": {"path": "odd", "data_selector": "$", "paginator": "single_page"}}]}, name="odd"))
        ours = of_moulin(path, f'type: rest_api\nclient: {{base_url: "{api.base}"}}\nresources:\n'
                               '  - {name: odd, endpoint: {path: odd, data_selector: "$", paginator: single_page}}\n', "odd")
        compare(theirs, ours)


@case
def keyed_records_get_dlts_ids_down_to_their_children():
    with folder() as path, Api() as api:
        ours = of_moulin(path, f'type: rest_api\nclient: {{base_url: "{api.base}"}}\nresources:\n'
                               '  - {name: odd, primary_key: id, write_disposition: {disposition: merge, strategy: upsert},\n'
                               '     endpoint: {path: odd, data_selector: "$", paginator: single_page}}\n', "odd")
        ids = {row["id"]: row["_dlt_id"] for row in ours["odd"].to_pylist()}
        assert ids == {row["id"]: get_row_hash(row, ["id"]) for row in ODD}, ids
        for name in ("odd__l", "odd__mixed", "odd__ll"):
            for row in ours[name].to_pylist():
                assert row["_dlt_id"] == get_nested_row_hash(row["_dlt_parent_id"], name, row["_dlt_list_idx"]), row
                assert row["_dlt_root_id"] == row["_dlt_parent_id"] and row["_dlt_root_id"] in ids.values(), row


@case
def chess_lands_alike():
    hints = {"start_time": {"data_type": "timestamp"}, "end_time": {"data_type": "timestamp"},
             "accuracies__white": {"data_type": "double"}, "accuracies__black": {"data_type": "double"}}
    players = {"last_online": {"data_type": "timestamp"}, "joined": {"data_type": "timestamp"}}
    ignore = {"response_actions": [{"status_code": 404, "action": "ignore"}], "paginator": "single_page"}
    with folder() as path, Api() as api:
        @dlt.resource(name="usernames", selected=False)
        def usernames():
            yield [{"username": "erik"}, {"username": "fabianocaruana"}]

        @dlt.resource(name="months", selected=False)
        def months():
            for name in ("erik", "fabianocaruana"):
                text = api.answers.get(f"/player/{name}/games/archives", '{"archives": []}')
                yield [{"path": url} for url in json.loads(text)["archives"]]

        theirs = of_dlt(path, rest_api_source({"client": {"base_url": api.base}, "resources": [
            usernames(), months(),
            {"name": "players", "columns": players, "endpoint": {"path": "player/{resources.usernames.username}", **ignore}},
            {"name": "players_games", "columns": hints, "endpoint": {"path": "{resources.months.path}", "data_selector": "games", **ignore}}]}, name="chess"))
        text = (ROOT / "template/pipelines/ingest/chess-ingestion/source.yml").read_text().replace("https://api.chess.com/pub/\n", api.base + "/\n")
        for word in ("    primary_key: player_id\n", "    primary_key: url\n", "    write_disposition: merge\n"):
            text = text.replace(word, "")
        ours = of_moulin(path, text, "chess")
        compare(theirs, ours)


finish()
