"""Decides whether a running trial goes on: reports its values to Optuna, asks the pruner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import optuna
from optuna.trial import FrozenTrial

from search.config.study import StudyConfig
from search.pruners.peers import has_small_batches, peers_of, same_shape
from search.pruners.reasons import reason_of
from search.pruners.warm_up import WarmUp, first_judged, judges_parts
from search.storage.internals import frozen
from search.storage.trial_attributes import TrialPlan
from search.storage.views import from_step
from search.storage.writes.statements import write_reports
from tracking import Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """How a pruner judges one trial.

    Attributes:
        first: First epoch after which the pruner is asked; None where it is never asked.
        by_parts: Whether the pruner is asked after each part (fold or repeat) instead.
        tells_epochs: Whether Optuna is told the trial's epochs.
        tells_parts: Whether Optuna is told the values of its parts instead.
    """

    first: int | None = None
    by_parts: bool = False
    tells_epochs: bool = True
    tells_parts: bool = False


def judging_of(
    config: StudyConfig,
    slot: int,
    plan: TrialPlan,
    warm_up: WarmUp = WarmUp(),  # noqa: B008 (frozen)
) -> Judging:
    """Decide how the pruner judges a trial; the published baseline is never pruned.

    Args:
        config: The study.
        slot: Slot of the trial (its place in the study); 0 for the baseline.
        plan: Plan of the trial. A preset sees all rows from the start. Where other trials begin on
            growing samples, its epochs cannot be compared with theirs.
        warm_up: Of trials with mini-batches.
    """
    parts = judges_parts(config)
    is_judged = slot > 0 and config.pruner != "none"
    first = None
    if is_judged and not parts:
        # Keras' own `fit`, which a user's model calls, takes batches of 32 unless told otherwise.
        small = not config.rates or has_small_batches(plan.values)
        known = config.rates and small
        first = first_judged(
            config.pruner,
            config.pruner_options,
            small=small,
            growth=config.growth,
            epochs=warm_up.epochs(int(str(plan.values["batch_size"]))) if known else warm_up.least,
        )
    return Judging(
        first=first,
        by_parts=is_judged and parts,
        tells_epochs=not parts and not (config.growth and plan.preset is not None),
        tells_parts=parts,
    )


class Judge:
    """Reports the values of one trial to Optuna, and asks the study's pruner.

    Who is responsible for what: the judge knows which values count and which trials are compared;
    the study's pruner decides. Whether the trial ends is the listener's to answer.

    Threads and order: the thread of the trial's worker uses it alone. `prunes` judges by the
    values that `tell` was called with so far. They are kept until `write`, since Optuna takes a
    transaction for each. Other trials see them some seconds late.
    """

    def __init__(
        self,
        config: StudyConfig,
        study: optuna.Study,
        trial: optuna.Trial,
        judging: Judging,
        params: Mapping[str, Scalar],
    ) -> None:
        """Keep the arguments; the study's trials are read when the pruner is first asked.

        Args:
            config: The study.
            study: Its Optuna study.
            trial: The trial, which is running; its copy in memory gets the values of `tell`.
            judging: How the trial is judged.
            params: The trial's real parameter values, by name.
        """
        self.judging = judging
        self._study = study
        self._trial = trial
        self._frozen = frozen(trial)
        self._unwritten: dict[int, float] = {}
        # Signed ranks are of all reports, other pruners look at the last one.
        by_epochs = config.pruner == "wilcoxon" and not judging.by_parts
        self._first = (judging.first or 0) if by_epochs else 0
        if judging.by_parts or not config.rates:  # whose values say the same whatever the shape
            self._peers = peers_of(study, self._frozen, first=self._first)
        else:
            alike = partial(same_shape, params)
            self._peers = peers_of(study, self._frozen, alike, self._first)

    def tell(self, step: int, value: float) -> None:
        """Report a value at a step to the pruner; `write` stores the value in Optuna later.

        Args:
            step: The epoch; with `Judging.tells_parts` the number of the fold or repeat.
            value: The trial's best value so far; with `Judging.tells_parts` the fold's or repeat's.
        """
        self._frozen.intermediate_values[step] = value
        self._unwritten[step] = value

    def prunes(self) -> bool:
        """Ask the pruner whether the trial ends here."""
        return self._study.pruner.prune(self._peers, self._judged())

    def why(self) -> str:
        """Why the trial ends, once `prunes` has said that it does, in a few words."""
        return reason_of(self._peers, self._judged())

    def _judged(self) -> FrozenTrial:
        return from_step(self._frozen, self._first) if self._first else self._frozen

    def write(self) -> None:
        """Store in Optuna the values that `tell` has kept since the last call."""
        write_reports(self._study, self._trial, self._unwritten)
        self._unwritten = {}
