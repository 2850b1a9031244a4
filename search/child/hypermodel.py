"""Trains trials of a user's own HyperModel inside the child."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner

import models
from search.child.allotment import Allotment
from search.child.messages import Done, Ready, Score, Scored, Task
from search.child.reporter import Reporter
from search.child.trial_files import write_config
from search.config.limits import too_large
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import load_hypermodel, parameters
from tracking import EndReason


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fitted:
    """The outcome of a user's `fit`: why the training ended, its best value and its figures."""

    end_reason: str
    best: float
    metrics: dict[str, float]


def open_hypermodel(config: StudyConfig) -> HyperModelRunner:
    """Import a study's own model, and make the runner that trains it.

    Args:
        config: The study, its `model` a `module:HyperModel`.

    Raises:
        SearchError: There is none of that name.
    """
    return HyperModelRunner(config, load_hypermodel(config.model))


class HyperModelRunner:
    """Trains a user's HyperModel: its `build` makes the model, its `fit` brings the data."""

    def __init__(self, config: StudyConfig, hypermodel: keras_tuner.HyperModel) -> None:
        """Keep the study and its HyperModel; no model is built yet."""
        self._config = config
        self._hypermodel = hypermodel

    def ready(self, allotment: Allotment) -> Ready:
        """Find the search space by building the user's model once with its default values."""
        hp = keras_tuner.HyperParameters()
        try:
            self._hypermodel.build(hp)
        except Exception as error:
            raise SearchError(
                f"`build` of `{self._config.model}` must work at its defaults, but it raised "
                f"{type(error).__name__}: {' '.join(str(error).split())}."
            ) from error
        declared = parameters(hp)
        return Ready(
            space=declared,
            first=SpaceAdapter(declared).defaults(),
            dataset=None,
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=(),
            devices=models.device_types(),
        )

    def run(self, task: Task, report: Reporter) -> Done:
        """Build and fit a model with a trial's configuration; the best epoch gives the value."""
        config = {"model": self._config.model, "values": dict(task.values), "seed": task.seed}
        write_config(task.folder, config)
        models.make_deterministic(task.seed)
        hp = keras_tuner.HyperParameters()
        hp.values = dict(task.values)
        started = time.perf_counter()
        model = self._hypermodel.build(hp)
        build_s = time.perf_counter() - started
        if beyond := too_large(model, task.limits):
            return Done.beyond(beyond, model.count_params())
        used = [models.TrainerUsed("keras")]
        if isinstance(model, keras.Model):
            models.speed_up(model, self._config.trainer, used.append)
        fitted = self._fit(hp, model, task, report)
        keeps = task.keep_model and fitted.end_reason == EndReason.EPOCHS and hasattr(model, "save")
        if keeps:
            models.save_keras_model(model, task.folder / "model")
        counted = {"parameters": model.count_params()} if hasattr(model, "count_params") else {}
        return Done(
            end_reason=fitted.end_reason,
            value=fitted.best,
            metrics=fitted.metrics | {"seconds_build": build_s, **counted},
            trainer=used[-1].name,
            model_kind="keras" if keeps else None,
            message=report.beyond or str(used[-1]),
        )

    def _fit(
        self, hp: keras_tuner.HyperParameters, model: Any, task: Task, report: Reporter
    ) -> _Fitted:
        """Train a model with the user's own `fit`."""
        monitor, sign = self._config.monitor, self._config.sign
        watch = _callback(monitor, report)
        started = time.perf_counter()
        returned = self._hypermodel.fit(hp, model, callbacks=[watch], epochs=task.epochs, verbose=0)
        train_s = time.perf_counter() - started
        waited_s, curve = report.seconds, watch.curve
        if not curve:  # a `fit` without Keras' callbacks: what it returns is its one epoch
            curve = [_returned(returned, monitor)]
            report(1, train_s, curve[0])
        values = [row[monitor] for row in curve]
        finite = [v for v in values if math.isfinite(v)]
        best = min(finite, key=lambda v: sign * v) if finite else math.nan
        reason = EndReason.EPOCHS if math.isfinite(values[-1]) else EndReason.NAN
        return _Fitted(
            end_reason=report.end_reason if watch.pruned else reason,
            best=best,
            metrics={
                f"best_{monitor}": best,
                "best_epoch": values.index(best) + 1 if finite else 0,
                "epochs_run": len(curve),
                "seconds_train": train_s - waited_s,
                "seconds_report": report.seconds,
            },
        )

    def tidy(self) -> None:
        """Free the last trial's model."""
        keras.backend.clear_session()

    def score(self, question: Score) -> Scored:
        """Raise an error: Trialbook has no test data for a user's own model.

        Raises:
            SearchError: Always.
        """
        raise SearchError("A model of your own has no test part here, but one was asked for.")


def _callback(monitor: str, report: Reporter) -> Any:
    """Make the Keras callback that reports each epoch and stops a pruned trial."""
    import keras

    class Watch(keras.callbacks.Callback):
        """Reports each epoch and stops a pruned trial."""

        def __init__(self) -> None:
            super().__init__()
            self.curve: list[dict[str, float]] = []
            self.pruned = False
            self._started = time.perf_counter()

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            _must_have(metrics, monitor)
            seconds = time.perf_counter() - self._started
            self.curve.append(metrics)
            if not report(len(self.curve), seconds, metrics):
                self.pruned = True
                self.model.stop_training = True

    return Watch()


def _must_have(metrics: Mapping[str, float], monitor: str) -> None:
    """Refuse metrics that lack the monitor, the metric that the objective names."""
    if monitor not in metrics:
        known = ", ".join(sorted(metrics)) or "nothing"
        raise SearchError(
            f"`objective` must name a number that each epoch reports, but got {monitor!r}. "
            f"Reported: {known}."
        )


def _returned(value: Any, monitor: str) -> dict[str, float]:
    """The metrics that a user's `fit` returned, for a `fit` that reported no epoch."""
    if isinstance(value, Mapping):
        numbers = {name: float(number) for name, number in value.items()}
        _must_have(numbers, monitor)
        return numbers
    if isinstance(value, int | float):
        return {monitor: float(value)}
    raise SearchError(
        "`fit` must pass `callbacks` on to Keras, or return a number or a dict of numbers, but "
        f"returned {type(value).__name__}."
    )
