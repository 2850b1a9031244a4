"""Why a study ends before it has its target of trials."""

from __future__ import annotations

from collections.abc import Sequence

import optuna

from search.adapter import optuna_name
from search.config import StudyConfig
from search.ledger import beyond_in_a_row, reached
from search.parameters import Parameter, always_active
from search.regret import RegretBound

_IN_VAIN = 50


class Ends:
    """What ends one study, whatever its target of trials: a good value, or nothing left to gain."""

    def __init__(
        self, config: StudyConfig, study: optuna.Study, space: Sequence[Parameter]
    ) -> None:
        """Keep all; nothing is computed yet."""
        self._config = config
        self._study = study
        self._regret = None
        if config.regret is not None:
            names = [optuna_name(parameter) for parameter in always_active(space)]
            self._regret = RegretBound(study, config.seed, names)

    @property
    def reached(self) -> bool:
        """Whether no further trial is worth its while."""
        return bool(self.reasons())

    def reasons(self) -> list[str]:
        """Why, a line each; none where the study goes on."""
        config, found = self._config, []
        good = reached(self._study, config.target, config.sign)
        if good is not None:
            found.append(f"Trial {good} reached the target of {config.target:g}.")
        bound = self._regret.value() if self._regret else None
        if bound is not None and config.regret is not None and bound < config.regret:
            found.append(
                f"A longer search would most likely gain less than {bound:.2g}, which is below "
                f"{config.regret:g}."
            )
        if beyond_in_a_row(self._study) >= _IN_VAIN:
            found.append(
                f"{_IN_VAIN} configurations in a row were beyond a limit. Raise the limit, or "
                "narrow the space."
            )
        return found
