from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models import serving
from models.data import Vocabulary


def _texts(*values: str) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _served(vocabulary: Vocabulary, raw: object) -> list[int]:
    """What the loader shipped with a model, which cannot import ours, makes of the same ids."""
    codes, known = serving._Ids(vocabulary.user_ids.tolist()).codes(pd.Series(raw))
    assert known.tolist() == [code != vocabulary.n_users for code in codes]
    found: list[int] = codes.tolist()
    return found


INTEGERS = Vocabulary(np.array([-3, 5, 900], np.int64), np.array([1, 2], np.int64))
STRINGS = Vocabulary(_texts("007", "7", "b"), _texts("x"))


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        ([5, -3, 900, 4, 901], [1, 0, 2, 3, 3]),
        (["5", "-3", "05", "x", ""], [1, 0, 3, 3, 3]),
        (["5.0", "-3.00", "5.", "5.5", "05.0"], [1, 0, 3, 3, 3]),
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
    assert _served(INTEGERS, raw) == codes
    assert found.dtype == np.int32


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (["7", "007", "b", "zz", "a"], [1, 0, 2, 3, 3]),
        ([7, 8, 7.0], [1, 3, 1]),
        (["7.0", "7.00", "7.5", "07.0", " 7", "b "], [1, 1, 3, 3, 1, 2]),
    ],
)
def test_string_ids(raw: object, codes: list[int]) -> None:
    assert STRINGS.encode_users(raw).tolist() == codes
    assert _served(STRINGS, raw) == codes


def test_ids_of_an_earlier_version_that_are_floats_as_text_are_found() -> None:
    floats = Vocabulary(_texts("1.0", "2", "2.0"), _texts("x"))
    assert floats.encode_users(["1.0", "2.0", "2", "3.0"]).tolist() == [0, 2, 1, 3]
    assert floats.encode_users([1, 2, 1.0]).tolist() == [0, 1, 0]
    assert _served(floats, ["1", "2.0", 2]) == [0, 2, 1]


def test_embeddings_have_one_row_for_the_unknown() -> None:
    assert (INTEGERS.n_users, INTEGERS.user_rows) == (3, 4)
    assert (INTEGERS.n_movies, INTEGERS.movie_rows) == (2, 3)
    assert INTEGERS.encode_movies([3]).tolist() == [2]
