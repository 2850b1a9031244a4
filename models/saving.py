"""Write a trained model so that `models.serving` can load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
from numpy.typing import NDArray

from models.data import Vocabulary


def save_ratings_model(model: keras.Model, vocabulary: Vocabulary, folder: Path) -> None:
    """Save a rating model, its optimizer left out, with the ids it knows.

    Args:
        model: Takes movie and user codes.
        vocabulary: Gives the ids in the order of their codes.
        folder: Made when missing.
    """
    # Keras stores a compiled model's optimizer, moments and all: three times the size, for nothing.
    _save(keras.Model(model.inputs, model.outputs, name=model.name), folder, "ratings")
    _write_ids(folder / "users.json", vocabulary.user_ids)
    _write_ids(folder / "movies.json", vocabulary.movie_ids)


def save_keras_model(model: keras.Model, folder: Path) -> None:
    """Save any Keras model as it is, its optimizer included where it has one."""
    _save(model, folder, "keras")


def _save(model: keras.Model, folder: Path, kind: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    (folder / "manifest.json").write_text(json.dumps({"kind": kind}), encoding="utf-8")


def _write_ids(path: Path, ids: NDArray[Any]) -> None:
    path.write_text(json.dumps(ids.tolist()), encoding="utf-8")


def id_type(ids: NDArray[Any]) -> str:
    """MLflow's name for the ids' type: "long" or "string"."""
    return "long" if ids.dtype.kind in "iu" else "string"
