from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.data import Vocabulary
from models.errors import ModelsError


def _texts(*values: str) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found


INTEGERS = Vocabulary(np.array([-3, 5, 900], np.int64), np.array([1, 2], np.int64))
STRINGS = Vocabulary(_texts("007", "7", "b"), _texts("x"))


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        ([5, -3, 900, 4, 901], [1, 0, 2, 3, 3]),
        (["5", "-3", "05", "x", ""], [1, 0, 3, 3, 3]),
        ([5.0, 5.5, float("nan"), None, True], [1, 3, 3, 3, 3]),
        (np.array([5, 2**64 - 3], np.uint64), [1, 3]),
        (pd.Series([5, pd.NA], dtype="Int64"), [1, 3]),
        (pd.Series(["5", None]), [1, 3]),
        (np.array([5, 900], np.int16), [1, 2]),
        ([], []),
        ([10**30, -(10**30)], [3, 3]),
    ],
)
def test_integer_ids(raw: object, codes: list[int]) -> None:
    found = INTEGERS.encode_users(raw)
    assert found.tolist() == codes
    assert found.dtype == np.int32


@pytest.mark.parametrize(
    ("raw", "codes"), [(["7", "007", "b", "zz", "a"], [1, 0, 2, 3, 3]), ([7, 8, 7.0], [1, 3, 1])]
)
def test_string_ids(raw: object, codes: list[int]) -> None:
    assert STRINGS.encode_users(raw).tolist() == codes


def test_embeddings_have_one_row_for_the_unknown() -> None:
    assert (INTEGERS.n_users, INTEGERS.user_rows) == (3, 4)
    assert (INTEGERS.n_movies, INTEGERS.movie_rows) == (2, 3)
    assert INTEGERS.encode_movies([3]).tolist() == [2]


@pytest.mark.parametrize("vocabulary", [INTEGERS, STRINGS])
def test_saved_and_loaded_it_is_the_same(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path)
    loaded = Vocabulary.load(tmp_path)
    assert loaded.user_ids.dtype == vocabulary.user_ids.dtype
    assert loaded.user_ids.tolist() == vocabulary.user_ids.tolist()
    assert loaded.movie_ids.tolist() == vocabulary.movie_ids.tolist()


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", '{"users": [1.5e400], "movies": "x"}'])
def test_a_damaged_file_is_told_in_one_line(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "vocabulary.json").write_text(text)
    with pytest.raises(ModelsError, match=r"vocabulary\.json must hold a vocabulary"):
        Vocabulary.load(tmp_path)
