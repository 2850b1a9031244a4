"""Load a saved trial and predict from raw ids.

This file is shipped beside every logged model, so it imports nothing of Trialbook: a model loads
where only Keras, NumPy and pandas are installed, and no pickle is stored.

A saved folder holds `model.keras`, `manifest.json` ({"kind": "ratings" or "keras"}) and, for
ratings, `users.json` and `movies.json`: the known ids in the order of their codes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_BATCH = 65_536
_SAID = 300
"""Characters of what Keras says of a model that it cannot load."""
_WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))\.0+\Z")


class RatingPredictor:
    """Predicts the scores of raw ids with a saved rating model.

    Attributes:
        users: Known ids of users, in the order of their codes.
        movies: Known ids of movies, likewise.
    """

    def __init__(self, model: Any, users: list[Any], movies: list[Any]) -> None:
        """Keep a model that takes movie and user codes, and the ids in the order of their codes."""
        self._model = model
        self.users = users
        self.movies = movies
        self._users = _Ids(users)
        self._movies = _Ids(movies)

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Predict the score of each row.

        Args:
            table: Columns `user` and `movie` of raw ids, which are matched as text: "7", 7, 7.0
                and "7.0" are the same id, 7.5 is none of them. An id unknown to the model takes
                the slot kept for unknown ids.
            params: `{"known": True}` asks for a table that also says which ids were known.

        Returns:
            Scores `[row]`, float64. With `known` a table with the columns `score`, `user_known` and
            `movie_known`.
        """
        movies, movie_known = self._movies.codes(table["movie"])
        users, user_known = self._users.codes(table["user"])
        scores = self._scores(movies, users)
        if not (params or {}).get("known"):
            return scores
        return pd.DataFrame({"score": scores, "user_known": user_known, "movie_known": movie_known})

    def movie_codes(self, movies: list[Any]) -> NDArray[np.int32]:
        """Encode raw ids of movies, which are matched as by `predict`; `[movie]`."""
        return self._movies.codes(pd.Series(movies, dtype=object))[0]

    def _scores(self, movies: NDArray[np.int32], users: NDArray[np.int32]) -> NDArray[np.float64]:
        """Predict the score of each pair of codes, `[row]`; an empty table has an empty answer."""
        if not len(movies):
            return np.zeros(0, np.float64)
        codes = [movies.reshape(-1, 1), users.reshape(-1, 1)]
        scores = self._model.predict(codes, batch_size=_BATCH, verbose=0)
        return np.asarray(scores, dtype=np.float64).reshape(-1)


class KerasPredictor:
    """Predicts with any saved Keras model, from one array.

    Attributes:
        model: The Keras model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Predict from an array `[row, ...]` or a table of numbers."""
        return self.model.predict(np.asarray(data), verbose=0)


class _Ids:
    """The known ids, which are looked up by their text: "7", 7 and "7.0" are the same id."""

    def __init__(self, known: list[Any]) -> None:
        texts = [str(each) for each in known]
        self._unknown = len(known)
        self._codes = {_plain(text): code for code, text in enumerate(texts)}
        self._codes |= {text: code for code, text in enumerate(texts)}

    def codes(self, raw: pd.Series[Any]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Encode raw ids as codes, `[row]`, and say which of them are known, `[row]`."""
        places, values = pd.factorize(_without_truth_values(raw), use_na_sentinel=False)
        found = np.array([self._code(value) for value in values], np.int32)
        codes = found[places] if len(found) else np.zeros(0, np.int32)
        return codes, codes != self._unknown

    def _code(self, value: Any) -> int:
        text = _as_text(value)
        return self._codes.get(text, self._codes.get(_plain(text.strip()), self._unknown))


def _without_truth_values(raw: pd.Series[Any]) -> pd.Series[Any]:
    """Write truth values among other ids as text: pandas would take True for 1, which it equals."""
    if raw.dtype != object:
        return raw
    truths = raw.map(lambda value: isinstance(value, bool | np.bool_)).astype(bool)
    return raw.where(~truths, raw.map(str)) if truths.any() else raw


def _as_text(value: Any) -> str:
    """Write an id as text: a missing id as "", and 7.0 as "7".

    pandas turns a column of integers into floats where an id is missing.
    """
    if pd.isna(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def _plain(text: str) -> str:
    """Write a whole number without its fraction: "7.0" as "7"; leave other text as it is."""
    number = _WHOLE_FLOAT.match(text)
    return text if number is None else str(int(number[1]))


def load_model(path: str | Path) -> RatingPredictor | KerasPredictor:
    """Load a saved model from its folder.

    Args:
        path: The folder.

    Returns:
        An object with `predict`.

    Raises:
        ValueError: The folder holds no such model, a damaged one, or one with code in it.
    """
    try:
        return _loaded(Path(path))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, BadZipFile) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(
            f"A model must be a folder as Trialbook saves it, but {path} cannot be loaded "
            f"({said[:_SAID]}). `trialbook reproduce` trains it again."
        ) from error


def _loaded(folder: Path) -> RatingPredictor | KerasPredictor:
    import keras

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    if manifest["kind"] != "ratings":
        return KerasPredictor(model)
    users, movies = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("users.json", "movies.json")
    )
    rows = {layer.input_dim for layer in model.layers if hasattr(layer, "input_dim")}
    if rows and not {len(users) + 1, len(movies) + 1} <= rows:  # one more for those unknown
        raise ValueError("its ids are not those of its embeddings")
    return RatingPredictor(model, users, movies)


def _load_pyfunc(path: str) -> RatingPredictor | KerasPredictor:
    """Load a saved model for MLflow's pyfunc flavour, which calls the function `_load_pyfunc`."""
    return load_model(path)
