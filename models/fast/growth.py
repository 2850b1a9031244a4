"""Train on growing samples of the rows with Keras' own `fit`, one call for each sample."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import keras
import tensorflow as tf

from models.fast.plan import Growth, rows_by_epoch
from models.fast.stock_fit import stock_fit


def fit_by_stages(model: keras.Model, x: Any, y: Any, growth: Growth, options: Any) -> None:
    """Train with one call of Keras' own `fit` for each sample of rows.

    Args:
        model: Built and compiled.
        x: Inputs, `[row, ...]`.
        y: Targets, `[row, ...]`.
        growth: Rows and epochs of each stage.
        options: Of Keras' `fit`; a batch of all rows becomes one of all rows of the stage.
    """
    rows, done = len(y), 0
    full = options["batch_size"] >= rows
    for count, epochs in groupby(rows_by_epoch(growth, options["epochs"], rows)):
        last = done + len(list(epochs))
        size = {"batch_size": count} if full else {}
        part = tf.nest.map_structure(lambda t, n=count: t[:n], (x, y))
        stage = {**options, **size, "initial_epoch": done, "epochs": last}
        stock_fit(model, *part, **stage)
        done = last
        if model.stop_training:
            return
