"""A study as a sampler sees it that also learns from an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState


class WithHistory:
    """A study as a sampler sees it: its own trials and those of an earlier study before them.

    Whatever else a sampler asks for is the study's own.
    """

    def __init__(self, study: optuna.Study, history: Sequence[FrozenTrial]) -> None:
        """Keep both."""
        self._own = study
        self._history = history

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: tuple[TrialState, ...] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        own = self._own._get_trials(deepcopy=deepcopy, states=states, use_cache=use_cache)
        return [t for t in self._history if states is None or t.state in states] + own

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """As `Study.get_trials`."""
        return self._get_trials(deepcopy, states)
