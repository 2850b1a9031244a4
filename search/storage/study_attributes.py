"""A study's attributes in Optuna's storage; no other module reads or writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import optuna

from search.config.study import StudyConfig


class Key(StrEnum):
    """Names of a study's attributes in Optuna's storage."""

    CONFIG = "trialbook:config"
    DATASET = "trialbook:dataset"
    RUN = "trialbook:run"
    SPACE = "trialbook:space"
    HISTORY = "trialbook:history"
    VERDICT = "trialbook:verdict"
    DECIDING = "trialbook:deciding"


def is_ours(study: optuna.Study) -> bool:
    """Whether Trialbook made the study."""
    return Key.CONFIG in study.user_attrs


def config_of(study: optuna.Study) -> StudyConfig:
    """The settings of a study, as stored by the last run of the study.

    A study without a word on the rules of its ratings is of an earlier version: it keeps those.
    """
    return StudyConfig.from_dict({"rules": 1} | study.user_attrs[Key.CONFIG])


def write_config(study: optuna.Study, config: StudyConfig) -> None:
    """Store a study's settings; nothing is written if the stored settings are the same.

    Where they do not name the rules of the ratings, a stored study keeps its own, and a new one has
    the newest.
    """
    rules = config_of(study).options.rules if is_ours(study) else config.options.rules_in_force
    plain = {"rules": rules} | config.to_dict()
    if study.user_attrs.get(Key.CONFIG) != plain:
        study.set_user_attr(Key.CONFIG.value, plain)


def dataset_of(study: optuna.Study) -> Mapping[str, Any] | None:
    """The fields of the study's `tracking.DatasetRecord`; None for a user's own model."""
    return study.user_attrs.get(Key.DATASET)


def write_dataset(study: optuna.Study, dataset: Mapping[str, Any] | None) -> None:
    """Store which ratings a study reads.

    Args:
        study: The study.
        dataset: The fields of a `tracking.DatasetRecord`; None for a user's own model.
    """
    study.set_user_attr(Key.DATASET.value, dataset)


def run_of(study: optuna.Study) -> Mapping[str, Any]:
    """The study's `experiment_id` and `parent_run_id` in MLflow; empty before it has a run."""
    return study.user_attrs.get(Key.RUN) or {}


def write_run(study: optuna.Study, *, experiment_id: str | None, run_id: str | None) -> None:
    """Store the identifiers of a study's MLflow experiment and run.

    Args:
        study: The study.
        experiment_id: The study's experiment.
        run_id: The study's own run, the parent of its trials' runs.
    """
    run = {"experiment_id": experiment_id, "parent_run_id": run_id}
    study.set_user_attr(Key.RUN.value, run)


def space_of(study: optuna.Study) -> Sequence[Mapping[str, Any]]:
    """The fields of each `Parameter` of the study; parents precede conditional parameters."""
    parameters: Sequence[Mapping[str, Any]] = _space(study).get("parameters", [])
    return parameters


def space_version_of(study: optuna.Study) -> int:
    """The version of a study's search space: 1, plus 1 for each warm start with a new space."""
    return int(_space(study).get("version", 1))


def write_space(
    study: optuna.Study, parameters: Sequence[Mapping[str, Any]], *, version: int
) -> None:
    """Store what a study searches.

    Args:
        study: The study.
        parameters: The fields of each `Parameter`, parents first.
        version: Version of the space, as `space_version_of` returns it.
    """
    study.set_user_attr(Key.SPACE.value, {"version": version, "parameters": list(parameters)})


def _space(study: optuna.Study) -> Mapping[str, Any]:
    return study.user_attrs.get(Key.SPACE) or {}


def history_of(study: optuna.Study) -> Mapping[str, Any] | None:
    """The fields of the `History` that the study took from an earlier study, or None."""
    return study.user_attrs.get(Key.HISTORY)


def write_history(study: optuna.Study, history: Mapping[str, Any]) -> None:
    """Store the `History` that a study took from an earlier study.

    Args:
        study: The study.
        history: The fields of a `History`.
    """
    study.set_user_attr(Key.HISTORY.value, history)


def verdict_of(study: optuna.Study) -> dict[str, Any] | None:
    """The fields of the study's `Verdict`; None before a winner was decided."""
    return study.user_attrs.get(Key.VERDICT)


def write_verdict(study: optuna.Study, verdict: Mapping[str, Any]) -> None:
    """Store the fields of the study's `Verdict`."""
    study.set_user_attr(Key.VERDICT.value, verdict)


def chooser_of(study: optuna.Study) -> Mapping[str, Any] | None:
    """The process that chooses the winner now (host, process number, start time), or None."""
    return study.user_attrs.get(Key.DECIDING)


def write_chooser(study: optuna.Study, owner: Mapping[str, Any] | None) -> None:
    """Store which process chooses the winner.

    Args:
        study: The study.
        owner: The process, as `search.storage.owner.me` describes it; None once it is done.
    """
    study.set_user_attr(Key.DECIDING.value, owner)
