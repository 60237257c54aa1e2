"""dlt with the same resources as bench/run's source.yml: loads the games of a local stand-in into Iceberg tables (filesystem destination, SQL catalog).
usage: dlt_games.py FOLDER PLAYERS BASE_URL"""

import os
import sys

folder, players, base = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = f"file://{folder}/bucket"

import dlt  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402


@dlt.resource(name="months", selected=False)
def months():
    for player in range(players):
        for url in requests.get(f"{base}/pub/player/player{player:04d}/games/archives").json()["archives"]:
            yield [{"path": url[len(base) + 1:]}]


games = {"name": "games", "write_disposition": "append", "table_format": "iceberg",
         "endpoint": {"path": "{resources.months.path}", "data_selector": "games", "paginator": "single_page"}}
source = rest_api_source({"client": {"base_url": base + "/"}, "resources": [months(), games]})
pipeline = dlt.pipeline("bench", pipelines_dir=f"{folder}/pipelines", destination="filesystem", dataset_name="bench")
pipeline.run(source, loader_file_format="parquet")
