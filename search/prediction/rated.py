"""Finds what a user rated, in the ratings of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna

from models.data import load_ratings
from models.data.options import SourceOptions
from models.data.vocabulary import Vocabulary
from models.errors import ModelsError
from search.errors import SearchError
from search.storage.study_attributes import config_of, dataset_of

Tell = Callable[[str], None]
_WAYS = "Name the ratings with `--data`, or list rated ones too with `--rated`."


def rated_by(user: str, study: optuna.Study) -> list[Any]:
    """List the movies that a user rated, in all parts of a study's ratings; no score is looked at.

    Args:
        user: The user's raw id.
        study: The study, which says where its ratings are and how they are read.

    Returns:
        Raw ids, each once.

    Raises:
        SearchError: The ratings cannot be read any more, or are not those that the study was made
            on.
    """
    config, before = config_of(study), dataset_of(study)
    try:
        return _rated(user, config.data, config.options, before)
    except ModelsError as error:
        raise SearchError(
            f"What the user rated is left out, but the ratings of {study.study_name} cannot be "
            f"read: {error} {_WAYS}"
        ) from error


def rated_in(user: str, source: str, options: SourceOptions) -> list[Any]:
    """List the movies that a user rated in a source of ratings.

    Args:
        user: The user's raw id.
        source: As `--data` names it.
        options: How it is read.

    Returns:
        Raw ids; none of a user who is not among them.

    Raises:
        ModelsError: There is no such source, or it breaks a rule.
    """
    return _rated(user, source, options, None)


def _rated(
    user: str, source: str, options: SourceOptions, before: Mapping[str, Any] | None
) -> list[Any]:
    ratings = load_ratings(source, options)
    if before and before["content_hash"] != ratings.content_hash:
        raise SearchError(
            "What the user rated is left out, but the ratings have changed since the study: their "
            f"hash was {before['content_hash'][:12]}…, now {ratings.content_hash[:12]}…. {_WAYS}"
        )
    known = Vocabulary(ratings.user_ids, ratings.movie_ids)
    (code,) = known.encode_users([user])
    movies = np.unique(ratings.movie_codes[ratings.user_codes == code])
    found: list[Any] = ratings.movie_ids[movies].tolist()
    return found
