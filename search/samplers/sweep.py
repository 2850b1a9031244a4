"""Finds the choices of a good trial whose other values no similar trial has had."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

NEAR = 3
"""Parameters in which a trial near another one differs at most."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Which choice divides trials into kinds, and which one counts as near from farther away.

    Attributes:
        kind: Choice that divides trials into kinds, say the model's family; None for no kinds.
        first: Choice for which a trial is near that differs in half of the parameters; or None.
    """

    kind: str | None
    first: str | None

    def untried(
        self,
        base: FrozenTrial,
        known: Sequence[Mapping[str, Any]],
        names: Container[str | None],
    ) -> list[tuple[str, Any]]:
        """List the values of a trial's choices that no trial near it had.

        Near a trial is one of its kind that differs in at most `NEAR` of the parameters that both
        have. For the choice `kind` itself trials of all kinds count.

        Each known configuration is compared with the trial once, for all choices.

        Args:
            base: The trial.
            known: Parameters of the trials so far, those under way included.
            names: The choices that are looked at.

        Returns:
            Name and value, in the order of the trial's parameters and of their choices.
        """
        choices = [
            (name, distribution.choices)
            for name, distribution in base.distributions.items()
            if name in names and isinstance(distribution, CategoricalDistribution)
        ]
        far = len(base.params) // 2 if any(name == self.first for name, _ in choices) else NEAR
        kind = base.params.get(self.kind or "")
        same = [params for params in known if params.get(self.kind or "") == kind]
        of_kind = _compared(same, base.params, max(NEAR, far))
        untried = []
        for name, values in choices:
            compared = _compared(known, base.params, NEAR) if name == self.kind else of_kind
            most = far if name == self.first else NEAR
            tried = {params.get(name) for params, apart in compared if apart <= most}
            untried += [(name, value) for value in values if value not in tried]
        return untried


def _compared(
    configurations: Iterable[Mapping[str, Any]], base: Mapping[str, Any], most: int
) -> list[tuple[Mapping[str, Any], int]]:
    """The configurations that differ from `base` in at most `most` parameters, and in how many."""
    near = []
    for params in configurations:
        apart = 0
        for name, value in base.items():
            if name in params and params[name] != value:
                apart += 1
                if apart > most:
                    break
        else:
            near.append((params, apart))
    return near
