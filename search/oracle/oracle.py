"""An oracle for any `keras_tuner.Tuner`: Optuna chooses the trials, MLflow records them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as tuner_trial

from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from search.oracle.earlier import finished_trials
from search.oracle.study import TunerStudy
from search.oracle.tuner_trial import TunerEnd, TunerPoint
from search.space.hypermodel import parameters
from search.storage.studies import Studies
from search.storage.trial_attributes import outcome_of, plan_of, tuner_trial_of
from tracking import COMPLETE, EpochRecord, Store

_RUNNING, _STOPPED = "RUNNING", "STOPPED"


class OptunaOracle(keras_tuner.Oracle):
    """A Keras Tuner oracle whose trials are those of a Trialbook study.

    Every trial is an Optuna trial and an MLflow run: its parameters, its final figures, and with
    `watch` its curve. `trialbook studies`, `show`, `compare`, `export` and `ui` know the study. A
    study goes on where it stopped, in the same project folder or in a new one, and so does one
    that `trialbook search --model module:HyperModel` began.

    What it cannot do: prune a trial (Keras Tuner's tuners train each to their own end); keep models
    in MLflow (they stay in the tuner's project folder, where `get_best_models` finds those that
    were trained there); reproduce a trial (the seed of a training is the tuner's own); pass over a
    configuration that Optuna proposes again (it is trained once more, and counts).

    Args:
        objective: As every Keras Tuner oracle takes it.
        max_trials: Target of trials, earlier ones of the study counted; never None.
        study: The study's name.
        home: Folder of `mlflow.db`, `optuna.db` and `artifacts/`; made when missing.
        sampler: One of `trialbook search --sampler`.
        sampler_options: The sampler's options, by Optuna's names.
        seed: Seed of the sampler.
        storage: Optuna's address; None for `optuna.db` in the home folder.
        tracking_uri: MLflow's address; None for `mlflow.db` in the home folder.
        options: All others of `keras_tuner.Oracle`.

    Example:
        With a function `build(hp)` that compiles a model, and its data `x` and `y`:

        >>> oracle = OptunaOracle("val_loss", max_trials=2, study="mine", home="mlruns")
        >>> tuner = keras_tuner.Tuner(oracle=oracle, hypermodel=build, directory="kt")
        >>> oracle.watch(tuner)
        >>> tuner.search(x, y, epochs=2, validation_split=0.25, verbose=0)
        >>> record = Studies(Store(Path("mlruns"))).record("mine")
        >>> len(record.ranked())
        2
        >>> record.ranked()[0].value == float(oracle.get_best_trials(1)[0].score)
        True
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int = 10,
        *,
        study: str = "keras-tuner",
        home: str | Path = "mlruns",
        sampler: str = "local",
        sampler_options: Mapping[str, Any] | None = None,
        seed: int = 42,
        storage: str | None = None,
        tracking_uri: str | None = None,
        **options: Any,
    ) -> None:
        """Open the study, or make it.

        The arguments are described with the class, as Keras Tuner describes those of its oracles.

        Raises:
            SearchError: A value breaks its rule, or no tuner can go on with the study.
        """
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
        name, direction = self.objective.name, self.objective.direction
        config = StudyConfig(
            name=study,
            trials=max_trials,
            model=TUNER_MODEL,
            objective=f"{name}:{direction or 'min'}",
            sampler=sampler,
            sampler_options=dict(sampler_options or {}),
            pruner="none",
            seed=seed,
            storage=storage,
            tracking_uri=tracking_uri,
        )
        studies = Studies(Store(Path(home), tracking_uri), storage)
        self._study = TunerStudy.open(config, studies)
        self._numbers: dict[str, int] = {}
        self._curves: dict[str, list[EpochRecord]] = {}
        self._restored = False

    def watch(self, tuner: keras_tuner.Tuner) -> None:
        """Record the epochs of the trials that a tuner trains.

        Oracles are not told of epochs, so that without this a trial has its final figures alone.

        Args:
            tuner: The tuner; its `on_epoch_begin` and `on_epoch_end` are wrapped.
        """
        begin, end = tuner.on_epoch_begin, tuner.on_epoch_end
        started: dict[str, float] = {}

        def on_epoch_begin(trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            started[trial.trial_id] = time.monotonic()
            begin(trial, model, epoch, logs=logs)

        def on_epoch_end(trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            end(trial, model, epoch, logs=logs)
            seconds = time.monotonic() - started.get(trial.trial_id, time.monotonic())
            self._epoch(trial.trial_id, epoch + 1, seconds, logs or {})

        tuner.on_epoch_begin, tuner.on_epoch_end = on_epoch_begin, on_epoch_end

    def _epoch(self, name: str, epoch: int, seconds: float, logs: Mapping[str, Any]) -> None:
        """Record an epoch; if a tuner trains a trial again, the epoch numbers continue."""
        curve = self._curves.setdefault(name, [])
        if curve and epoch <= curve[-1].epoch:
            epoch = curve[-1].epoch + 1
        metrics = {key: float(value) for key, value in logs.items()}
        curve.append(EpochRecord(epoch=epoch, seconds=seconds, metrics=metrics))
        self._study.epoch(self._numbers[name], curve[-1])

    def create_trial(self, tuner_id: str) -> Any:
        """Begin a tuner's next trial, as the base class of Keras Tuner's oracles does.

        The study's finished trials, those of earlier processes too, count towards `max_trials`.

        Args:
            tuner_id: Keras Tuner's name of the worker that asks.

        Returns:
            A `keras_tuner` trial; its status says whether there is something to train.
        """
        if not self._restored:
            self._restore()
        trial = super().create_trial(tuner_id)
        if trial.status == _RUNNING and trial.trial_id not in self._numbers:
            # One that an earlier process left unfinished: the project folder had it tried again.
            name = trial.trial_id
            values, space = active_values(trial), parameters(self.get_space())
            point = TunerPoint(values=values, space=space, name=name)
            self._numbers[name] = self._study.again(point)
        if trial.status == _STOPPED and not self.ongoing_trials:
            self._study.finish()
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Let Optuna choose a trial's values.

        Args:
            trial_id: Keras Tuner's name of the trial.

        Returns:
            `status` and `values`, active parameters only.
        """
        number, values = self._study.ask(parameters(self.get_space()), trial_id)
        self._numbers[trial_id] = number
        return {"status": _RUNNING, "values": values}

    def end_trial(self, trial: Any) -> None:
        """End a trial as the base class does, then store and record its outcome.

        Args:
            trial: Keras Tuner's trial, with its score or its failure.
        """
        try:
            super().end_trial(trial)
        finally:
            self._store(self.trials[trial.trial_id])

    def _store(self, trial: Any) -> None:
        """Store how a trial ended, unless Keras Tuner will try it again."""
        number = self._numbers.get(trial.trial_id)
        retried = trial.trial_id in self._retry_queue
        if number is None or retried:
            return
        del self._numbers[trial.trial_id]
        last = {name: float(trial.metrics.get_best_value(name)) for name in trial.metrics.metrics}
        curve = self._curves.pop(trial.trial_id, [])
        self._study.grow(number, active_values(trial), parameters(self.get_space()))
        lines = (trial.message or "").strip().splitlines()
        end = TunerEnd(
            value=trial.score if trial.status == "COMPLETED" else None,
            metrics={**last, "best_epoch": float((trial.best_step or 0) + 1), **_times(curve)},
            epochs=curve,
            message=lines[-1] if lines else "",
        )
        self._study.end(number, end)

    def _restore(self) -> None:
        """Give Keras Tuner the study's finished trials that its project folder lacks."""
        self._restored = True
        held = set(self.trials)
        width = len(str(self.max_trials))
        for place, stored in enumerate(finished_trials(self._study.study)):
            name = tuner_trial_of(stored) or f"{place:0{width}d}"
            if name in held:
                continue
            plan, outcome = plan_of(stored), outcome_of(stored)
            hyperparameters = self.get_space()
            hyperparameters.values = dict(plan.values)
            complete = outcome.state == COMPLETE
            made = tuner_trial.Trial(
                hyperparameters, trial_id=name, status="COMPLETED" if complete else "FAILED"
            )
            if complete:
                made.metrics.register(self.objective.name, direction=self.objective.direction)
                step = max(0, int(outcome.metrics.get("best_epoch", 1)) - 1)
                made.metrics.update(self.objective.name, stored.value, step=step)
                made.score, made.best_step = stored.value, step
            self.trials[name] = made
            self.start_order.append(name)
            self.end_order.append(name)
            self._record_values(made)


def active_values(trial: Any) -> dict[str, Any]:
    """A Keras Tuner trial's values by name, those of inactive parameters left out."""
    held = trial.hyperparameters
    return {
        hp.name: held.values[hp.name]
        for hp in held.space
        if hp.name in held.values and held.is_active(hp)
    }


def _times(curve: list[EpochRecord]) -> dict[str, float]:
    """A trial's epochs and their seconds in all, as metrics; empty without a recorded epoch."""
    if not curve:
        return {}
    return {
        "epochs_run": float(len(curve)),
        "seconds_train": sum(epoch.seconds for epoch in curve),
    }
