"""Imports a Keras Tuner project as a study: its trials go to Optuna and to MLflow."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras_tuner
import optuna

from models.checks import is_finite
from models.checks import told as as_told
from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from search.errors import SearchError
from search.oracle.opening import open_tuner_study
from search.oracle.project_files import read_trials, understood
from search.oracle.space import BUDGET, keep_met, tuner_space, values_of
from search.oracle.study import TunerStudy
from search.oracle.tuner_trial import TunerEnd, TunerPoint, figures_of_tuner
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.storage.claims.lease import end_standing
from search.storage.deletion import delete_study
from search.storage.studies import Studies
from tracking import EpochRecord, StudyRecord, Tag

_ENDED = ("COMPLETED", "FAILED", "INVALID")
_EPOCHS, _PARENT = f"{BUDGET}epochs", f"{BUDGET}trial_id"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What an import of a Keras Tuner project brought in: how many trials, and the best one.

    Attributes:
        study: Name of the study.
        objective: `NAME:min` or `NAME:max`.
        complete: Trials with a value.
        failed: Trials without.
        unfinished: Trials that had not ended, which are left out.
        best: The best trial's number, or None.
        value: Its value.
    """

    study: str
    objective: str
    complete: int
    failed: int
    unfinished: int
    best: int | None
    value: float | None

    @classmethod
    def of(cls, record: StudyRecord, objective: str, *, unfinished: int) -> Imported:
        """Count the trials of a study that was imported from a Keras Tuner project.

        Args:
            record: The study.
            objective: `NAME:min` or `NAME:max`.
            unfinished: Trials of the project that had not ended.
        """
        ranked, best = record.ranked(), record.best
        return cls(
            study=record.name,
            objective=objective,
            complete=len(ranked),
            failed=len(record.trials) - len(ranked),
            unfinished=unfinished,
            best=best.number if best else None,
            value=best.value if best else None,
        )


def import_project(
    folder: Path,
    studies: Studies,
    *,
    study: str | None = None,
    objective: str | None = None,
    model: str | None = None,
    epochs: int | None = None,
) -> Imported:
    """Import a Keras Tuner project as a new study.

    Args:
        folder: The project: it holds `oracle.json` and a folder `trial_*` a trial.
        studies: Where the study is made.
        study: Its name; None for the folder's.
        objective: `NAME:min` or `NAME:max`; None for the metric that the trials' scores are.
        model: `module:HyperModel` with which `trialbook search` can go on; None for none.
        epochs: Most epochs that its trials had; None for what Hyperband kept, where it did.

    Raises:
        SearchError: The folder is no such project, none of its trials has ended, there is a study
            of that name, or a `model` is given without the `epochs` that it needs.
    """
    trials = read_trials(folder)
    ended, name = _ended(trials, folder), study or folder.resolve().name
    _must_be_new(name, studies)
    with understood(folder):
        config = StudyConfig(
            name=name,
            trials=len(ended),
            model=model or TUNER_MODEL,
            objective=objective or _objective(ended, folder),
            epochs=_epochs(ended, folder, model) if epochs is None else epochs,
            pruner="none",
            storage=studies.address,
            tracking_uri=studies.named_uri,
        )
        told = _all_told(ended, config, folder)
    record = _add_all(config, studies, told)
    return Imported.of(record, config.objective, unfinished=len(trials) - len(ended))


def _ended(trials: Sequence[Any], folder: Path) -> list[Any]:
    """The project's trials that came to an end, with a value or without."""
    ended = [trial for trial in trials if trial.status in _ENDED]
    if not ended:
        raise SearchError(
            f"A project must have a trial that ended to be imported, but {folder} has none of "
            f"{len(trials)}."
        )
    return ended


def _must_be_new(name: str, studies: Studies) -> None:
    """Refuse a name that a study has already."""
    if name in optuna.get_all_study_names(studies.storage):
        raise SearchError(
            f"An import needs a study of its own, but there is one named {name!r}. Give "
            "another name with `--study`, or delete it with `trialbook delete`."
        )


def _all_told(
    ended: Sequence[Any], config: StudyConfig, folder: Path
) -> list[tuple[TunerPoint, TunerEnd]]:
    """What the study is to hold of each trial, in the space of all that any of them declared."""
    _check_objective(config.objective, ended, folder)
    declared = keras_tuner.HyperParameters()
    for trial in ended:
        declared.merge(trial.hyperparameters, overwrite=False)
    space = tuner_space(declared)
    _check_conditions(space, folder)
    return [_told(trial, space, config.monitor) for trial in ended]


def _check_conditions(space: Sequence[Parameter], folder: Path) -> None:
    """Refuse a parameter that depends on one which the project does not declare."""
    names = {parameter.name for parameter in space}
    for parameter in space:
        for condition in parameter.conditions:
            if condition.name not in names:
                raise SearchError(
                    "A parameter of a project must depend on parameters that the project declares, "
                    f"but {parameter.name!r} of {folder} depends on {as_told(condition.name)}. "
                    "Mend its files, or import a copy that is whole."
                )


def _add_all(
    config: StudyConfig,
    studies: Studies,
    told: Sequence[tuple[TunerPoint, TunerEnd]],
) -> StudyRecord:
    """Make the study, add the project's ended trials, and finish the study's MLflow run.

    A project does not tell which parameters its model declares before a trial: all are stored as
    met while trials ran, so that `trialbook search` takes what the model declares for known. An
    import cannot go on where it ended: one that does not come to its end leaves no study.
    """
    opened = TunerStudy.of(open_tuner_study(config, studies))
    try:
        keep_met(opened.study, told[0][0].space, 0)  # the same one for all
        for point, end in told:
            opened.add(point, end)
        return opened.finish()
    except BaseException:
        for undo in (end_standing, partial(delete_study, studies)):
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                undo(opened.study)
        raise


def _objective(trials: Sequence[Any], folder: Path) -> str:
    """Find the metric whose best value is every trial's score, as `NAME:min` or `NAME:max`."""
    scored = [trial for trial in trials if trial.score is not None]
    names = scored[0].metrics.metrics if scored else {}
    for name, history in names.items():
        if all(
            trial.metrics.exists(name) and trial.metrics.get_best_value(name) == trial.score
            for trial in scored
        ):
            return f"{name}:{history.direction}"
    raise SearchError(
        f"The objective of {folder} must be one of its metrics ({', '.join(names) or 'none'}), but "
        "none has the trials' scores. Name it with `--objective NAME:min`."
    )


def _check_objective(goal: str, trials: Sequence[Any], folder: Path) -> None:
    """Refuse an objective that is no metric of the project, or that has the other direction."""
    name, _, direction = goal.partition(":")
    known = {n: h for t in trials if t.score is not None for n, h in t.metrics.metrics.items()}
    if not known:
        return
    if name not in known:
        raise SearchError(
            f"`--objective` must name a metric of the project ({', '.join(known)}), but {folder} "
            f"has no {name!r}."
        )
    if known[name].direction not in (None, direction):
        raise SearchError(
            f"`--objective` must go the project's way, which is {name}:{known[name].direction} in "
            f"{folder}, but got {goal}."
        )


def _told(trial: Any, space: Sequence[Parameter], monitor: str) -> tuple[TunerPoint, TunerEnd]:
    """What the study is to hold of one trial of the project: its configuration and its end."""
    budget = _budget(trial)
    figures = {name: float(value) for name, value in budget.items() if is_finite(value)}
    parent = budget.get(_PARENT)
    end = TunerEnd.of(trial, _curve(trial))
    value = end.value
    if value is not None and trial.metrics.exists(monitor):
        best = trial.metrics.get_best_value(monitor)
        value = float(best) if is_finite(best) else None
    point = TunerPoint(
        values=values_of(trial),
        space=space,
        name=trial.trial_id,
        tags={} if parent is None else {Tag.TUNER_PARENT.value: str(parent)},
    )
    adapter = SpaceAdapter(space)
    adapter.encode(point.values)  # so that what Optuna cannot hold is refused here
    adapter.distributions(point.values)
    return point, replace(end, value=value, metrics={**figures_of_tuner(trial), **figures})


def _budget(trial: Any) -> dict[str, Any]:
    """What Hyperband keeps beside a trial's values: its epochs, bracket, round and parent."""
    values = trial.hyperparameters.values
    return {name: value for name, value in values.items() if name.startswith(BUDGET)}


def _epochs(trials: Sequence[Any], folder: Path, model: str | None) -> int:
    """Find how many epochs the project's trials had at most: Hyperband alone keeps that."""
    budgets = [_budget(trial).get(_EPOCHS) for trial in trials]
    known = [int(budget) for budget in budgets if budget]
    if not known and model is not None:
        best = 1 + max(trial.best_step or 0 for trial in trials)
        raise SearchError(
            "An import that `--model` goes on with must say how many epochs a trial has, but "
            f"{folder} does not (the best epoch of its trials is at most {best}). Give "
            "`--epochs`, so that new trials are like the old ones."
        )
    return max(known, default=StudyConfig().epochs)


def _curve(trial: Any) -> tuple[EpochRecord, ...]:
    """Read the epochs of a trial that Keras Tuner stored: most often the best epoch alone."""
    steps: dict[int, dict[str, float]] = {}
    for name in trial.metrics.metrics:
        for observation in trial.metrics.get_history(name):
            value = observation.value
            mean = sum(value) / len(value) if isinstance(value, list) else value
            steps.setdefault(int(observation.step) + 1, {})[name] = float(mean)
    return tuple(
        EpochRecord(epoch=step, seconds=0.0, metrics=metrics)
        for step, metrics in sorted(steps.items())
    )
