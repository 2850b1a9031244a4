"""What a rating model was built from, kept with it: a trainer can lay it out anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.config import ModelConfig
from models.data import Split

_NAME = "_trialbook_origin"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a rating model was built from.

    Attributes:
        config: Its network.
        user_rows: Rows of a table of users.
        movie_rows: Rows of a table of movies.
        score_range: Least and greatest score, for a scaled sigmoid; None where it has none.
    """

    config: ModelConfig
    user_rows: int
    movie_rows: int
    score_range: tuple[float, float] | None


def keep_origin(model: Any, origin: Origin) -> None:
    """Keep with a model what it was built from; saved models do not have it."""
    object.__setattr__(model, _NAME, origin)


def origin_of(model: Any) -> Origin | None:
    """What a model was built from; None for a loaded model, or one that is not ours."""
    origin: Origin | None = getattr(model, _NAME, None)
    return origin


def score_facts(split: Split) -> tuple[float, tuple[float, float]]:
    """The mean of a split's train scores, and the least and greatest of them."""
    scores = split.train.scores
    return float(scores.mean(dtype="float64")), (float(scores.min()), float(scores.max()))


def seeds_of(seed: int) -> Iterator[int]:
    """Make an iterator of distinct seeds, from which each layer of a model takes the next one."""
    first = seed % 2**32 * 1000
    return iter(range(first, first + 999))
