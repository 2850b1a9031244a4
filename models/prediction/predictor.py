"""Loads a saved model; Keras, whose import takes seconds, only where the model needs it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from models.prediction.network import read_network
from models.serving import KerasPredictor, RatingPredictor, load_model


def load_predictor(folder: str | Path) -> RatingPredictor | KerasPredictor:
    """Load a saved model from its folder; Keras is imported only where the model needs it.

    Args:
        folder: As `models.save_ratings_model` and `models.save_keras_model` write it.

    Returns:
        An object with `predict`, whose scores are those of `models.serving.load_model` to a
        millionth.

    Raises:
        ValueError: The folder holds no such model, a damaged one, or one with code in it.
    """
    return _without_keras(Path(folder)) or load_model(folder)


def _without_keras(folder: Path) -> RatingPredictor | None:
    """A predictor that needs no Keras; None where only Keras can say what the folder holds."""
    try:
        manifest, users, movies = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("manifest", "users", "movies")
        )
        if manifest["kind"] != "ratings":
            return None
        network = read_network(folder / "model.keras")
    except (OSError, ValueError, TypeError, KeyError, LookupError, zipfile.BadZipFile):
        return None
    if network is None or not {len(users) + 1, len(movies) + 1} <= network.table_rows:
        return None
    return RatingPredictor(network, users, movies)
