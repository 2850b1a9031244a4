"""Files of ratings of any content: ratings, or one line that says what is wrong."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import changed, damaged, texts, values
from refusing import answer, check_no_study, taken_or_refused

from models.data import SourceOptions, describe, load_ratings, split_ratings
from search.config.sections import SPLITS

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

FUZZ = settings.get_profile("fuzz")
NAMES = ["user", "movie", "rating", "timestamp"]
ROWS = [[user, movie, 0.5 * (user + movie), 1_000_000_000 + user] for user in (1, 2, 3, 4)
        for movie in (7, 8, 9)]  # fmt: skip


def _text(separator: str) -> Callable[[Path, list[Any]], None]:
    def write(path: Path, rows: list[Any]) -> None:
        lines = [separator.join(map(str, row)) for row in _listed(rows)]
        path.write_text("\n".join([separator.join(NAMES), *lines]), encoding="utf-8")

    return write


def _listed(rows: list[Any]) -> list[list[Any]]:
    return [row if isinstance(row, list) else [row] for row in rows]


def _json(path: Path, rows: list[Any]) -> None:
    path.write_text(json.dumps([dict(zip(NAMES, row, strict=False)) for row in _listed(rows)]))


def _json_lines(path: Path, rows: list[Any]) -> None:
    lines = (json.dumps(dict(zip(NAMES, row, strict=False))) for row in _listed(rows))
    path.write_text("\n".join(lines))


def _sqlite(path: Path, rows: list[Any]) -> None:
    kinds = ", ".join(f"{name} INTEGER" for name in NAMES)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE ratings ({kinds})")
        for row in _listed(rows):
            four = [*row, None, None, None, None][:4]
            database.execute("INSERT INTO ratings VALUES (?, ?, ?, ?)", [_cell(c) for c in four])


def _cell(value: Any) -> Any:
    """A value as SQLite may hold it."""
    whole = isinstance(value, int) and -(2**63) <= value < 2**63
    return value if value is None or whole or isinstance(value, float | str) else str(value)


def _frame(rows: list[Any]) -> pd.DataFrame:
    """A table, each column of its values' own type where they have one, else of text."""
    columns = {}
    for place, name in enumerate(NAMES):
        cells = [row[place] if len(row) > place else None for row in _listed(rows)]
        try:
            columns[name] = pd.Series(np.array(cells, np.float64 if place > 1 else np.int64))
        except (TypeError, ValueError, OverflowError):
            columns[name] = pd.Series([None if c is None else str(c) for c in cells], dtype="str")
    return pd.DataFrame(columns)


WRITERS: dict[str, Callable[[Path, list[Any]], None]] = {
    "csv": _text(","),
    "tsv": _text("\t"),
    "dat": _text("::"),
    "json": _json,
    "jsonl": _json_lines,
    "parquet": lambda path, rows: _frame(rows).to_parquet(path),
    "feather": lambda path, rows: _frame(rows).to_feather(path),
    "sqlite": _sqlite,
}


def _zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml/ratings.csv", content)
    return packed.getvalue()


PACKERS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress, _zip]


@cache
def _valid(ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ratings.{ending}"
        WRITERS[ending](path, ROWS)
        return path.read_bytes()


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "user_column": st.sampled_from(["user", "rating", "no such"]) | texts(),
        "score_column": st.sampled_from(["rating", "movie"]) | texts(),
        "timestamp_column": st.sampled_from(["timestamp", "none"]) | texts(),
        "columns": st.sampled_from([NAMES, NAMES[:3], [*NAMES, "x"]]) | st.lists(texts()),
        "separator": st.sampled_from(["comma", "::", "\t", "space"]) | texts(),
        "table": st.just("ratings") | texts(),
        "drop_scores": st.lists(st.floats(), max_size=2),
        "skip_rows_without_score": st.booleans(),
        "min_ratings": st.integers(-1, 4),
        "max_ratings": st.integers(-1, 9),
        "rules": st.sampled_from([1, 2, 3, 4]),
    },
)
SOME_OPTIONS = st.just({}) | OPTIONS


def _look(path: Path, given: dict[str, Any], split: str) -> None:
    """Read a file as `trialbook data inspect` and a study do."""
    with taken_or_refused():
        ratings = load_ratings(str(path), SourceOptions(**given))
        assert len(ratings) > 0
        assert np.isfinite(ratings.scores).all()
        json.dumps(describe(ratings, split_ratings(ratings, split, seed=1)), allow_nan=False)


def _numbers_too(rows: list[Any]) -> st.SearchStrategy[list[Any]]:
    return changed(rows) | st.lists(st.lists(values(), min_size=3, max_size=4), max_size=4)


@FUZZ
@given(
    ending=st.sampled_from(sorted(WRITERS)),
    rows=_numbers_too(ROWS),
    given=SOME_OPTIONS,
    split=st.sampled_from(SPLITS),
)
def test_rows_of_any_values_are_ratings_or_refused_in_a_line(
    ending: str, rows: list[Any], given: dict[str, Any], split: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ratings.{ending}"
        WRITERS[ending](path, rows)
        _look(path, given, split)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """An ending, and the damaged bytes of a file of that kind, packed before or after or not."""
    ending = draw(st.sampled_from(sorted(WRITERS)))
    content, pack = _valid(ending), draw(st.sampled_from([None, *PACKERS]))
    if pack is not None and draw(st.booleans()):
        return f"{ending}.gz", pack(draw(damaged(content)))
    return ending, draw(damaged(content if pack is None else pack(content)) | st.binary())


@FUZZ
@given(file=files(), given=SOME_OPTIONS, split=st.sampled_from(SPLITS))
def test_bytes_of_any_kind_are_ratings_or_refused_in_a_line(
    file: tuple[str, bytes], given: dict[str, Any], split: str
) -> None:
    ending, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ratings.{ending}"
        path.write_bytes(content)
        _look(path, given, split)


@FUZZ
@given(file=files())
def test_the_command_that_looks_at_ratings_writes_nothing(file: tuple[str, bytes]) -> None:
    ending, content = file
    with tempfile.TemporaryDirectory() as folder:
        path, home = Path(folder) / f"ratings.{ending}", Path(folder) / "home"
        path.write_bytes(content)
        answer("data", "inspect", str(path), "--json")
        check_no_study(home)
        assert [each.name for each in Path(folder).iterdir()] == [path.name]
