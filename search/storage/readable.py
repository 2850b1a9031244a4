"""Checks that what is stored of a study is as Trialbook stored it, before anything reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields, replace
from functools import cache, partial
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from search.config.description import describe
from search.errors import SearchError
from search.space.parameters import Parameter, from_plain
from search.storage import study_attributes as of_study
from search.storage import trial_attributes as of_trial
from search.storage.records import space_record
from tracking import DatasetRecord

_NUMBERS = {int, float}


class Unreadable(SearchError):
    """What is stored of a study is not as Trialbook stored it.

    Attributes:
        study: Name of the study.
    """

    def __init__(self, study: str, text: str) -> None:
        """Say what is wrong.

        Args:
            study: Name of the study.
            text: The message, which names it too.
        """
        super().__init__(text)
        self.study = study


def require_readable(study: optuna.Study) -> None:
    """Check that what is stored of a study and its trials is as Trialbook stored it.

    Args:
        study: One of Trialbook's own.

    Raises:
        Unreadable: Somebody changed it in the database, or a later version stored it.
    """
    name = study.study_name
    _require(name, "the study's name and its own attributes", partial(_read_study, study))
    for trial in study.get_trials(deepcopy=False):
        _require(name, f"the attributes of trial {trial.number}", partial(_read_trial, trial))


def _require(name: str, what: str, read: Callable[[], None]) -> None:
    try:
        read()
    except SearchError as error:  # which names the study, the rule and the way out
        raise Unreadable(name, str(error)) from error
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise Unreadable(
            name,
            f"A stored study must be as Trialbook stored it, but of {name!r} {what} are not: "
            f"{_reason(error)}. Put a copy of the database in its place.",
        ) from error


def _reason(error: Exception) -> str:
    from pydantic import ValidationError  # it is there for what MLflow is told, loaded late

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"{error} is lacking"
    return str(error).replace("TrialPlan.__init__() ", "").replace("TrialOutcome.__init__() ", "")


def _read_study(study: optuna.Study) -> None:
    config = of_study.config_of(study)
    if config.name != study.study_name:  # a name from outside may lead elsewhere as a file's
        replace(config, name=study.study_name)
    if dataset := of_study.dataset_of(study):
        known = DatasetRecord(**{**dataset, "checks": tuple(dataset["checks"])})
        _checker(DatasetRecord).validate_python(asdict(known))
        describe(config, dataset)
    space = [from_plain(each) for each in of_study.space_of(study)]
    for parameter in space:
        _checker(Parameter).validate_python(asdict(parameter))
    space_record(space)
    _require_mappings(study.user_attrs, ("RUN", "VERDICT", "HISTORY", "CODE"), of_study.Key)
    for name, value in of_study.run_of(study).items():
        if not isinstance(value, str | None):
            raise TypeError(f"{name} is {value!r:.60}")


@cache
def _checker(kind: type) -> Any:
    """What checks the fields of a record."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _read_trial(trial: FrozenTrial) -> None:
    stored = trial.user_attrs
    _require_mappings(stored, ("PLAN", "OUTCOME", "OWNER", "WANTED"), of_trial.Key)
    _require_fields(of_trial.TrialPlan, stored.get(of_trial.Key.PLAN) or {})
    outcome = stored.get(of_trial.Key.OUTCOME) or {}
    _require_fields(of_trial.TrialOutcome, outcome)
    _require_numbers(outcome.get("metrics", {}), "metrics")
    for epoch, seconds, metrics in outcome.get("curve", ()):
        if not isinstance(metrics, Mapping):
            raise TypeError(f"curve has {metrics!r:.60} in the place of an epoch's figures")
        _require_numbers(metrics, "curve")
        _require_numbers({"epoch": epoch, "seconds": seconds}, "curve")
    of_trial.given_slot(trial), of_trial.retry_of(trial), of_trial.plan_of(trial).threads


def _require_mappings(stored: Mapping[str, Any], which: tuple[str, ...], keys: Any) -> None:
    for name in which:
        key = keys[name]
        if not isinstance(stored.get(key) or {}, Mapping):
            raise TypeError(f"{key.value} is {stored[key]!r:.60}")


def _require_fields(kind: type, stored: Mapping[str, Any]) -> None:
    """Check that stored fields are those of a class, each of the kind of its default."""
    expected = _kinds(kind)
    for name, value in stored.items():
        if name not in expected:
            raise TypeError(f"{name!r} is not known, a later version may have stored it")
        if not isinstance(value, expected[name]):
            raise TypeError(f"{name} is {value!r:.60}")


@cache
def _kinds(kind: type) -> dict[str, Any]:
    """The kinds of value of each field of a class, by its default."""
    return {each.name: _kind_of(each) for each in fields(kind)}


def _kind_of(field: Field[Any]) -> Any:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    if default is None:
        return object
    if isinstance(default, tuple):
        return (list, tuple)
    plain = next((each for each in (str, bool, int) if isinstance(default, each)), type(default))
    return Mapping if isinstance(default, dict) else plain


def _require_numbers(values: Mapping[str, Any], what: str) -> None:
    if _NUMBERS.issuperset(map(type, values.values())):
        return
    for name, value in values.items():
        if type(value) not in _NUMBERS:
            raise TypeError(f"{what} has {name} {value!r:.60}")
