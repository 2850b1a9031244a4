"""Watches each call of Keras' `fit` in a user's `fit`: its curve, its best weights, its score."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import models
from models.fast import fit as fit_with
from models.fast.hearing import HearsRows
from search.child.fit_data import brings_batches, validation_of
from search.child.reporter import Reporter, Stopped
from search.errors import SearchError

_FIT = keras.Model.fit
_SIGNATURE = inspect.signature(_FIT)
_OWN_FIT = "its class has a `fit` of its own"
OWN_LOOP = "its training is a loop of its own"
Weights = list[NDArray[Any]]


@dataclass(kw_only=True)
class Training:
    """One call of Keras' `fit`, or a loop of the user's own that calls the callbacks.

    Attributes:
        model: The model that was trained.
        number: 1 for the first model that was trained, 2 for the next; a model that is trained on
            keeps its number.
        history: What the call returned; None while it runs, and of a loop of the user's own.
        curve: The metrics of its epochs.
        best_epoch: Its best epoch by the objective, 1 for the first; 0 where none had it.
        best: The weights after that epoch, which the model need not have at the end.
        score: The objective of those weights, computed again; None where that cannot be done.
        unscored: Why it cannot be done, in words; empty where it was.
    """

    model: Any
    number: int
    history: Any = None
    curve: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: Weights | None = None
    score: float | None = None
    unscored: str = ""

    def values(self, monitor: str) -> list[float]:
        """The objective's values of the epochs that reported it."""
        return [row[monitor] for row in self.curve if monitor in row]

    def best_value(self, monitor: str) -> float | None:
        """The objective at the best epoch as it was reported; None where no epoch had it."""
        return self.curve[self.best_epoch - 1][monitor] if self.best_epoch else None

    def last_value(self, monitor: str) -> float | None:
        """The objective of the last epoch that reported it; None where none did."""
        return next(iter(self.values(monitor)[::-1]), None)

    def restore(self) -> None:
        """Give the model the best epoch's weights; without any it stays as it is."""
        if self.best is not None:
            self.model.set_weights(self.best)

    def has_best(self) -> bool:
        """Whether the model has the best epoch's weights now; a callback may restore them."""
        best = self.best or []
        return bool(best) and all(map(np.array_equal, self.model.get_weights(), best))


class FitWatch(HearsRows):
    """Keras callback that a user's `fit` is given; every call of Keras' `fit` gets it anyway.

    It reports each epoch to the study, keeps the best epoch's weights, and stops a pruned trial.
    A copy of it is itself, since Keras Tuner's users copy callbacks for each fold.

    Attributes:
        trainings: The calls of `fit` so far.
        used: What trained each of them.
        usual: Arguments of a call that has this callback and says nothing of them.
        pruned: Whether the study ended the trial.
        seconds_evaluate: Seconds in which best epochs were scored again.
    """

    def __init__(self, monitor: str, sign: float, trainer: str, report: Reporter) -> None:
        """Watch nothing yet; `watching` begins.

        Args:
            monitor: The metric that the objective names.
            sign: What it is multiplied by so that lower is better.
            trainer: "auto", "fast" or "keras": what trains.
            report: Hears each epoch.
        """
        super().__init__(self._heard)
        self.trainings: list[Training] = []
        self.used = [models.TrainerUsed("keras")]
        self.usual: dict[str, Any] = {}
        self.pruned = False
        self.seconds_evaluate = 0.0
        self._monitor, self._sign = monitor, sign
        self._trainer, self._report = trainer, report
        self._open: list[Training] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> FitWatch:
        """Return the watch itself: a copy would report to nobody."""
        return self

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Train every Keras model with the study's trainer, and watch it, until the block ends."""

        @functools.wraps(_FIT)
        def fit(model: Any, *args: Any, **options: Any) -> Any:
            return self._fit(model, args, options)

        keras.Model.fit = fit
        try:
            yield
        finally:
            del keras.Model.fit

    def _fit(self, model: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Train a model in place of Keras' `fit`; return its history."""
        if self.pruned:
            raise Stopped
        if not getattr(model, "compiled", True):
            raise SearchError("A model must be compiled before its `fit` is called, but is not.")
        given = dict(_SIGNATURE.bind(model, *args, **options).arguments)
        del given["self"]
        callbacks = given.get("callbacks")
        given["callbacks"] = self._among(callbacks)
        if self in _listed(callbacks):
            given = {**self.usual, **given}
        training = self._begin(model)
        try:
            self.used.append(self._train(model, given))
        finally:
            self._open.pop()
        training.history = model.history
        has_any = bool(training.values(self._monitor))
        why = f"no epoch's `{self._monitor}` is finite" if has_any else ""
        training.unscored = why or f"no epoch reported `{self._monitor}`"
        if training.best_epoch and not self.pruned:
            started = time.perf_counter()
            last = model.get_weights()
            training.restore()
            training.score, training.unscored = self._scored(model, given)
            model.set_weights(last)
            self.seconds_evaluate += time.perf_counter() - started
        return training.history

    def _among(self, callbacks: Any) -> Any:
        """Put this watch among the callbacks of a `fit`, unless it is there."""
        listed = _listed(callbacks)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            if self not in listed:
                callbacks.append(self)
            return callbacks
        return listed if self in listed else [*listed, self]

    def _begin(self, model: Any) -> Training:
        """Begin to watch a training: of a new model a new curve, of a known one more of its own."""
        known = next((t.number for t in self.trainings if t.model is model), None)
        number = known or 1 + max((t.number for t in self.trainings), default=0)
        self._report.begin("training", number)
        training = Training(model=model, number=number, unscored="its training was broken off")
        self.trainings.append(training)
        self._open.append(training)
        return training

    def _train(self, model: Any, given: dict[str, Any]) -> models.TrainerUsed:
        """Train a model with the study's trainer, or with Keras' `fit` where its class has one."""
        if type(model).fit is not keras.Model.fit:  # which called this one
            if self._trainer == "fast":
                raise models.ModelsError(
                    f"The fast trainer must be able to train the model, but {_OWN_FIT}. "
                    "Use the trainer `auto` or `keras`."
                )
            _FIT(model, **given)
            return models.TrainerUsed("keras", "" if self._trainer == "keras" else _OWN_FIT)
        options = {name: value for name, value in given.items() if name not in ("x", "y")}
        x, y = given.get("x"), given.get("y")
        used: models.TrainerUsed = fit_with(model, x, y, trainer=self._trainer, **options)
        return used

    def _scored(self, model: Any, given: Mapping[str, Any]) -> tuple[float | None, str]:
        """Compute the objective of a model as it is now, or say why that cannot be done."""
        if not self._monitor.startswith("val_"):
            return None, f"`{self._monitor}` is of the training itself"
        data = validation_of(given)
        if data is None:
            return None, "its validation data cannot be read twice"
        size = given.get("validation_batch_size") or given.get("batch_size")
        try:
            scores = model.evaluate(
                **data,
                batch_size=None if brings_batches(data["x"]) else size,
                steps=given.get("validation_steps"),
                verbose=0,
                return_dict=True,
            )
        except Exception as error:  # what is left out here costs no trial that trained well
            text = " ".join(str(error).split())[:200]
            return None, f"Keras' `evaluate` raised {type(error).__name__}: {text}"
        name = self._monitor.removeprefix("val_")
        if name not in _numbers(scores):
            return None, f"Keras' `evaluate` does not compute `{name}`"
        return float(scores[name]), ""

    def _of_own_loop(self) -> Training:
        """The training of a user's own loop, which calls this callback without Keras' `fit`."""
        known = [t for t in self.trainings if t.history is None and t.model is self.model]
        if known:
            return known[-1]
        training = self._begin(self.model)
        training.unscored = OWN_LOOP
        self._open.pop()
        return training

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock of an epoch, whose number counts all calls that trained its model."""
        number = self._open[-1].number if self._open else 0
        super().on_epoch_begin(sum(len(t.curve) for t in self.trainings if t.number == number))

    def _heard(self, epoch: int, share: float, seconds: float) -> bool:
        """Report how far an epoch is; remember where the trial must end inside it."""
        goes_on = self._report.within(epoch, share, seconds)
        self.pruned = self.pruned or not goes_on
        return goes_on

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the epoch, keep its weights where it is the best, and stop a pruned trial."""
        if self.halted:
            return
        training = self._open[-1] if self._open else self._of_own_loop()
        metrics = _numbers(logs or {})
        training.curve.append(metrics)
        value, best = metrics.get(self._monitor, math.nan), training.best_value(self._monitor)
        if math.isfinite(value) and (best is None or self._sign * value < self._sign * best):
            training.best_epoch = len(training.curve)
            training.best = None if self.model is None else self.model.get_weights()
        seconds = self.seconds
        super().on_epoch_begin(epoch + 1)  # a loop of its own may not say that one begins
        epochs = sum(len(t.curve) for t in self.trainings if t.number == training.number)
        if not self._report(epochs, seconds, metrics):
            self.pruned = True
            if self.model is not None:
                self.model.stop_training = True


def _listed(callbacks: Any) -> list[Any]:
    """The callbacks of a call of `fit`, which takes them in several forms."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [] if callbacks is None else list(keras.tree.flatten(callbacks))


def _numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are one number each; one of several, as F1 by class, has no curve."""
    return {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}
