"""Hyperband: successive halving in several brackets, each beginning at a later epoch."""

from __future__ import annotations

import math
import zlib
from bisect import bisect
from itertools import accumulate

import optuna
from optuna.trial import FrozenTrial

from search.pruners.reasons import Halving
from search.storage.trial_attributes import given_slot
from search.storage.views import view_of


class Hyperband(optuna.pruners.BasePruner):
    """Runs successive halving in several brackets, each of which begins at a later epoch.

    The epochs at which a trial is judged are its rungs. In bracket b the first rung is epoch
    min_resource x reduction_factor^b, and each next one is reduction_factor times the one before.
    How the trials are divided among the brackets is said at `bracket_shares`.

    Brackets and their shares are those of Optuna's own pruner, which cannot serve here. It reads
    the trials of a bracket from the storage, whatever the study that it is given shows, so that it
    would compare full-batch with mini-batch trials. And it shows samplers one bracket alone, in
    which they cannot count slots. A slot is a trial's place in its study as if nothing had been
    interrupted. Here a trial's bracket follows from its slot.
    """

    def __init__(self, min_resource: int, max_resource: int, reduction_factor: int) -> None:
        """Make the pruner of each bracket.

        Args:
            min_resource: Epoch at which the first bracket is first judged.
            max_resource: Most epochs of a trial.
            reduction_factor: One trial of so many goes on at each rung.
        """
        count = 1
        while min_resource * reduction_factor**count <= max_resource:
            count += 1
        self._halvings = [
            Halving(min_resource, reduction_factor, bracket) for bracket in range(count)
        ]
        self._ends = list(accumulate(bracket_shares(count, reduction_factor)))

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to end the trial: at a rung, too many trials of its bracket are better."""
        name = study.study_name
        bracket = self._bracket(name, trial)
        inside = view_of(
            study,
            lambda: [
                other
                for other in study.get_trials(deepcopy=False)
                if self._bracket(name, other) == bracket
            ],
        )
        return self._halvings[bracket].prune(inside, trial)

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """As "not among the best third at epoch 12"."""
        return self._halvings[self._bracket(study.study_name, trial)].why(study, trial)

    def _bracket(self, name: str, trial: FrozenTrial) -> int:
        """The number of a trial's bracket, from a hash of the study's name and the trial's slot."""
        given = given_slot(trial)
        slot = trial.number if given is None else given
        return bisect(self._ends, zlib.crc32(f"{name}_{slot}".encode()) % self._ends[-1])


def bracket_shares(count: int, reduction_factor: int) -> list[int]:
    """The relative numbers of trials in the brackets, from the first bracket on.

    Bracket b of n gets ceil(n x factor^(n - 1 - b) / (n - b)), as in Optuna, so that each bracket
    spends about as many epochs (Li et al., "Hyperband", JMLR 18, 2018).

    Args:
        count: Number of brackets.
        reduction_factor: One trial of so many goes on at each rung.

    Example:
        3 x 9 / 3, 3 x 3 / 2 rounded up, and 3 x 1 / 1: 9, 5 and 3 of every 17 trials.

        >>> bracket_shares(3, 3)
        [9, 5, 3]
    """
    return [
        math.ceil(count * reduction_factor**left / (left + 1)) for left in reversed(range(count))
    ]
