"""Load a saved trial and predict from raw ids.

This file is shipped beside every logged model, so it imports nothing of Trialbook: a model loads
where only Keras, NumPy and pandas are installed, and no pickle is stored.

A saved folder holds `model.keras`, `manifest.json` ({"kind": "ratings" or "keras"}) and, for
ratings, `users.json` and `movies.json`: the known ids in the order of their codes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_BATCH = 65_536


class RatingPredictor:
    """Predicts the scores of raw ids with a saved rating model."""

    def __init__(self, model: Any, users: list[Any], movies: list[Any]) -> None:
        self._model = model
        self._users = pd.Index(users)
        self._movies = pd.Index(movies)

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Predict the score of each row.

        Args:
            table: Columns `user` and `movie` of raw ids, where "7" and 7 are the same id; an id
                unknown to the model takes the slot kept for unknown ids.
            params: Unused; MLflow passes it.

        Returns:
            Scores `[row]`, float64.
        """
        movies = _codes(self._movies, table["movie"])
        users = _codes(self._users, table["user"])
        scores = self._model.predict([movies, users], batch_size=_BATCH, verbose=0)
        return np.asarray(scores, dtype=np.float64).reshape(-1)


class KerasPredictor:
    """Predicts with any saved Keras model, from one array."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Predict from an array `[row, ...]` or a table of numbers."""
        return self._model.predict(np.asarray(data), verbose=0)


def _codes(known: pd.Index[Any], raw: pd.Series[Any]) -> NDArray[np.int32]:
    """Encode raw ids as codes, `[row, 1]`; ids are compared as text unless all are integers."""
    is_whole = pd.api.types.is_integer_dtype
    if not (is_whole(known) and is_whole(raw.dtype)):
        raw = raw.map(_as_text)
        if is_whole(known):
            known = known.astype(str)
    codes = known.get_indexer(pd.Index(raw))
    return np.where(codes < 0, len(known), codes).astype(np.int32).reshape(-1, 1)


def _as_text(value: Any) -> str:
    """Write an id as text: a missing id as "", and 7.0 as "7".

    pandas turns a column of integers into floats where an id is missing.
    """
    if pd.isna(value):
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def load_model(path: str | Path) -> RatingPredictor | KerasPredictor:
    """Load a saved model from its folder.

    Args:
        path: The folder.

    Returns:
        An object with `predict`.
    """
    import keras

    folder = Path(path)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    if manifest["kind"] != "ratings":
        return KerasPredictor(model)
    users, movies = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("users.json", "movies.json")
    )
    return RatingPredictor(model, users, movies)


def _load_pyfunc(path: str) -> RatingPredictor | KerasPredictor:
    """Load a saved model for MLflow's pyfunc flavour, which calls the function `_load_pyfunc`."""
    return load_model(path)
