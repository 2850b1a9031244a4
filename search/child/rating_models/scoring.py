"""Scores a saved model, or the trivial predictors, on a part of the ratings."""

from __future__ import annotations

import keras
import numpy as np

import models
from models.data import Split
from models.evaluation import trivial_predictions
from search.child.messages import Score, Scored


def scored(split: Split, question: Score) -> Scored:
    """Answer a question for a score.

    Args:
        split: The ratings.
        question: Which model, and on which part.
    """
    part = {"valid": split.valid, "test": split.test}[question.part]
    if question.model is None:
        predictions = trivial_predictions(split, part)
    else:
        model = keras.saving.load_model(
            question.model / "model.keras", compile=False, safe_mode=True
        )
        predictions = {"model": models.predict(model, part).astype(np.float64)}
    rows = split.vocabulary.user_rows
    scores = part.scores.astype(np.float64)
    sums = {
        name: np.bincount(part.users, weights=(predicted - scores) ** 2, minlength=rows)
        for name, predicted in predictions.items()
    }
    counts = np.bincount(part.users, minlength=rows).astype(np.float64)
    return Scored(sums=sums, counts=counts)
