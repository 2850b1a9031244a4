"""What trains a trial of a user's own HyperModel inside the child."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
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


class HyperModelRunner:
    """Trains points of a user's own HyperModel, whose `build` and `fit` own model and data."""

    def __init__(self, config: StudyConfig) -> None:
        """Import the model.

        Raises:
            SearchError: There is none of that name.
        """
        self._config = config
        self._hypermodel = load_hypermodel(config.model)

    def ready(self, allotment: Allotment) -> Ready:
        """Declare the space by building once at its defaults."""
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
        """Build and fit at the task's point; the value is the best epoch's."""
        config = {"model": self._config.model, "values": dict(task.values), "seed": task.seed}
        write_config(task.folder, config)
        models.make_deterministic(task.seed)
        hp = keras_tuner.HyperParameters()
        hp.values = dict(task.values)
        started = time.perf_counter()
        model = self._hypermodel.build(hp)
        built = time.perf_counter()
        used = [models.TrainerUsed("keras")]
        if beyond := too_large(model, task.limits):
            return Done.beyond(beyond, model.count_params())
        if isinstance(model, keras.Model):
            models.speed_up(model, self._config.trainer, used.append)
        watch = _callback(self._config.monitor, report)
        returned = self._hypermodel.fit(hp, model, callbacks=[watch], epochs=task.epochs, verbose=0)
        trained, waited = time.perf_counter(), report.seconds
        curve = watch.curve
        if not curve:  # a `fit` without Keras' callbacks: what it returns is its one epoch
            curve = [_returned(returned, self._config.monitor)]
            report(1, trained - built, curve[0])
        values = [row[self._config.monitor] for row in curve]
        finite = [v for v in values if math.isfinite(v)]
        best = min(finite, key=lambda v: self._config.sign * v) if finite else math.nan
        ended = (
            report.end_reason
            if watch.pruned
            else ("nan" if not math.isfinite(values[-1]) else "epochs")
        )
        keeps = task.keep_model and ended == "epochs" and hasattr(model, "save")
        if keeps:
            models.save_keras_model(model, task.folder / "model")
        return Done(
            end_reason=ended,
            value=best,
            metrics={
                f"best_{self._config.monitor}": best,
                "best_epoch": values.index(best) + 1 if finite else 0,
                "epochs_run": len(curve),
                "seconds_build": built - started,
                "seconds_train": trained - built - waited,
                "seconds_report": report.seconds,
                **({"parameters": model.count_params()} if hasattr(model, "count_params") else {}),
            },
            trainer=used[-1].name,
            model_kind="keras" if keeps else None,
            message=report.beyond or str(used[-1]),
        )

    def score(self, asked: Score) -> Scored:
        """Refuse: a user's own data have no test part that is ours.

        Raises:
            SearchError: Always.
        """
        raise SearchError("A model of your own has no test part here, but one was asked for.")


def _callback(monitor: str, report: Reporter) -> Any:
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
    if monitor not in metrics:
        known = ", ".join(sorted(metrics)) or "nothing"
        raise SearchError(
            f"`objective` must name a number that each epoch reports, but got {monitor!r}. "
            f"Reported: {known}."
        )


def _returned(value: Any, monitor: str) -> dict[str, float]:
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
