#!/usr/bin/env python3
"""Makes an API-shaped tree of many games out of the template's recordings: bench/games.py FOLDER GAMES [BASE_URL].

40 players x 20 months; every game is a recorded one with another url, time, players and ratings, so shapes (old and
new), sizes and rates of absent fields stay those of the real answers. The same arguments give the same bytes."""

import copy
import json
import pathlib
import random
import sys
from datetime import datetime, timezone

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLAYERS, MONTHS = 40, 20


def recorded_games():
    games = {}
    for har in sorted((ROOT / "template").rglob("*.har")):
        for entry in json.loads(har.read_text())["log"]["entries"]:
            try:
                answer = json.loads(entry["response"]["content"].get("text", ""))
            except ValueError:
                continue
            for game in answer.get("games", []) if isinstance(answer, dict) else []:
                games[game["url"]] = game
    return [games[url] for url in sorted(games)]


def main(folder, count, base):
    rng, pool, number = random.Random(1), recorded_games(), 10**11
    for player in range(PLAYERS):
        user = f"player{player:04d}"
        root = pathlib.Path(folder) / "pub" / "player" / user / "games"
        months = [(2020 + m // 12, m % 12 + 1) for m in range(MONTHS)]
        for year, month in months:
            start, games = int(datetime(year, month, 2, tzinfo=timezone.utc).timestamp()), []
            per_month = count // (PLAYERS * MONTHS)
            for i in range(per_month):
                game, number = copy.deepcopy(rng.choice(pool)), number + rng.randrange(1, 50)
                game["url"] = f"https://www.chess.com/game/live/{number}"
                game["end_time"] = start + i * (25 * 86400 // per_month) + rng.randrange(3000)
                for side, name in zip(rng.sample(["white", "black"], 2), [user, f"opponent{rng.randrange(200000):06d}"]):
                    game[side]["username"], game[side]["@id"] = name, f"https://api.chess.com/pub/player/{name}"
                    game[side]["rating"] += rng.randrange(-200, 200)
                games.append(game)
            (root / str(year)).mkdir(parents=True, exist_ok=True)
            (root / str(year) / f"{month:02d}").write_text(json.dumps({"games": games}, separators=(",", ":")))
        urls = [f"{base}/pub/player/{user}/games/{y}/{m:02d}" for y, m in months]
        (root / "archives").write_text(json.dumps({"archives": urls}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:18080")
