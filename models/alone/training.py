"""Trains a rating model of ours by the compiled trainer, without Keras and TensorFlow.

The curve is that of `models.build_for` and `models.train` with the compiled trainer, to the last
bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.compiled.fit import Job, fit, predicted
from models.compiled.initial import initial_weights
from models.compiled.origin import Origin, score_facts
from models.compiled.row_plan import RowPlan, both_parts
from models.config import COMPILED, ModelConfig, TrainConfig
from models.curve import CurveRecorder, Epoch, TrainResult
from models.data import Part, Split
from models.errors import ModelsError
from models.evaluation import rmse
from models.fast.used import TrainerUsed
from models.size import count_weights
from models.within_epoch import OnRows


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What is trained, and how.

    Attributes:
        model: The network.
        train: The training; its trainer is "auto" or "compiled".
        seed: Seeds initial weights, as that of `models.build_for`; dropout masks and orders of rows
            follow from the training's own seed.

    Example:
        >>> Recipe(model=ModelConfig(family="gmf"), train=TrainConfig(epochs=3), seed=1).seed
        1
    """

    model: ModelConfig
    train: TrainConfig
    seed: int

    def __post_init__(self) -> None:
        """Check the trainer.

        Raises:
            ModelsError: It is another than the compiled one.
        """
        if self.train.trainer not in ("auto", COMPILED):
            raise ModelsError(
                f"Without Keras the compiled trainer alone can train, but `{self.train.trainer}` "
                "is asked for. Use the trainer `auto` or `compiled`."
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Network:
    """A trained network without Keras.

    Attributes:
        origin: What it is: its configuration, the rows of its tables, the range of the scores.
        weights: All weights, `[weight]`, as `models.compiled.plan` lays them out.
        train_mean: Mean of the train scores.
        seed: Of the initial weights.

    Example:
        >>> network = refit_alone(split, RECIPE, 2, threads=1)
        >>> network.predict(split.valid, threads=1).shape
        (2,)
    """

    origin: Origin
    weights: NDArray[np.float32]
    train_mean: float
    seed: int

    def predict(self, part: Part, *, threads: int) -> NDArray[np.float32]:
        """Predict the score of each row of a part; its own scores are not read.

        Args:
            part: Rows.
            threads: How many work at once; no bit depends on it.

        Returns:
            Scores, `[row]`.
        """
        return predicted(self.weights, self.origin, part, threads=threads)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Alone(Network):
    """A network trained without Keras, with the weights of its best epoch, and the outcome.

    Attributes:
        result: The outcome, as that of `models.train`; its value is the RMSE of the network's own
            predictions.

    Example:
        >>> alone = train_alone(split, RECIPE, threads=1)
        >>> alone.result.trainer.name, len(alone.result.epochs)
        ('compiled', 3)
    """

    result: TrainResult


def train_alone(
    split: Split,
    recipe: Recipe,
    *,
    threads: int,
    on_epoch: Callable[[Epoch], bool] | None = None,
    on_rows: OnRows | None = None,
) -> Alone:
    """Train a network on a split, with the weights of the best epoch in the end.

    The test part is not read.

    Args:
        split: Its train and validation parts are used.
        recipe: Network, training and seed.
        threads: How many work at once; no bit of the result depends on it.
        on_epoch: Called after each epoch; returning False prunes the trial there.
        on_rows: Called inside epochs, as by `models.train`; returning False ends the training.

    Raises:
        ModelsError: The output unit cannot start from the initial score that is asked for.

    Example:
        >>> alone = train_alone(split, RECIPE, threads=1, on_epoch=lambda epoch: epoch.epoch < 2)
        >>> len(alone.result.epochs), alone.result.end_reason
        (2, 'pruned')
    """
    recorder = CurveRecorder(recipe.train, on_epoch, on_rows)
    network, seconds = _trained(split, recipe, recorder, threads)
    began, value = time.perf_counter(), math.nan
    if recorder.epochs:
        value = rmse(network.predict(split.valid, threads=threads), split.valid.scores)
    seconds["evaluate"] = time.perf_counter() - began
    return Alone(
        origin=network.origin,
        weights=network.weights,
        train_mean=network.train_mean,
        seed=network.seed,
        result=recorder.result(value, seconds, TrainerUsed(COMPILED)),
    )


def _trained(
    split: Split, recipe: Recipe, recorder: CurveRecorder, threads: int
) -> tuple[Network, dict[str, float]]:
    """Train a network, with the best epoch's weights, and say how long each phase took."""
    began = time.perf_counter()
    network = _start(split, recipe)
    built = time.perf_counter()
    plan = RowPlan.of(recipe.train, len(split.train))
    job = Job.of(plan, split.train, split.valid, threads=threads)
    recorder.restore_best(fit(network.weights, network.origin, job, recorder))
    return network, {"build": built - began, "train": time.perf_counter() - built}


def refit_alone(split: Split, recipe: Recipe, epochs: int, *, threads: int) -> Network:
    """Train a network on the train and the validation part together, for a number of epochs.

    It has the last epoch's weights. The test part is not read. The initial weights are those of
    `train_alone`: mean and range of the scores are the train part's.

    Args:
        split: What the network is trained on.
        recipe: Network, training and seed; patience has no effect.
        epochs: How many are trained.
        threads: How many work at once; no bit of the result depends on it.

    Raises:
        ModelsError: The output unit cannot start from the initial score that is asked for.

    Example:
        >>> refit_alone(split, RECIPE, 2, threads=1).weights.dtype
        dtype('float32')
    """
    network, rows = _start(split, recipe), both_parts(split)
    plan = RowPlan.of(recipe.train, len(rows), epochs=epochs)
    fit(network.weights, network.origin, Job.of(plan, rows, None, threads=threads), None)
    return network


def parameters_of(split: Split, config: ModelConfig) -> int:
    """Count the weights of a network on a split, as Keras' `count_params` does.

    Args:
        split: Its vocabulary gives the rows of the tables.
        config: The network.

    Example:
        2 users and 3 movies, and a row each for those unknown: tables of 6 and 8 weights, an
        output of 4 and a bias.

        >>> parameters_of(split, ModelConfig(embedding_size=2, units=(), dropout=()))
        19
    """
    known = split.vocabulary
    return count_weights(config, user_rows=known.user_rows, movie_rows=known.movie_rows)


def _start(split: Split, recipe: Recipe) -> Network:
    """The network before its training; its array of weights is trained in place."""
    train_mean, score_range = score_facts(split)
    known = split.vocabulary
    origin = Origin(recipe.model, known.user_rows, known.movie_rows, score_range)
    return Network(
        origin=origin,
        weights=initial_weights(origin, train_mean=train_mean, seed=recipe.seed),
        train_mean=train_mean,
        seed=recipe.seed,
    )
