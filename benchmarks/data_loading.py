"""How fast ratings load, are filtered, encoded and split, and in how much memory.

Writes synthetic ratings as Parquet, CSV and SQLite (numbers alone, and MUBI's columns
with text times) into a temporary folder, then loads and splits each in a fresh process.

    python benchmarks/data_loading.py [--scale 1] [--json]
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS_GOAL, MEGABYTES_GOAL = 15.0, 2000.0
CHUNK_ROWS = 1 << 17
COLUMNS = ["user_id", "movie_id", "rating_score", "rating_timestamp_utc"]


def _arrow(scale: float) -> Any:
    import pyarrow as pa

    from models.data.synthetic.ratings import synthetic_table

    made = synthetic_table(scale, seed=42)
    ids = [column.values[column.codes] for column in (made.users, made.movies)]
    columns = [*ids, made.scores.astype(float), made.timestamps]
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


def write_parquet(table: Any, path: Path) -> None:
    import pyarrow.parquet as parquet

    parquet.write_table(table, path)


def write_csv(table: Any, path: Path) -> None:
    import pyarrow.csv as arrow

    arrow.write_csv(table, path)


def write_sqlite(table: Any, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE ratings (user_id INTEGER, movie_id INTEGER, rating REAL, timestamp INTEGER)"
    )
    for start in range(0, len(table), CHUNK_ROWS):
        columns = [column.to_pylist() for column in table.slice(start, CHUNK_ROWS).columns]
        rows = zip(*columns, strict=True)
        connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def write_mubi(table: Any, path: Path) -> None:
    import pyarrow as pa

    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE ratings (movie_id INTEGER, rating_id INTEGER, rating_url TEXT, "
        "rating_score REAL, rating_timestamp_utc TEXT, critic TEXT, critic_likes INTEGER, "
        "critic_comments INTEGER, user_id INTEGER)"
    )
    for start in range(0, len(table), CHUNK_ROWS):
        chunk = table.slice(start, CHUNK_ROWS)
        times = chunk.column(3).cast(pa.timestamp("s")).cast(pa.string()).to_pylist()
        users, movies, scores = (chunk.column(place).to_pylist() for place in range(3))
        numbers = range(start, start + len(chunk))
        rows = zip(movies, numbers, scores, times, users, strict=True)
        connection.executemany(
            "INSERT INTO ratings VALUES "
            "(?, ?, 'http://mubi.com/films/some-film/ratings/15610495', ?, ?, NULL, 0, 0, ?)",
            rows,
        )
    connection.commit()
    connection.close()


WRITERS: dict[str, tuple[str, Callable[[Any, Path], None]]] = {
    "Parquet": ("ratings.parquet", write_parquet),
    "CSV": ("ratings.csv", write_csv),
    "SQLite": ("ratings.sqlite", write_sqlite),
    "MUBI SQLite": ("mubi.sqlite", write_mubi),
}


def load_once(source: str) -> None:
    """What a fresh process does; prints what it took, imports included."""
    start = time.perf_counter()
    from models.data import load_ratings, split_ratings

    ratings = load_ratings(source)
    loaded = time.perf_counter()
    split = split_ratings(ratings)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"rows": len(ratings), "train_rows": len(split.train), "hash": ratings.content_hash}
    found |= {"load_s": loaded - start, "split_s": end - loaded, "seconds": end - start}
    print(json.dumps(found | {"peak_mb": peak}))


def _child(*arguments: str) -> str:
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(scale: float) -> list[dict[str, Any]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        # Written by another process: a child's peak memory starts at its parent's.
        _child("--write", folder, "--scale", str(scale))
        for name, (file, _) in WRITERS.items():
            path = f"{folder}/{file}"
            source = f"mubi:{path}" if name.startswith("MUBI") else path
            found.append({"source": name, **json.loads(_child("--load", source))})
        found.append({"source": "synthetic", **json.loads(_child("--load", f"synthetic:{scale}"))})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 8,854,093 rows")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--load", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load_once(arguments.load)
    elif arguments.write:
        table = _arrow(arguments.scale)
        for file, write in WRITERS.values():
            write(table, Path(arguments.write) / file)
    else:
        rows = measure(arguments.scale)
        found = {"scale": arguments.scale, "rows": rows}
        print(json.dumps(found, indent=2) if arguments.json else _table(rows))


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"{'source':<12} {'rows':>10} {'load s':>7} {'split s':>7} {'in all s':>8} {'peak MB':>8}"
    ]
    lines += [
        f"{row['source']:<12} {row['rows']:>10,} {row['load_s']:>7.2f} {row['split_s']:>7.2f} "
        f"{row['seconds']:>8.2f} {row['peak_mb']:>8.0f}"
        for row in rows
    ]
    goal = f"Goal at scale 1: under {SECONDS_GOAL:g} s and {MEGABYTES_GOAL:g} MB from a file."
    return "\n".join([*lines, goal])


if __name__ == "__main__":
    main()
