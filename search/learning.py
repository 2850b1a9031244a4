"""A study as a sampler sees it that also learns from an earlier one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState


class WithHistory:
    """A study as a sampler sees it: its own trials and those of an earlier study before them.

    Whatever else a sampler asks for is the study's own.
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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: tuple[TrialState, ...] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        own = self._own._get_trials(deepcopy=deepcopy, states=states, use_cache=use_cache)
        both = [t for t in self._history if states is None or t.state in states] + own
        unset = (TrialState.WAITING, TrialState.RUNNING)
        return [t for t in both if t.state in unset or self._names <= set(t.params)]

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """As `Study.get_trials`."""
        return self._get_trials(deepcopy, states)
