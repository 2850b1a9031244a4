"""The reasons for which a study ends before it has its target of trials."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.samplers.grid import grid_points
from search.space.distributions import optuna_name
from search.space.parameters import Parameter, always_active
from search.storage.slots import given_slots, slot_of
from search.storage.trials import (
    beyond_in_a_row,
    failed_alike,
    finished,
    reached,
    under_way_or_done,
)
from search.storage.views import snapshot_of
from search.study.regret import RegretBound

_IN_VAIN = 50
_ALIKE = 3
"""Trials of a user's own model that fail alike before any other ends, after which a run ends; Keras
Tuner's `max_consecutive_failed_trials` is 3 as well."""


class Ends:
    """Decides whether a study ends before its target of trials, and says why.

    It ends once a trial reaches the target value, a longer search would gain too little, all points
    of the grid were tried, a limit has kept 50 trials in a row from being trained, or the first
    three trials of a run of a user's own model all failed with the same message.
    """

    def __init__(
        self, config: StudyConfig, study: optuna.Study, space: Sequence[Parameter]
    ) -> None:
        """Count the points of a grid, for the grid sampler; nothing else is computed yet.

        Args:
            config: The study.
            study: Its Optuna study.
            space: Its space.
        """
        self._config = config
        self._study = study
        self._points = len(grid_points(space)) if config.sampler == "grid" else None
        trials = study.get_trials(deepcopy=False)
        open_ones = (trial.number for trial in trials if not trial.state.is_finished())
        self._first = next(open_ones, len(trials))
        self._regret = None
        self._lock = threading.Lock()
        if config.regret is not None:
            names = [optuna_name(parameter) for parameter in always_active(space)]
            self._regret = RegretBound(study, config.seed, names)

    @property
    def reached(self) -> bool:
        """Whether there is a reason to end the study before its target of trials."""
        return bool(self.reasons())

    @property
    def enough(self) -> bool:
        """Whether the study has its target of finished trials, or a reason to end before."""
        return finished(self._study) >= self._config.trials or self.reached

    def reasons(self, seen: optuna.Study | None = None) -> list[str]:
        """Why the study ends, one line a reason; empty where it goes on.

        Args:
            seen: The study as it was read just now; None to read it.
        """
        seen = snapshot_of(self._study) if seen is None else seen
        config, reasons = self._config, []
        good = reached(seen, config.target)
        if good is not None:
            reasons.append(f"Trial {good} reached the target of {config.target:g}.")
        with self._lock:  # its bound is of one thread at a time
            bound = self._regret.value() if self._regret else None
        if bound is not None and config.regret is not None and bound < config.regret:
            reasons.append(
                f"A longer search would most likely gain less than {bound:.2g}, which is below "
                f"{config.regret:g}."
            )
        if self._points is not None and self._tried(seen, self._points):
            reasons.append(f"All {self._points} points of the grid were tried.")
        if beyond_in_a_row(seen) >= _IN_VAIN:
            reasons.append(
                f"{_IN_VAIN} configurations in a row were beyond a limit, or would take too much "
                "of the time. Begin another study (`--study`) with a higher limit, more time or a "
                "narrower space."
            )
        alike = None if config.rates else failed_alike(seen, self._first, _ALIKE)
        if alike is not None:
            reasons.append(
                f"The first {_ALIKE} trials failed alike ({alike.rstrip('.')}). Mend the model, "
                "and call the study again."
            )
        return reasons

    def _tried(self, seen: optuna.Study, points: int) -> bool:
        """Whether all points of the grid were tried, while the study still lacks trials."""
        trials = seen.get_trials(deepcopy=False)
        if under_way_or_done(seen) >= self._config.trials:
            return False
        if any(trial.state == TrialState.WAITING for trial in trials):
            return False
        slots = {slot_of(seen, trial) for trial in trials}
        return len(slots - given_slots(seen)) >= points
