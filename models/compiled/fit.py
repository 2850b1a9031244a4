"""Trains a rating model of ours by compiled functions, as Keras' `fit` with callbacks would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compiled.counters import key_of, shuffle
from models.compiled.origin import Origin
from models.compiled.plan import Plan, plan_of
from models.compiled.row_plan import RowPlan
from models.compiled.space import Rows
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.optimizers import Segments, State, StepNumbers, penalty
from models.compiled.training import Training, predict
from models.compiled.vectors import zeros
from models.compiled.weights import (
    Tensor,
    flat_weights,
    layouts,
    put_back,
    rating_penalty,
    segments,
    tensors,
)
from models.config import FULL_BATCH, TrainConfig
from models.data import Part
from models.evaluation import rmse
from models.within_epoch import Listener

_MASKS, _ORDER = 1, 2


class _Nobody:
    def set_model(self, model: Any) -> None:
        pass

    def on_epoch_begin(self, epoch: int) -> None:
        pass

    def goes_on(self, share: float) -> bool:
        return True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is trained on which rows, for how long.

    Attributes:
        train: Train rows, in the order in which samples grow.
        valid: Validation rows; None where none are scored.
        config: Optimizer, batches, seed.
        by_epoch: How many of the first rows each epoch trains on; training may end sooner.
        steps: Steps over which the learning rate falls.
        threads: How many work at once; no bit of the result depends on it.
    """

    train: Part
    valid: Part | None
    config: TrainConfig
    by_epoch: Sequence[int]
    steps: int
    threads: int

    @classmethod
    def of(cls, plan: RowPlan, train: Part, valid: Part | None, *, threads: int) -> Job:
        """The job of a plan for some train rows."""
        return cls(
            train=plan.ordered(train),
            valid=valid,
            config=plan.config,
            by_epoch=plan.by_epoch,
            steps=plan.steps,
            threads=threads,
        )


class Weights:
    """A network's weights as a listener sees them: copied, put back, and stopped."""

    def __init__(self, p: NDArray[np.float32]) -> None:
        self._p = p
        self.stop_training = False

    def get_weights(self) -> list[NDArray[np.float32]]:
        """Copy the weights."""
        return [self._p.copy()]

    def set_weights(self, weights: list[NDArray[np.float32]]) -> None:
        """Put weights back that `get_weights` copied."""
        self._p[:] = weights[0]


def start_of(model: Any, origin: Origin) -> NDArray[np.float32]:
    """Copy the weights of a Keras model that was built from `origin`, `[weight]`."""
    plan, every = _laid_out(origin)
    return flat_weights(model, every, plan.size)


def fit(p: NDArray[np.float32], origin: Origin, job: Job, listener: Listener | None) -> Weights:
    """Train a network.

    Args:
        p: Its initial weights, `[weight]`; they are trained in place.
        origin: What it is.
        job: The training.
        listener: Hears each epoch, and may stop the training; None where no part is scored.

    Returns:
        The last epoch's weights.
    """
    plan, weights = plan_of(origin), Weights(p)
    parts = segments(plan, origin.config, job.config)
    numbers = StepNumbers(job.config, job.steps)
    rows, valid = rows_of(job.train), None if job.valid is None else rows_of(job.valid)
    full = job.config.batch_size == FULL_BATCH
    heard = listener or _Nobody()
    heard.set_model(weights)
    state = State(p, *(zeros(len(p), p.dtype) for _ in range(3)))
    with Hands.of(job.threads) as hands:
        training = Training(plan, state, layouts(plan, origin.config, job.config), numbers, hands)
        for epoch, count in enumerate(job.by_epoch):
            heard.on_epoch_begin(epoch)
            size = count if full else int(job.config.batch_size)
            order = _order(count, job.config.seed, epoch, shuffled=not full)
            key = key_of(job.config.seed, _MASKS, epoch)
            scored = training.epoch(rows, order, size, key, heard.goes_on)
            if scored is None:
                break
            logs = {"loss": scored.loss, "rmse": scored.rmse}
            if valid is not None:
                logs |= _validated(plan, p, parts, valid, hands)
            heard.on_epoch_end(epoch, logs)
            if weights.stop_training:
                break
    return weights


def _validated(
    plan: Plan, p: NDArray[Any], parts: Segments, valid: Rows, hands: Hands
) -> dict[str, float]:
    """Score the validation rows; loss and RMSE by Keras' names."""
    error = rmse(predict(plan, p, valid, hands), valid.scores)
    return {"val_loss": error**2 + _paid(plan, p, parts, valid), "val_rmse": error}


def _paid(plan: Plan, p: NDArray[Any], parts: Segments, rows: Rows) -> float:
    """All penalties that belong to the loss of some rows."""
    return penalty(p, parts) + rating_penalty(plan, p, rows)


def predicted(
    p: NDArray[np.float32], origin: Origin, part: Part, *, threads: int
) -> NDArray[np.float32]:
    """Predict the score of each row of a part by a network's weights, `[row]`."""
    with Hands.of(threads) as hands:
        scores: NDArray[np.float32] = predict(plan_of(origin), p, rows_of(part), hands)
    return scores


def finish(model: Any, origin: Origin, weights: Weights) -> None:
    """Put trained weights into the Keras model."""
    _, every = _laid_out(origin)
    put_back(model, every, weights.get_weights()[0])


def _laid_out(origin: Origin) -> tuple[Plan, list[Tensor]]:
    plan = plan_of(origin)
    return plan, tensors(plan, origin.config)


def rows_of(part: Part) -> Rows:
    """A part's rows as compiled functions take them."""
    return Rows(
        np.ascontiguousarray(part.movies, np.int32),
        np.ascontiguousarray(part.users, np.int32),
        np.ascontiguousarray(part.scores, np.float32),
    )


def _order(count: int, seed: int, epoch: int, *, shuffled: bool) -> NDArray[np.int64]:
    """The order of an epoch's rows: drawn anew each epoch, or as they are."""
    order = np.arange(count, dtype=np.int64)
    if shuffled:
        shuffle(order, key_of(seed, _ORDER, epoch))
    return order
