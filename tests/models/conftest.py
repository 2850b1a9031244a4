"""Small splits whose ids repeat many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from quickly import cases

from models import TrainConfig
from models.data import Part, Split, Vocabulary

MakeSplit = Callable[..., Split]


def _part(rng: np.random.Generator, rows: int, users: int, movies: int) -> Part:
    return Part(
        rng.integers(0, users, rows).astype(np.int32),
        rng.integers(0, movies, rows).astype(np.int32),
        rng.integers(1, 6, rows).astype(np.float32),
        np.arange(rows, dtype=np.int64),
    )


@pytest.fixture(scope="session")
def make_split() -> MakeSplit:
    def make(*, users: int = 5, movies: int = 6, train_rows: int = 120, seed: int = 0) -> Split:
        rng = np.random.default_rng(seed)
        return Split(
            protocol="random",
            seed=seed,
            train=_part(rng, train_rows, users, movies),
            valid=_part(rng, train_rows // 3, users, movies),
            test=_part(rng, train_rows // 3, users, movies),
            vocabulary=Vocabulary(
                np.arange(users, dtype=np.int64) * 10 + 100,
                np.arange(movies, dtype=np.int64) * 7 + 5000,
            ),
            duplicates_dropped=0,
            unseen={},
            warnings=(),
        )

    return make


@pytest.fixture(params=cases(["compiled"], ["fast", "keras"]))
def trainer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each trainer in turn, as the default of every configuration."""
    defaults = dict(TrainConfig.__init__.__kwdefaults__) | {"trainer": request.param}
    monkeypatch.setattr(TrainConfig.__init__, "__kwdefaults__", defaults)
    assert TrainConfig().trainer == request.param
    return str(request.param)


@pytest.fixture(scope="session")
def small_split() -> Split:
    """Users 7 and 9, movies 1, 2 and 3; the test part has a movie that is unknown."""
    return Split(
        protocol="random",
        seed=0,
        train=_rows(users=[0, 0, 1, 1], movies=[0, 1, 0, 2], scores=[4, 2, 5, 3], first=0),
        valid=_rows(users=[0, 1], movies=[2, 1], scores=[3, 4], first=4),
        test=_rows(users=[0], movies=[3], scores=[2], first=6),
        vocabulary=Vocabulary(np.array([7, 9]), np.array([1, 2, 3])),
        duplicates_dropped=0,
        unseen={"valid_users": 0, "valid_movies": 0, "valid_rows": 0,
                "test_users": 0, "test_movies": 1, "test_rows": 1},
        warnings=(),
    )  # fmt: skip


def _rows(*, users: list[int], movies: list[int], scores: list[int], first: int) -> Part:
    return Part(
        np.array(users, np.int32),
        np.array(movies, np.int32),
        np.array(scores, np.float32),
        np.arange(first, first + len(scores), dtype=np.int64),
    )


@pytest.fixture
def example_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of an example: a file of ratings, and a data set fetched before."""
    monkeypatch.chdir(tmp_path)
    rows = ["user,movie,rating", "ann,Heat,5", "ann,Alien,4", "ann,Big,3", "bob,Heat,4",
            "bob,Alien,5", "bob,Big,2", "bob,Dune,3", "cid,Heat,3", "cid,Alien,4",
            "cid,Dune,5"]  # fmt: skip
    (tmp_path / "ratings.csv").write_text("\n".join(rows))
    fetched = tmp_path / "sets" / "ml-1m"
    fetched.mkdir(parents=True)
    (fetched / "ratings.dat").write_text("7::1::4::978300000\n")
    return tmp_path
