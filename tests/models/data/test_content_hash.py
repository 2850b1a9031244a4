from __future__ import annotations

import numpy as np
import pytest

from models.data import ContentHasher
from models.data.content_hash import content_hash
from models.data.table import IdColumn, RatingTable


def _table(*, text: bool = False, timed: bool = True) -> RatingTable:
    values = np.array([10, 7, 9], np.int64)
    if text:
        values = np.array(["ü", "ab", "c"], object)
    return RatingTable(
        IdColumn(np.array([0, 1, 2, 1, 0], np.int32), values),
        IdColumn(np.array([2, 2, 1, 0, 0], np.int32), np.array([1, 2, 3], np.int64)),
        np.array([1, 2.5, 3, -0.0, 5], np.float32),
        np.arange(5, dtype=np.int64) if timed else None,
        np.arange(5, dtype=np.int64),
        5,
    )


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
@pytest.mark.parametrize("text", [False, True])
def test_chunks_of_any_size_give_one_hash(chunk_rows: int, text: bool) -> None:
    table = _table(text=text)
    assert content_hash(table, chunk_rows=chunk_rows) == content_hash(table)


def _hash(users: list[object], scores: list[float], times: list[int] | None = None) -> str:
    hasher = ContentHasher()
    kind = object if isinstance(users[0], str) else np.int64
    hasher.update(
        np.array(users, kind),
        np.arange(len(users), dtype=np.int64),
        np.array(scores, np.float32),
        None if times is None else np.array(times, np.int64),
    )
    return hasher.hexdigest()


def test_negative_zero_is_zero() -> None:
    assert _hash([1], [-0.0]) == _hash([1], [0.0])


def test_what_differs_hashes_differently() -> None:
    hashes = [
        _hash([1, 2], [1.0, 2.0]),
        _hash([2, 1], [1.0, 2.0]),
        _hash([1, 2], [2.0, 1.0]),
        _hash([1, 2], [1.0, 2.0], [0, 0]),
        _hash(["a", "bc"], [1.0, 2.0]),
        _hash(["ab", "c"], [1.0, 2.0]),
        _hash([1], [1.0]),
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_hash_is_the_same_tomorrow() -> None:
    assert _hash([1, 2], [1.0, 2.0], [3, 4]).startswith("301345f0d1805a89")
