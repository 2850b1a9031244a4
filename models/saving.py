"""Save a trained model as a folder that `models.serving` loads."""

from __future__ import annotations

import json
from pathlib import Path

import keras

from models.data import Vocabulary
from models.data.vocabulary import write_ids


def save_ratings_model(model: keras.Model, vocabulary: Vocabulary, folder: Path) -> None:
    """Save a rating model with the ids it knows, but without its optimizer.

    Args:
        model: Takes movie and user codes.
        vocabulary: Gives the ids in the order of their codes.
        folder: Made when missing.

    Example:
        >>> from models import ModelConfig, build_model
        >>> model = build_model(ModelConfig(), split.vocabulary)
        >>> save_ratings_model(model, split.vocabulary, folder)
        >>> sorted(path.name for path in folder.iterdir())
        ['manifest.json', 'model.keras', 'movies.json', 'users.json']
    """
    save_network(model, folder)
    write_ids(vocabulary, folder)


def save_network(model: keras.Model, folder: Path) -> None:
    """Save a rating model, but neither its optimizer nor the ids that it knows.

    Args:
        model: Takes movie and user codes.
        folder: Made when missing; the ids are written there by `models.data.vocabulary.write_ids`.
    """
    # Keras stores a compiled model's optimizer, moments and all: three times the size, for nothing.
    _save(keras.Model(model.inputs, model.outputs, name=model.name), folder, "ratings")


def save_keras_model(model: keras.Model, folder: Path) -> None:
    """Save any Keras model as it is, its optimizer included where it has one.

    Args:
        model: Built.
        folder: Made when missing.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> save_keras_model(model, folder)
        >>> sorted(path.name for path in folder.iterdir())
        ['manifest.json', 'model.keras']
    """
    _save(model, folder, "keras")


def _save(model: keras.Model, folder: Path, kind: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    (folder / "manifest.json").write_text(json.dumps({"kind": kind}), encoding="utf-8")
