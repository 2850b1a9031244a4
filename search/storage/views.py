"""A study and a storage as Optuna's samplers and pruners are shown them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, cast

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.direction import known_value_of, sign_of


class _StudyView:
    """A study of which other trials are shown; whatever else is asked for is the study's own."""

    def __init__(
        self,
        study: optuna.Study,
        shown: Callable[[], list[FrozenTrial]],
        storage: StorageView | None = None,
    ) -> None:
        self._viewed = study
        self._shown = shown
        if storage is not None:
            self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._viewed, name)

    @property
    def best_trial(self) -> FrozenTrial:
        """The best complete one of the trials that are shown; of equal ones the first.

        Raises:
            ValueError: There is none, as in Optuna.
        """
        sign = sign_of(self._viewed)
        done = self.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return min(done, key=lambda each: (sign * known_value_of(each), each.number))

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: tuple[TrialState, ...] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = [t for t in self._shown() if states is None or t.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """As `Study.get_trials`."""
        return self._get_trials(deepcopy, states)


class StorageView:
    """A storage some of whose methods are replaced; everything else is the storage's own."""

    def __init__(self, storage: Any, **instead: Callable[..., Any]) -> None:
        """Keep both.

        Args:
            storage: The storage.
            instead: By name of a method: what is called instead of it.
        """
        self._viewed = storage
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        return self._instead[name] if name in self._instead else getattr(self._viewed, name)


def view_of(
    study: optuna.Study,
    shown: Callable[[], list[FrozenTrial]],
    storage: StorageView | None = None,
) -> optuna.Study:
    """A study as a sampler or pruner sees it.

    Args:
        study: The study.
        shown: Gives the trials that are shown; it is called each time that trials are asked for.
        storage: What stands for the study's storage; None for that itself.
    """
    return cast("optuna.Study", _StudyView(study, shown, storage))


def with_value_at(trial: FrozenTrial, step: int, value: float) -> FrozenTrial:
    """A copy of a trial that reported a value at a step."""
    changed = copy.copy(trial)
    changed.intermediate_values = {**trial.intermediate_values, step: value}
    return changed


def from_step(trial: FrozenTrial, first: int) -> FrozenTrial:
    """A copy of a trial as if its reports had begun at a step."""
    cut = copy.copy(trial)
    values = trial.intermediate_values.items()
    cut.intermediate_values = {step: value for step, value in values if step >= first}
    return cut
