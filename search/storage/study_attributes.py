"""A study's attributes in Optuna's storage; no other module reads or writes them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import optuna

from search.config.study import StudyConfig
from search.errors import SearchError
from tracking import without_password


class Key(StrEnum):
    """Names of a study's attributes in Optuna's storage."""

    MARK = "trialbook:ours"
    CONFIG = "trialbook:config"
    DATASET = "trialbook:dataset"
    RUN = "trialbook:run"
    SPACE = "trialbook:space"
    HISTORY = "trialbook:history"
    VERDICT = "trialbook:verdict"
    DECIDING = "trialbook:deciding"
    CODE = "trialbook:code"
    IDENTITY = "trialbook:identity"


_COMPILED, _PATIENT = 2, 3

_MET = "trialbook:met:"
"""Begins the name of the attribute of each parameter that a trial met while it ran. One attribute
a parameter, so that two processes never overwrite what the other has met."""


def is_ours(study: optuna.Study) -> bool:
    """Whether Trialbook made the study."""
    return Key.CONFIG in study.user_attrs


def marks() -> dict[str, Any]:
    """Make the attributes with which a new study is created: they mark it as Trialbook's own.

    One is the number of the version's way to train: 2 since there is a compiled trainer, 3 since
    the median pruner grants a trial more gains.
    """
    return {Key.IDENTITY.value: secrets.token_hex(8), Key.MARK.value: _PATIENT}


def identity_of(study: optuna.Study) -> str | None:
    """What tells a study from another one that had its name; None for one of an earlier version."""
    identity = study.user_attrs.get(Key.IDENTITY)
    return None if identity is None else str(identity)


def has_our_attributes(study: optuna.Study) -> bool:
    """Whether the study has the marks of `marks`, or another attribute of Trialbook.

    Earlier versions stored no mark.
    """
    return any(key.startswith("trialbook:") for key in study.user_attrs)


def config_of(study: optuna.Study) -> StudyConfig:
    """The settings of a study, as stored by the last run of the study.

    A study without a word on the rules of its ratings is of an earlier version: it keeps those. So
    it is with the trainer: in a study of before the compiled one, "auto" was what "tensorflow" is.

    Raises:
        SearchError: They are not as Trialbook stored them.
    """
    try:
        config = StudyConfig.from_dict({"rules": 1} | study.user_attrs[Key.CONFIG])
    except (SearchError, TypeError) as error:  # somebody changed it in the database
        raise SearchError(
            f"The settings of a stored study must be as Trialbook stored them, but those of "
            f"{study.study_name!r} are not: {error} Put a copy of the database in its place."
        ) from error
    if config.rates and config.trainer == "auto" and is_before_compiled(study):
        return config.at(trainer="tensorflow")
    return config


def is_before_compiled(study: optuna.Study) -> bool:
    """Whether a study was made before there was a compiled trainer."""
    return is_ours(study) and _mark_of(study) < _COMPILED


def has_former_pruner(study: optuna.Study) -> bool:
    """Whether a study's median pruner is that of earlier versions."""
    return is_ours(study) and _mark_of(study) < _PATIENT


def _mark_of(study: optuna.Study) -> int:
    return int(study.user_attrs.get(Key.MARK, 1))


def write_config(study: optuna.Study, config: StudyConfig) -> None:
    """Store a study's settings; nothing is written if the stored settings are the same.

    Where they do not name the rules of the ratings, a stored study keeps its own, and a new one has
    the newest. The storage's address is left out, since whoever reads this has it, and so are
    passwords.
    """
    rules = config_of(study).options.rules if is_ours(study) else config.options.rules_in_force
    address = config.tracking_uri and without_password(config.tracking_uri)
    plain = {"rules": rules} | config.to_dict() | {"storage": None, "tracking_uri": address}
    if study.user_attrs.get(Key.CONFIG) != plain:
        study.set_user_attr(Key.CONFIG.value, plain)


def code_of(study: optuna.Study) -> Mapping[str, str]:
    """The code that trains the study, as `search.study.joining` describes it, or nothing."""
    return dict(study.user_attrs.get(Key.CODE) or {})


def write_code(study: optuna.Study, code: Mapping[str, str]) -> None:
    """Store which code trains a study; nothing is written if the same is stored."""
    if code_of(study) != code:
        study.set_user_attr(Key.CODE.value, dict(code))


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


def space_of(study: optuna.Study) -> list[Mapping[str, Any]]:
    """The fields of each `Parameter` of the study, those that trials met while they ran last.

    Parents precede conditional parameters.
    """
    return [*declared_space_of(study), *met_of(study)]


def declared_space_of(study: optuna.Study) -> Sequence[Mapping[str, Any]]:
    """The fields of each `Parameter` that was known before the study's first trial."""
    parameters: Sequence[Mapping[str, Any]] = _space(study).get("parameters", [])
    return parameters


def met_of(study: optuna.Study) -> list[Mapping[str, Any]]:
    """The fields of each `Parameter` that a trial met while it ran, in the order of meeting.

    Those of trials in an earlier space of the study do not count.
    """
    attributes = study.user_attrs
    since = int((attributes.get(Key.SPACE) or {}).get("since", 0))
    met = [value for key, value in attributes.items() if key.startswith(_MET)]
    now = [each for each in met if each["when"][0] >= since]
    return [each["parameter"] for each in sorted(now, key=lambda each: each["when"])]


def ever_met(study: optuna.Study) -> set[str]:
    """The names of all parameters that trials met while they ran, in any space of the study."""
    met = (value for key, value in study.user_attrs.items() if key.startswith(_MET))
    return {str(each["parameter"]["name"]) for each in met}


def write_met(
    study: optuna.Study, name: str, parameter: Mapping[str, Any], when: tuple[int, int]
) -> None:
    """Store a parameter that a trial met while it ran.

    Args:
        study: The study.
        name: Optuna's name of the parameter.
        parameter: The fields of the `Parameter`.
        when: The trial's number, and how many parameters the trial had before.
    """
    study.set_user_attr(_MET + name, {"parameter": parameter, "when": list(when)})


def may_grow(study: optuna.Study) -> bool:
    """Whether trials of the study may meet further parameters while they run."""
    return bool(_space(study).get("grows", False))


def widened_at(study: optuna.Study) -> int:
    """The number of the first trial in the study's present space; 0 where it never changed."""
    return int(_space(study).get("since", 0))


def space_version_of(study: optuna.Study) -> int:
    """The version of a study's space: 1, plus 1 for each warm start or widening with a new one."""
    return int(_space(study).get("version", 1))


def write_space(
    study: optuna.Study,
    parameters: Sequence[Mapping[str, Any]],
    *,
    version: int,
    grows: bool = False,
    since: int = 0,
) -> None:
    """Store what a study searches.

    Args:
        study: The study.
        parameters: The fields of each `Parameter`, parents first.
        version: Version of the space, as `space_version_of` returns it.
        grows: Whether trials may meet further parameters while they run.
        since: Number of the first trial in this space.
    """
    space = {"version": version, "parameters": list(parameters), "grows": grows, "since": since}
    study.set_user_attr(Key.SPACE.value, space)


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
    """The process that chooses the winner now, as it describes itself, or None."""
    return study.user_attrs.get(Key.DECIDING)


def write_chooser(study: optuna.Study, owner: Mapping[str, Any] | None) -> None:
    """Store which process chooses the winner.

    Args:
        study: The study.
        owner: The process, as `search.storage.claims.owner.me` describes it; None once it is done.
    """
    study.set_user_attr(Key.DECIDING.value, owner)
