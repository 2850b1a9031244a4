"""The same ratings are the same whatever file they come in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.data import Ratings, SourceOptions, load_ratings, split_ratings
from models.data.options import RULES

NAMES = ("userId", "movieId", "rating", "timestamp")
Rows = list[tuple[Any, ...]]


def _text(separator: str, ending: str, *, header: bool = True) -> Callable[[Rows, Path], Path]:
    def write(rows: Rows, folder: Path) -> Path:
        path = folder / f"r{ending}"
        lines = [NAMES[: len(rows[0])], *rows] if header else rows
        path.write_text("".join(separator.join(map(str, line)) + "\n" for line in lines))
        return path

    return write


def _parquet(rows: Rows, folder: Path) -> Path:
    columns = zip(NAMES, zip(*rows, strict=True), strict=False)
    parquet.write_table(pa.table({name: list(c) for name, c in columns}), folder / "r.parquet")
    return folder / "r.parquet"


def _sqlite(types: str) -> Callable[[Rows, Path], Path]:
    def write(rows: Rows, folder: Path) -> Path:
        path = folder / f"{types or 'none'}.sqlite"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        names = NAMES[: len(rows[0])]
        kinds = types.split() or [""] * len(names)
        columns = [" ".join(column) for column in zip(names, kinds, strict=False)]
        connection.execute(f"CREATE TABLE ratings ({', '.join(columns)})")
        marks = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO ratings VALUES ({marks})", rows)
        connection.commit()
        connection.close()
        return path

    return write


def _json(rows: Rows, folder: Path) -> Path:
    lines = [json.dumps(dict(zip(NAMES, row, strict=False))) for row in rows]
    (folder / "r.json").write_text("\n".join(lines))
    return folder / "r.json"


def _json_list(rows: Rows, folder: Path) -> Path:
    listed = [dict(zip(NAMES, row, strict=False)) for row in rows]
    (folder / "list.json").write_text(json.dumps(listed, indent=1))
    return folder / "list.json"


def _feather(rows: Rows, folder: Path) -> Path:
    columns = zip(NAMES, zip(*rows, strict=True), strict=False)
    table = pa.table({"aside": list(range(len(rows))), **{n: list(c) for n, c in columns}})
    feather.write_feather(table, folder / "r.feather")
    return folder / "r.feather"


def _packed(ending: str, pack: Callable[[bytes], bytes]) -> Callable[[Rows, Path], Path]:
    def write(rows: Rows, folder: Path) -> Path:
        path = folder / f"r.csv.{ending}"
        path.write_bytes(pack(_text(",", ".csv")(rows, folder).read_bytes()))
        return path

    return write


def _zipped(rows: Rows, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "r.zip", "w") as archive:
        archive.write(_json(rows, folder), "ml/ratings.json")
        archive.writestr("ml/README.txt", "about")
        archive.writestr("ml/movies.csv", "movieId,title\n")
    return folder / "r.zip"


def _commented(rows: Rows, folder: Path) -> Path:
    path = _text("\t", ".csv")(rows, folder)
    path.write_text("# ratings,\n\n# as of today\n" + path.read_text())
    return path


WRITERS = {
    "csv": _text(",", ".csv"),
    "tsv": _text("\t", ".tsv"),
    "colons": _text("::", ".dat", header=False),
    "named colons": _text("::", ".txt"),
    "semicolons": _text(";", ".csv"),
    "bars": _text("|", ".txt"),
    "csv without names": _text(",", ".csv", header=False),
    "tsv without names": _text("\t", ".data", header=False),
    "parquet": _parquet,
    "sqlite": _sqlite("INTEGER INTEGER REAL INTEGER"),
    "untyped sqlite": _sqlite(""),
    "json lines": _json,
    "json list": _json_list,
    "feather": _feather,
    "gzip": _packed("gz", gzip.compress),
    "bzip2": _packed("bz2", bz2.compress),
    "xz": _packed("xz", lzma.compress),
    "zstd": _packed("zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
    "zip": _zipped,
    "comments": _commented,
}


def _same(one: Ratings, other: Ratings) -> None:
    assert one.content_hash == other.content_hash
    assert one.user_ids.tolist() == other.user_ids.tolist()
    assert one.movie_ids.tolist() == other.movie_ids.tolist()
    assert one.user_ids.dtype == other.user_ids.dtype
    for name in ("user_codes", "movie_codes", "scores", "row_index"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert (one.timestamps is None) == (other.timestamps is None)
    if one.timestamps is not None and other.timestamps is not None:
        assert np.array_equal(one.timestamps, other.timestamps)


words = st.text("abcXYZ0189-_. é", min_size=1, max_size=4).filter(lambda w: w == w.strip())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), string_ids=st.booleans(), timed=st.booleans())
def test_each_format_gives_the_same_ratings_and_splits(
    data: st.DataObject, string_ids: bool, timed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    ids: st.SearchStrategy[Any] = words if string_ids else st.integers(-5, 2**40)
    users = data.draw(st.lists(ids, min_size=2, max_size=4, unique=True))
    movies = data.draw(st.lists(ids, min_size=2, max_size=4, unique=True))
    score = st.sampled_from([0.5, 1.0, 3.7, -2.25, 5.0, -0.0])
    row: Any = st.tuples(st.sampled_from(users), st.sampled_from(movies), score)
    if timed:
        row = st.tuples(
            st.sampled_from(users), st.sampled_from(movies), score, st.integers(0, 10**9)
        )
    rows = data.draw(st.lists(row, min_size=8, max_size=20))
    rows += [(user, movie, *rows[0][2:]) for user in users for movie in movies]
    # INTEGER columns would make the integer 0 of the text "00", before we see it.
    typed = _sqlite("TEXT TEXT REAL INTEGER") if string_ids else WRITERS["sqlite"]
    writers = (WRITERS | {"sqlite": typed}).values()
    found = [load_ratings(str(write(rows, folder))) for write in writers]
    for other in found[1:]:
        _same(found[0], other)
    one, other = (split_ratings(ratings, "random", seed=3) for ratings in (found[0], found[-1]))
    assert np.array_equal(one.train.users, other.train.users)
    assert np.array_equal(one.test.rows, other.test.rows)


def _floats(kind: pa.DataType) -> Callable[[Rows, Path], Path]:
    def write(rows: Rows, folder: Path) -> Path:
        users, movies, scores = zip(*rows, strict=True)
        plain = pa.array(users)
        ids = plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
        columns = {"userId": ids, "movieId": movies, "rating": scores}
        parquet.write_table(pa.table(columns), folder / "r.parquet")
        return folder / "r.parquet"

    return write


@pytest.mark.parametrize(
    ("write", "floats"),
    [
        (WRITERS["csv"], [3.0, 1.0, 2.0]),
        (WRITERS["colons"], ["3.0", "1.000", 2]),
        (_floats(pa.float32()), [3, 1, 2]),
        (_floats(pa.decimal128(21, 2)), [3, 1, 2]),
        (_floats(pa.dictionary(pa.int8(), pa.float64())), [3.0, 1.0, 2.0]),
        (_floats(pa.string_view()), ["3.0", "1", "2.0"]),
        (_sqlite("REAL INTEGER REAL"), [3, 1, 2]),
        (_sqlite("TEXT INTEGER REAL"), ["3.0", "1", "2.00"]),
    ],
)
def test_whole_numbers_written_as_floats_are_whole_numbers(
    write: Callable[[Rows, Path], Path], floats: list[Any], tmp_path: Path
) -> None:
    rows = [(user, movie, 1.0 + movie) for user in (3, 1, 2) for movie in (1, 2)]
    plain = load_ratings(str(WRITERS["csv"](rows, tmp_path)))
    named = dict(zip((3, 1, 2), floats, strict=True))
    path = write([(named[user], *rest) for user, *rest in rows], tmp_path)
    _same(plain, load_ratings(str(path)))


def test_spaces_around_ids_do_not_count(tmp_path: Path) -> None:
    path = _write(tmp_path / "r.csv", "user, movie, rating\n7, ann, 1\n 7 ,bob,2\n8, ann,3\n")
    ratings = load_ratings(path)
    assert ratings.user_ids.tolist() == [7, 8]
    assert ratings.movie_ids.tolist() == ["ann", "bob"]
    assert ratings.movie_codes.tolist() == [0, 1, 0]
    assert ratings.scores.tolist() == [1.0, 2.0, 3.0]


def test_whole_numbers_beside_text_are_one_id_however_written(tmp_path: Path) -> None:
    path = _write(tmp_path / "r.csv", "user,movie,rating\n7,a,1\n7.0,b,2\nx,a,3\n7.5,a,4\n")
    ratings = load_ratings(path)
    assert ratings.user_ids.tolist() == ["7", "7.5", "x"]
    assert ratings.user_codes.tolist() == [0, 0, 2, 1]
    before = load_ratings(path, SourceOptions(rules=1))
    assert before.user_ids.tolist() == ["7", "7.0", "7.5", "x"]
    assert (before.rules, ratings.rules) == (1, RULES)
    assert before.content_hash != ratings.content_hash


def _write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_hand_computed_codes(tmp_path: Path) -> None:
    text = "UserID,Item_ID,Stars,extra\n30,7,4,x\n10,9,3.5,y\n30,9,1,z\n10,8,2,w\n"
    ratings = load_ratings(_write(tmp_path / "r.csv", text))
    assert ratings.user_ids.tolist() == [10, 30]
    assert ratings.movie_ids.tolist() == [7, 8, 9]
    assert ratings.user_codes.tolist() == [1, 0, 1, 0]
    assert ratings.movie_codes.tolist() == [0, 2, 2, 1]
    assert ratings.scores.tolist() == [4.0, 3.5, 1.0, 2.0]
    assert ratings.timestamps is None
    assert ratings.user_codes.dtype == ratings.movie_codes.dtype == np.int32
    assert ratings.scores.dtype == np.float32
    assert (ratings.n_users, ratings.n_movies, len(ratings)) == (2, 3, 4)


def test_leading_zeros_keep_ids_text(tmp_path: Path) -> None:
    text = "user,movie,rating\n007,1,3\n7,2,4\n"
    ratings = load_ratings(_write(tmp_path / "r.csv", text))
    assert ratings.user_ids.tolist() == ["007", "7"]
    assert ratings.movie_ids.tolist() == [1, 2]


def test_columns_can_be_named(tmp_path: Path) -> None:
    text = "who,what,how,when,user\n1,2,3,4,5\n2,3,4,5,6\n"
    options = SourceOptions(
        user_column="who", movie_column="what", score_column="how", timestamp_column="when"
    )
    ratings = load_ratings(_write(tmp_path / "r.csv", text), options)
    assert ratings.user_ids.tolist() == [1, 2]
    assert ratings.timestamps is not None
    assert ratings.timestamps.tolist() == [4, 5]


NEW_YEAR = int(datetime(2020, 1, 1, 12, 30, 15, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "time",
    [
        str(NEW_YEAR),
        f"{NEW_YEAR}.0",
        str(NEW_YEAR * 1000 + 999),
        "2020-01-01 12:30:15",
        "2020-01-01T12:30:15",
        "2020-01-01T12:30:15Z",
        "2020-01-01T14:30:15+02:00",
        "2020-01-01 12:30:15.250",
    ],
)
@pytest.mark.parametrize("kind", ["csv", "sqlite"])
def test_times_become_seconds(time: str, kind: str, tmp_path: Path) -> None:
    rows = [(1, 1, 3.0, time), (2, 2, 4.0, time)]
    write = WRITERS["csv"] if kind == "csv" else _sqlite("INTEGER INTEGER REAL TEXT")
    ratings = load_ratings(str(write(rows, tmp_path)))
    assert ratings.timestamps is not None
    assert ratings.timestamps.tolist() == [NEW_YEAR, NEW_YEAR]


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("ms", "UTC"), pa.timestamp("s")])
def test_parquet_timestamps_become_seconds(kind: pa.DataType, tmp_path: Path) -> None:
    times = pa.array([NEW_YEAR, NEW_YEAR + 1]).cast(pa.timestamp("s")).cast(kind)
    table = pa.table({"user": [1, 2], "movie": [1, 2], "score": [1, 2], "time": times})
    parquet.write_table(table, tmp_path / "r.parquet")
    ratings = load_ratings(str(tmp_path / "r.parquet"))
    assert ratings.timestamps is not None
    assert ratings.timestamps.tolist() == [NEW_YEAR, NEW_YEAR + 1]


def test_the_fitting_table_of_several_is_taken(tmp_path: Path) -> None:
    path = _sqlite("INTEGER INTEGER REAL INTEGER")([(1, 2, 3.0, 4), (2, 3, 4.0, 5)], tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE others AS SELECT userId AS user, 9 AS movie, 1 AS score FROM ratings"
    )
    connection.execute("CREATE TABLE movies (movie_id, title)")
    connection.commit()
    connection.close()
    assert load_ratings(str(path)).movie_ids.tolist() == [2, 3]
    assert load_ratings(str(path), SourceOptions(table="others")).movie_ids.tolist() == [9]


def test_sqlite_rows_come_in_rowid_order_despite_a_covering_index(tmp_path: Path) -> None:
    rows = [(5, 1, 1.0, 9), (3, 2, 2.0, 8), (4, 3, 3.0, 7)]
    path = _sqlite("INTEGER INTEGER REAL INTEGER")(rows, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("CREATE INDEX i ON ratings (userId, movieId, rating, timestamp)")
    connection.commit()
    connection.close()
    ratings = load_ratings(str(path))
    assert ratings.scores.tolist() == [1.0, 2.0, 3.0]


def test_quoted_line_breaks_are_part_of_a_field(tmp_path: Path) -> None:
    text = 'user,movie,rating,review\n1,1,3,"so\nso, ""well"""\n2,2,4,\n'
    assert load_ratings(_write(tmp_path / "r.csv", text)).scores.tolist() == [3.0, 4.0]


def test_equal_scores_are_a_warning(tmp_path: Path) -> None:
    ratings = load_ratings(_write(tmp_path / "r.csv", "user,movie,rating\n1,1,3\n2,2,3\n"))
    assert any("All scores are 3" in warning for warning in ratings.warnings)


def test_the_filter_is_inclusive_and_counts_are_kept(tmp_path: Path) -> None:
    rows = [(user, movie, 1.0 + movie % 5) for user in range(1, 7) for movie in range(user)]
    path = str(WRITERS["csv"](rows, tmp_path))
    ratings = load_ratings(path, SourceOptions(min_ratings=2, max_ratings=4))
    assert ratings.user_ids.tolist() == [2, 3, 4]
    assert (ratings.rows_read, ratings.rows_scored, len(ratings)) == (21, 21, 9)
    assert ratings.row_index.tolist() == list(range(1, 10))
    everyone = load_ratings(path, SourceOptions(min_ratings=2, user_filter=False))
    assert len(everyone) == 21
    assert everyone.min_ratings is None
    assert everyone.content_hash == ratings.content_hash


def test_whole_numbers_beyond_64_bits_are_the_same_ids_in_every_format(tmp_path: Path) -> None:
    users = [2**63 + 1, 7]
    table = pa.table({"user": pa.array(users, pa.uint64()), "movie": [1, 2], "rating": [3.0, 4.0]})
    parquet.write_table(table, tmp_path / "r.parquet")
    feather.write_feather(table, tmp_path / "r.feather")
    (tmp_path / "r.csv").write_text(f"user,movie,rating\n{users[0]},1,3\n7,2,4\n")
    lines = [
        f'{{"user": {user}, "movie": {at + 1}, "rating": {at + 3}.0}}'
        for at, user in enumerate(users)
    ]
    (tmp_path / "r.json").write_text("\n".join(lines))
    found = [
        load_ratings(str(tmp_path / f"r.{each}")) for each in ("csv", "parquet", "feather", "json")
    ]
    for ratings in found:
        assert ratings.user_ids.tolist() == ["7", "9223372036854775809"]
        assert ratings.user_codes.tolist() == [1, 0]
        assert ratings.content_hash == found[0].content_hash
