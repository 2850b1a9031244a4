"""Hyperband: successive halving in several brackets, each beginning at a later epoch."""

from __future__ import annotations

import math
import zlib
from bisect import bisect
from itertools import accumulate

import optuna
from optuna.trial import FrozenTrial

from search.storage.trial_attributes import given_slot
from search.storage.views import view_of


class Hyperband(optuna.pruners.BasePruner):
    """Runs successive halving in brackets that begin at one rung after another.

    Brackets and their shares are those of Optuna's own, which cannot serve here: it reads the
    trials of a bracket from the storage, whatever the study that it is given shows, so that it
    would compare full-batch with mini-batch trials; and it makes samplers see one bracket alone,
    where nobody can count slots. A trial's bracket goes by its slot, which an interruption keeps.
    """

    def __init__(self, min_resource: int, max_resource: int, reduction_factor: int) -> None:
        count = 1
        while min_resource * reduction_factor**count <= max_resource:
            count += 1
        self._halvings = [
            optuna.pruners.SuccessiveHalvingPruner(min_resource, reduction_factor, bracket)
            for bracket in range(count)
        ]
        shares = [math.ceil(count * reduction_factor**left / (left + 1)) for left in range(count)]
        self._ends = list(accumulate(reversed(shares)))

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is not among the best of its bracket at a rung."""
        name = study.study_name
        bracket = self._bracket(name, trial)
        inside = view_of(
            study,
            lambda: [
                each
                for each in study.get_trials(deepcopy=False)
                if self._bracket(name, each) == bracket
            ],
        )
        return self._halvings[bracket].prune(inside, trial)

    def _bracket(self, name: str, trial: FrozenTrial) -> int:
        given = given_slot(trial)
        slot = trial.number if given is None else given
        return bisect(self._ends, zlib.crc32(f"{name}_{slot}".encode()) % self._ends[-1])
