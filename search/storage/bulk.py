"""What a running trial reports to Optuna: few large writes, and a pruner that reads little."""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import (
    TrialIntermediateValueModel,
    TrialParamModel,
    TrialUserAttributeModel,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import insert

_FRESH_S = 0.5


def write_reports(study: optuna.Study, trial: optuna.Trial, values: Mapping[int, float]) -> None:
    """Store reported values by epoch, in one statement where the storage is a database.

    Optuna itself takes a transaction a value, 2 to 3 ms each.

    Args:
        study: The study.
        trial: A running trial of it.
        values: Never reported before.
    """
    if not values:
        return
    storage: Any = study._storage
    database = _database(storage)
    if database is None:
        for epoch, value in values.items():
            storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        return
    rows = []
    for epoch, value in values.items():
        stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        rows.append(
            {
                "trial_id": trial._trial_id,
                "step": epoch,
                "intermediate_value": stored,
                "intermediate_value_type": kind,
            }
        )
    with database.engine.begin() as connection:
        connection.execute(insert(TrialIntermediateValueModel), rows)


@contextlib.contextmanager
def stored_at_once(trial: optuna.Trial) -> Iterator[None]:
    """Store all that a new trial is given inside at its end, where the storage is a database.

    Optuna itself takes a transaction a parameter and an attribute, about 5 ms each.
    """
    storage = trial.storage
    holding = _Holding(storage)
    trial.storage = cast("optuna.storages.BaseStorage", holding)
    try:
        yield
    finally:
        trial.storage = storage
    database = _database(storage)
    if database is None:
        for name, (value, distribution) in holding.parameters.items():
            storage.set_trial_param(trial._trial_id, name, value, distribution)
        for key, value in holding.attributes.items():
            storage.set_trial_user_attr(trial._trial_id, key, value)
        return
    parameters = [
        {
            "trial_id": trial._trial_id,
            "param_name": name,
            "param_value": value,
            "distribution_json": distribution_to_json(distribution),
        }
        for name, (value, distribution) in holding.parameters.items()
    ]
    attributes = [
        {"trial_id": trial._trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in holding.attributes.items()
    ]
    with database.engine.begin() as connection:
        if parameters:
            connection.execute(insert(TrialParamModel), parameters)
        if attributes:
            connection.execute(insert(TrialUserAttributeModel), attributes)


class _Holding:
    """A storage that keeps back what a trial is given; everything else is the storage's own."""

    def __init__(self, storage: Any) -> None:
        self._kept_storage = storage
        self.parameters: dict[str, tuple[float, BaseDistribution]] = {}
        self.attributes: dict[str, Any] = {}

    def set_trial_param(
        self, trial_id: int, name: str, value: float, distribution: BaseDistribution
    ) -> None:
        """Keep a parameter back."""
        self.parameters[name] = (value, distribution)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep an attribute back."""
        self.attributes[key] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept_storage, name)


def _database(storage: Any) -> RDBStorage | None:
    """The database behind a storage, or None where it is none."""
    found = getattr(storage, "_backend", storage)
    return found if isinstance(found, RDBStorage) else None


class _Noting:
    """A storage that also tells the trial at hand what is stored with it."""

    def __init__(self, storage: Any, trial: FrozenTrial) -> None:
        self._noted_storage = storage
        self._noted_trial = trial

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """As the storage does: a rung that a trial completed."""
        self._noted_storage.set_trial_system_attr(trial_id, key, value)
        self._noted_trial.system_attrs[key] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._noted_storage, name)


def since(trial: FrozenTrial, first: int) -> FrozenTrial:
    """A copy of a trial as if its reports had begun at a step."""
    cut = copy.copy(trial)
    values = trial.intermediate_values.items()
    cut.intermediate_values = {step: value for step, value in values if step >= first}
    return cut


class Peers:
    """A study as a pruner of one trial sees it: its trials as they were half a second ago at most.

    Whatever else a pruner asks for is the study's own.
    """

    def __init__(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        alike: Callable[[FrozenTrial], bool] = lambda other: True,
        first: int = 0,
    ) -> None:
        """Read nothing yet.

        Args:
            study: The study.
            trial: The one that is judged.
            alike: Whether another may be compared with it.
            first: Step from which on the best trial's reports count.
        """
        self._study = study
        self._alike = alike
        self._first = first
        self._storage = _Noting(study._storage, trial)
        self._trials: list[FrozenTrial] = []
        self._read = -float("inf")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    @property
    def best_trial(self) -> FrozenTrial:
        """The best complete one that the trial may be compared with.

        Raises:
            ValueError: There is none, as in Optuna.
        """
        sign = -1.0 if self._study.direction == optuna.study.StudyDirection.MAXIMIZE else 1.0
        done = self.get_trials(states=(TrialState.COMPLETE,))
        best = min(done, key=lambda each: (sign * (each.value or 0.0), each.number))
        return since(best, self._first)

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """As `Study.get_trials`, never copied."""
        if time.monotonic() - self._read > _FRESH_S:
            found = self._study.get_trials(deepcopy=False)
            self._trials = [trial for trial in found if self._alike(trial)]
            self._read = time.monotonic()
        return [trial for trial in self._trials if states is None or trial.state in states]
