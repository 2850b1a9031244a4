"""Row samples that grow while a model is trained: early epochs see few rows and cost little.

The samples are nested, each being the first rows of the next, and weights and optimizer go on from
one to the next, as in the successive doubling of a sample (Provost, Jensen and Oates, "Efficient
Progressive Sampling", KDD 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import keras
import tensorflow as tf

Growth = Sequence[tuple[int, int]]


def rows_by_epoch(growth: Growth, epochs: int, rows: int) -> list[int]:
    """How many of the rows each epoch passes over.

    Args:
        growth: Rows and epochs of each stage; what is left of the epochs passes over all rows.
        epochs: In all.
        rows: All of them.
    """
    stages = [count for count, lasting in growth for _ in range(lasting)][:epochs]
    return [min(count, rows) for count in stages] + [rows] * (epochs - len(stages))


def fit_by_stages(model: keras.Model, x: Any, y: Any, growth: Growth, options: Any) -> None:
    """Train with Keras' own `fit`, stage by stage.

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
        type(model).fit(model, *part, **stage)
        done = last
        if model.stop_training:
            return
