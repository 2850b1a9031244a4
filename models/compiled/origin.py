"""What a rating model was built from, kept with it: a trainer can lay it out anew."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from models.config import ModelConfig

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


def keep_origin(model: keras.Model, origin: Origin) -> None:
    """Keep with a model what it was built from; saved models do not have it."""
    object.__setattr__(model, _NAME, origin)


def origin_of(model: keras.Model) -> Origin | None:
    """What a model was built from; None for a loaded model, or one that is not ours."""
    origin: Origin | None = getattr(model, _NAME, None)
    return origin
