"""Trains trials of a user's own HyperModel inside the child."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner

import models
from search.child.allotment import Allotment
from search.child.asking import AskingHyperParameters
from search.child.fit_data import FitData, load_fit_data
from search.child.fit_notes import note_of
from search.child.fits import OWN_LOOP, FitWatch, Training
from search.child.given import Given, GivenTwice
from search.child.kept import epoch_of, is_same, kept_of, settle
from search.child.messages import Done, Ready, Score, Scored, Task
from search.child.reporter import Reporter, Stopped
from search.child.returned import Value, mean_of, values_of
from search.child.trial_files import write_config
from search.config.limits import too_large
from search.config.study import StudyConfig
from search.errors import SearchError, in_one_line
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import discover, has_own_fit, load_hypermodel, parameters
from tracking import EndReason

Told = Callable[[], None]


def open_hypermodel(config: StudyConfig) -> HyperModelRunner:
    """Import a study's own model and its data, and make the runner that trains it.

    Args:
        config: The study, its `model` a `module:HyperModel`.

    Raises:
        SearchError: There is none of that name, or its `fit` has no data.
    """
    hypermodel = load_hypermodel(config.model)
    return HyperModelRunner(config, hypermodel, load_fit_data(config, hypermodel))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fitted:
    """The outcome of a user's `fit`: why the training ended, its value, figures and models."""

    end_reason: str
    value: float
    metrics: Mapping[str, float]
    kept: Sequence[Training] = ()
    note: str = ""


class HyperModelRunner:
    """Trains a user's HyperModel: its `build` makes the model, its `fit` trains it."""

    def __init__(
        self, config: StudyConfig, hypermodel: keras_tuner.HyperModel, data: FitData
    ) -> None:
        """Keep the study, its HyperModel and its data; no model is built yet."""
        self._config = config
        self._hypermodel = hypermodel
        self._given = Given(config.model, data)

    def ready(self, allotment: Allotment) -> Ready:
        """Find the search space by building the user's model at its defaults, and in each scope."""
        try:
            declared = parameters(discover(self._hypermodel))
        except Exception as error:
            raise SearchError(
                f"`build` of `{self._config.model}` must work at its defaults, but it raised "
                f"{in_one_line(error)}."
            ) from error
        keras.backend.clear_session()
        return Ready(
            space=declared,
            first=SpaceAdapter(declared).defaults(),
            dataset=None,
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=(),
            devices=models.device_types(),
            grows=True,
        )

    def run(self, task: Task, report: Reporter) -> Done:
        """Build and fit a model; what the user's `fit` returned gives the value.

        The trial begins anew where its `fit` gives Keras' itself what it was given to pass on.
        """
        hp = AskingHyperParameters(task.values, report.ask)
        tell = report.built
        while True:
            try:
                return self._run(task, hp, report, tell)
            except GivenTwice:
                hp, tell = AskingHyperParameters(hp.values, report.ask), lambda: None

    def _run(
        self, task: Task, hp: keras_tuner.HyperParameters, report: Reporter, tell: Told
    ) -> Done:
        """Build and fit a model; call `tell` between the two."""
        models.make_deterministic(task.seed)
        self._write(task, hp)
        started, asked = time.perf_counter(), report.seconds
        try:
            self._hypermodel.declare_hyperparameters(hp)
            model = self._hypermodel.build(hp)
            build_s = time.perf_counter() - started - (report.seconds - asked)
            self._check(model)
            self._write(task, hp)
            tell()
            if beyond := too_large(model, task.limits):
                return Done.beyond(beyond, model.count_params())
            watch = FitWatch(self._config.monitor, self._config.sign, self._config.trainer, report)
            fitted = self._fit(hp, model, watch, task, report)
        finally:
            self._write(task, hp)
        folders, lost = _saved(fitted.kept, task.folder) if task.keep_model else ((), "")
        counted = models.count_parameters(model)
        how = "" if fitted.end_reason == EndReason.NAN else str(watch.used[-1])
        notes = [report.beyond or how, fitted.note, lost]
        return Done(
            end_reason=fitted.end_reason,
            value=fitted.value,
            metrics={
                **fitted.metrics,
                "seconds_build": build_s,
                **({} if counted is None else {"parameters": counted}),
            },
            trainer=watch.used[-1].name,
            model_kind="keras" if folders else None,
            models=folders,
            parts="training",
            message="; ".join(note for note in notes if note),
        )

    def _check(self, model: Any) -> None:
        """Refuse what `build` returned where it is no model, whatever the configuration."""
        if model is None or not (has_own_fit(self._hypermodel) or hasattr(model, "fit")):
            what = "nothing" if model is None else f"a {type(model).__name__}"
            raise SearchError(
                f"`build` of `{self._config.model}` must return a model, but returned {what}."
            )

    def _write(self, task: Task, hp: keras_tuner.HyperParameters) -> None:
        """Write what the trial trains, as far as its values are known, to its folder."""
        values = dict(hp.values)
        write_config(
            task.folder, {"model": self._config.model, "values": values, "seed": task.seed}
        )

    def _fit(self, hp: Any, model: Any, watch: FitWatch, task: Task, report: Reporter) -> _Fitted:
        """Train a model with the user's own `fit`."""
        fit = self._hypermodel.fit
        args, options = self._given.arguments(fit, watch, task.epochs)
        started, before = time.perf_counter(), report.seconds
        returned = None
        if isinstance(model, keras.Model):  # a loop of the user's own need not say what it trains
            watch.set_model(model)
        try:
            with watch.watching():
                returned = fit(hp, model, *args, **options)
        except Stopped:
            if not watch.pruned:
                raise
        except TypeError as error:
            self._given.leave_out(error, watch)
            raise
        beside = report.seconds - before + watch.seconds_evaluate
        train_s = time.perf_counter() - started - beside
        times = {
            "seconds_train": train_s,
            "seconds_evaluate": watch.seconds_evaluate,
            "seconds_report": report.seconds,
        }
        if watch.pruned:
            return _Fitted(end_reason=report.end_reason, value=math.nan, metrics=times)
        monitor, sign = self._config.monitor, self._config.sign
        values = values_of(returned, watch.trainings, monitor, sign)
        trainings = watch.trainings
        if not trainings:  # a `fit` without Keras': what it returns is drawn as one epoch
            report(1, train_s, {**values[0].more, monitor: mean_of(values)})
            if isinstance(model, keras.Model):
                trainings = [Training(model=model, number=1, unscored=OWN_LOOP)]
        return self._outcome(values, trainings, times)

    def _outcome(
        self, values: Sequence[Value], trainings: Sequence[Training], times: Mapping[str, float]
    ) -> _Fitted:
        """Put together what a user's `fit` came to: value, figures, and which models are kept."""
        monitor, name = self._config.monitor, self._config.value_name
        value = mean_of(values)
        kept = [settle(training, values, monitor) for training in kept_of(values, trainings)]
        metrics = {**_more(values, trainings), name: value, **times}
        if len(kept) > 1:
            for each in kept:
                if each.score is not None:
                    metrics[f"training_{each.training.number}/{name}"] = each.score
        first = [t for t in trainings if t.number == 1]
        metrics["epochs_run"] = float(sum(len(t.curve) for t in first))
        if metrics["epochs_run"]:
            metrics["best_epoch"] = float(epoch_of(kept, first)) or 1.0
        note = note_of(value, values, kept, metrics)
        score = kept[0].score if len(kept) == 1 else None
        if score is not None and not is_same(value, score):
            metrics[f"model_{monitor}"] = score
        reason = EndReason.EPOCHS if math.isfinite(value) else EndReason.NAN
        models_of = [each.training for each in kept]
        return _Fitted(end_reason=reason, value=value, metrics=metrics, kept=models_of, note=note)

    def tidy(self) -> None:
        """Free the last trial's model."""
        keras.backend.clear_session()

    def score(self, question: Score) -> Scored:
        """Raise an error: Trialbook has no test data for a user's own model.

        Raises:
            SearchError: Always.
        """
        raise SearchError("A model of your own has no test part here, but one was asked for.")


def _more(values: Sequence[Value], trainings: Sequence[Training]) -> dict[str, float]:
    """The other figures that a user's `fit` returned, but for those that its curve has."""
    known = {name for training in trainings for row in training.curve for name in row}
    return {n: v for value in values for n, v in value.more.items() if n not in known}


def _saved(kept: Sequence[Training], folder: Path) -> tuple[tuple[str, ...], str]:
    """Save the kept models; return their folders, and why one is lost, in words."""
    folders: list[str] = []
    for training in kept:
        name = "model" if training is kept[0] else f"model_{training.number}"
        try:
            models.save_keras_model(training.model, folder / name)
        except Exception as error:
            shutil.rmtree(folder / name, ignore_errors=True)
            text = " ".join(str(error).split())[:200]
            return tuple(folders), f"its model is not kept, since Keras cannot save it ({text})"
        folders.append(name)
    return tuple(folders), ""
