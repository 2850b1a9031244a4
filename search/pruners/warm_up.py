"""The warm-up: the epochs before which no trial is pruned.

An epoch passes over the same rows whatever the batch size, all of them or as many as a study's
growing samples give it, so equal epochs are equal numbers of rows seen. Full-batch trials are
compared with one another, mini-batch trials too, each after a warm-up that outlasts the transient
of an output bias of 7: about 15 steps, which are 15 epochs of full batches and at most 4 epochs of
mini-batches. The median judges these from their second epoch where 1,000 steps are over by then:
with millions of ratings an epoch takes seconds, and says more.
Where samples grow, the warm-up lasts to the end of the stage that it falls into; successive halving
so has its first rung there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from search.config.options import PRUNERS, Options
from search.config.parts import parts_of
from search.config.study import StudyConfig

Growth = Sequence[Sequence[float]]

WARM_UP_EPOCHS = 15
WARM_UP_SMALL_BATCHES = 4
"""Of trials with mini-batches, which take four steps an epoch or more."""
_STEPS = 1_000


class WarmUp(NamedTuple):
    """How long the warm-up of trials with mini-batches lasts, where the median judges them.

    Attributes:
        least: Epochs at least.
        rows: Ratings of the train part; 0 where they are not known.
    """

    least: int = WARM_UP_SMALL_BATCHES
    rows: int = 0

    def epochs(self, batch: int) -> int:
        """The epochs that have 1,000 steps, at least `least` of them and at most 4.

        Args:
            batch: Rows of a step.

        Example:
            >>> WarmUp(least=2, rows=56_001).epochs(256)  # 219 steps an epoch
            4
            >>> WarmUp(least=2, rows=4_958_292).epochs(4_096)
            2
        """
        if not self.rows:
            return WARM_UP_SMALL_BATCHES
        steps = -(-self.rows // batch)
        return max(self.least, min(WARM_UP_SMALL_BATCHES, -(-_STEPS // steps)))


def warm_up(growth: Growth, *, small: bool = False, epochs: int = WARM_UP_SMALL_BATCHES) -> int:
    """The number of epochs in which no pruner may end a trial.

    Args:
        growth: Stages of growing samples: a share of the rows and how many epochs.
        small: Whether the trial has mini-batches.
        epochs: The epochs of such a trial where samples do not grow.

    Example:
        Where samples grow, to the end of the stage that the 15 epochs fall into:

        >>> warm_up(()), warm_up((), small=True)
        (15, 4)
        >>> warm_up([[0.1, 10], [0.3, 10]])
        20
    """
    usual = epochs if small else WARM_UP_EPOCHS
    ends = accumulate(int(lasting) for _, lasting in growth)
    return next((end for end in ends if end >= usual), usual)


def first_judged(
    name: str,
    options: Options,
    *,
    small: bool = False,
    growth: Growth = (),
    epochs: int = WARM_UP_SMALL_BATCHES,
) -> int:
    """The first epoch at which the named pruner may end a trial, by its options or the warm-up.

    Args:
        name: Name of the pruner.
        options: Options of the pruner, by Optuna's names.
        small: Whether the trial has mini-batches.
        growth: Stages of growing samples: a share of the rows and how many epochs.
        epochs: Epochs of the warm-up of a trial with mini-batches that the median judges.
    """
    kind = PRUNERS[name]
    if name != "median":
        epochs = WARM_UP_SMALL_BATCHES
    usual = warm_up(growth, small=small and kind.by_shape, epochs=epochs)
    return max(1, int(options.get(kind.first, usual)))


def judges_parts(config: StudyConfig) -> bool:
    """Whether a study's pruner compares trials by their folds or repeats, instead of by epochs."""
    return config.pruner == "wilcoxon" and parts_of(config) > 1
