"""Finds the model that a user names: of a study or trial, of MLflow, or in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from search.errors import SearchError
from search.prediction.kept import kept_of, models_of, no_model
from search.prediction.registered import Found, find_in_mlflow, known_line
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, verdict_of
from search.storage.trial_attributes import run_id_of
from tracking import (
    KeptModel,
    opened_model,
    saved_in,
)
from tracking.texts import shell_line

_EXPECTED = (
    "What predicts must be a study, STUDY:NUMBER, the run of a trial or of a winner, a registered "
    "model (NAME@ALIAS or NAME/VERSION) or a model folder, but got"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The model that a user named.

    Attributes:
        said: What was taken, in a line that begins with "Model: ".
        study: The study that it is of; None where that is not known.
        number: Number of its trial; None where that is not known.
        model: The model in MLflow; None for one in a folder.
        folder: The folder; None for one in MLflow.
    """

    said: str
    study: optuna.Study | None = None
    number: int | None = None
    model: KeptModel | None = None
    folder: Path | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return {
            "said": self.said.removeprefix("Model: ").rstrip("."),
            "study": None if self.study is None else self.study.study_name,
            "trial": self.number,
            "uri": None if self.model is None else self.model.uri,
            "folder": None if self.folder is None else str(self.folder),
        }


def find_target(named: str, studies: Studies) -> Target:
    """Find the model that a user names.

    A study stands for its winner, where one was registered, else for its best trial. Of a trial
    with several folds or repeats it is the one whose value is in the middle.

    Args:
        named: A study, `STUDY:NUMBER`, an MLflow run's identifier, a model in MLflow as
            `find_in_mlflow` takes it, or the path of a model folder.
        studies: Where the studies are.

    Raises:
        SearchError: There is none of that name, or none with a model.
        TrackingError: MLflow cannot be reached at the study's address.
    """
    if named.startswith("models:/"):
        return _of_mlflow(studies, find_in_mlflow(named, studies))
    if os.sep in named or named in (os.curdir, os.pardir):
        return _at_path(studies, named)
    study = studies.find(named) if named else None
    if study is not None:
        return _of_study(studies, study)
    name, colon, number = named.rpartition(":")
    study = studies.find(name) if name else None
    if study is not None:
        return _of_number(studies, study, number)
    if colon:
        studies.get(name)  # which tells the known ones
    if named and os.path.isdir(named):
        return _in_folder(named)
    if found := find_in_mlflow(named, studies):
        return _of_mlflow(studies, found)
    return _of_run(studies, named)


@contextmanager
def folder_of(target: Target, studies: Studies) -> Iterator[Path]:
    """Give the folder of a model while the block runs; one on a server is fetched for as long.

    Args:
        target: The model.
        studies: Where its study is.

    Raises:
        TrackingError: Its files are gone, or cannot be fetched.
    """
    if target.model is None:
        assert target.folder is not None, "a model is in MLflow or in a folder"
        yield target.folder
        return
    config = None if target.study is None else config_of(target.study)
    with opened_model(studies.store_of(config), target.model) as folder:
        yield folder


def trial_target(studies: Studies, study: optuna.Study, number: int, said: str) -> Target:
    """Find the model that a trial kept, as the study stands now.

    Args:
        studies: Where the study is.
        study: The study.
        number: Number of the trial; where its value was reused, the model is an earlier trial's.
        said: What to say of it: "Model: trial 3 of movies".

    Raises:
        SearchError: There is no such trial, or it kept no model.
        TrackingError: MLflow cannot be reached at the study's address.
    """
    config = config_of(study)
    record = study_record(study, config, weighs=False)
    trial = record.trial(number)
    if trial is None:
        known = f"0 to {record.trials[-1].number}" if record.trials else "none yet"
        raise SearchError(
            f"A trial's number must be one of study {record.name}'s ({known}), but got {number}."
        )
    kept = kept_of(studies, study, record, trial)
    if kept.model is None:
        raise SearchError(no_model(config, trial, kept))
    return Target(said=f"{said}{kept.said}.", study=study, number=number, model=kept.model)


def _at_path(studies: Studies, named: str) -> Target:
    """The model in a folder, or, where there is none, the version of a registered model."""
    if named.startswith((os.sep, os.curdir, "~")) or os.path.exists(named):
        return _in_folder(named)
    if found := find_in_mlflow(named, studies):
        return _of_mlflow(studies, found)
    raise SearchError(_expected(studies, named))


def _of_mlflow(studies: Studies, found: Found | None) -> Target:
    """A registered or logged model, with the study and trial that it is of, where one is known."""
    assert found is not None, "what begins with models:/ is found or refused"
    study, trial, whose = None, None, ""
    if owner := _owner(studies, found.run_id):
        study, trial = owner
        won = (verdict_of(study) or {}).get("run_id") == found.run_id
        of = f"the winner of {study.study_name} (trial {trial})"
        whose = f": {of if won else f'trial {trial} of {study.study_name}'}"
    return Target(said=f"Model: {found.said}{whose}.", study=study, number=trial, model=found.model)


def _owner(studies: Studies, run_id: str | None) -> tuple[optuna.Study, int] | None:
    """The study whose trial or winner has an MLflow run, and the number of the trial."""
    for study in studies.all() if run_id else ():
        verdict = verdict_of(study) or {}
        if verdict.get("run_id") == run_id:
            return study, int(verdict["number"])
        for trial in study.get_trials(deepcopy=False):
            if run_id_of(trial) == run_id:
                return study, trial.number
    return None


def _in_folder(named: str) -> Target:
    path = Path(os.path.expanduser(named))
    folder = saved_in(path)
    if folder is None:
        raise SearchError(
            "A model folder must hold model.keras and manifest.json, as Trialbook saves them, or "
            f"an MLflow model of Trialbook's, but {path} does not."
        )
    return Target(said=f"Model: the folder {path}.", folder=folder)


def _of_study(studies: Studies, study: optuna.Study) -> Target:
    """The model of a study's winner, if one is registered, else that of its best trial."""
    verdict, gone = verdict_of(study) or {}, ""
    if verdict.get("model") and verdict.get("run_id"):
        models = models_of(studies, config_of(study), verdict["run_id"])
        if models:
            name, _, version = verdict["model"].rpartition("/")
            said = (
                f"Model: the winner of {study.study_name} (trial {verdict['number']}), in MLflow "
                f"{name}, version {version}."
            )
            return Target(said=said, study=study, number=verdict["number"], model=models[0])
        gone = ", since its winner's is gone from MLflow"
    record = study_record(study, weighs=False)
    if record.best is None:
        raise SearchError(
            f"Predicting needs a complete trial, but of study {study.study_name} {record.no_best}."
        )
    number = record.best.number
    said = f"Model: the best trial of {study.study_name}, trial {number}{gone}"
    return trial_target(studies, study, number, said)


def _of_number(studies: Studies, study: optuna.Study, number: str) -> Target:
    if not (number.isdecimal() and len(number) < 10):
        raise SearchError(
            f"A trial is named as STUDY:NUMBER, but got {study.study_name}:{number}. "
            f"`{shell_line('trialbook', 'show', study.study_name)}` lists its trials."
        )
    said = f"Model: trial {int(number)} of {study.study_name}"
    return trial_target(studies, study, int(number), said)


def _of_run(studies: Studies, run_id: str) -> Target:
    """The model of the trial, or of the winner, that has an MLflow run."""
    if owner := _owner(studies, run_id):
        study, number = owner
        won = (verdict_of(study) or {}).get("run_id") == run_id
        return _of_study(studies, study) if won else _of_number(studies, study, str(number))
    models = models_of(studies, None, run_id)
    if not models:
        raise SearchError(_expected(studies, run_id))
    return Target(said=f"Model: {models[0].name} of the MLflow run {run_id}.", model=models[0])


def _expected(studies: Studies, named: str) -> str:
    return f"{_EXPECTED} {named!r}. `trialbook studies` lists the studies. {known_line(studies)}"
