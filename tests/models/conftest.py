"""Small splits whose ids repeat many times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

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


@pytest.fixture(params=["fast", "keras"])
def trainer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each trainer in turn, as the default of every configuration."""
    defaults = dict(TrainConfig.__init__.__kwdefaults__) | {"trainer": request.param}
    monkeypatch.setattr(TrainConfig.__init__, "__kwdefaults__", defaults)
    assert TrainConfig().trainer == request.param
    return str(request.param)
