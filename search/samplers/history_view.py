"""A study as a sampler sees it: as it was when the proposal began, and an earlier one before it."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState


class WithHistory:
    """A study as a sampler sees it: its own trials and those of an earlier study before them.

    Its own are read once, when they are first asked for: `tpe` asks some twenty times a proposal,
    and the storage takes milliseconds each time. Where there are several goals, a trial that a
    limit ended has no values, and samplers that weigh intermediate ones have no place for it: it
    is not shown. Whatever else a sampler asks for is the study's own.
    """

    def __init__(
        self,
        study: optuna.Study,
        history: Sequence[FrozenTrial] = (),
        names: Collection[str] = (),
    ) -> None:
        """Keep all.

        Args:
            study: The study.
            history: Trials of the earlier one.
            names: Parameters without which a trial of either is not shown.
        """
        self._own = study
        self._history = history
        self._names = set(names)
        self._read: list[FrozenTrial] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: tuple[TrialState, ...] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        if self._read is None:
            both = [*self._history, *self._own._get_trials(deepcopy=False)]
            several = len(self._own.directions) > 1
            self._read = [t for t in both if not (several and t.state == TrialState.PRUNED)]
        both = [t for t in self._read if states is None or t.state in states]
        unset = (TrialState.WAITING, TrialState.RUNNING)
        seen = [t for t in both if t.state in unset or self._names <= set(t.params)]
        return copy.deepcopy(seen) if deepcopy else seen

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """As `Study.get_trials`."""
        return self._get_trials(deepcopy, states)
