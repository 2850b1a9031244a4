"""The trials of a study that are trained again to choose its winner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray

from models.checks import count_of
from search.child.messages import Done
from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage.records import study_record
from search.storage.trial_attributes import TrialPlan, given_slot, plan_of
from search.storage.trials import running
from tracking import COMPLETE, TrialRecord


@dataclass(slots=True)
class Repeated:
    """A candidate for the winner: a trial that is trained again on new seeds, with the results.

    Attributes:
        trial: The trial as the search left it.
        plan: The stored plan of its training.
        is_baseline: Whether it is the published baseline.
        can_win: False for a baseline beyond the study's limits; the test part shows it beside the
            winner.
        folders: The folder of each repeat (new seed).
        ends: How each repeat ended.
        valid: For each repeat, squared errors on the validation part, summed by user, `[user]`.
    """

    trial: TrialRecord
    plan: TrialPlan
    is_baseline: bool
    can_win: bool = True
    folders: list[Path] = field(default_factory=list)
    ends: list[Done] = field(default_factory=list)
    valid: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The candidate's name in messages: "baseline", or "trial 3"."""
        return "baseline" if self.is_baseline else f"trial {self.trial.number}"

    @property
    def searched(self) -> float:
        """The value that the search ranked the trial by."""
        assert self.trial.value is not None, "only ranked trials are asked, and those have a value"
        return self.trial.value

    @property
    def usual_model(self) -> Path:
        """The folder of the model whose seed gave the median value."""
        order = sorted(range(len(self.ends)), key=lambda place: self.ends[place].value)
        return self.folders[order[len(order) // 2]] / "model"


def candidates_of(study: optuna.Study, config: StudyConfig, top: int | None) -> list[Repeated]:
    """List the best trials, each configuration once, and in any case the baseline.

    Args:
        study: The study.
        config: Its settings.
        top: How many of the best; None for all.

    Returns:
        Best first, then the baseline where it is not among the best; nothing is trained yet.

    Raises:
        SearchError: The study has no test part, trials under way, or none that is complete.
    """
    _check(study, config)
    record = study_record(study, config, weighs=False)
    ranked = record.ranked()
    if not ranked:
        raise SearchError(
            f"A winner needs a complete trial within the limits, but of study {study.study_name} "
            f"{record.no_best}."
        )
    stored = {trial.number: trial for trial in study.get_trials(deepcopy=False)}

    def repeated(trial: TrialRecord, *, can_win: bool = True) -> Repeated:
        frozen = stored[trial.number]
        is_baseline = given_slot(frozen) == 0
        return Repeated(trial, plan_of(frozen), is_baseline=is_baseline, can_win=can_win)

    able = _without_copies([repeated(trial) for trial in ranked])
    unranked = [t for t in record.trials if t.state == COMPLETE and t not in ranked]
    beyond = [each for t in unranked if (each := repeated(t, can_win=False)).is_baseline]
    best = able if top is None else able[:top]
    return [*best, *(each for each in able[len(best) :] if each.is_baseline), *beyond]


def _without_copies(ranked: Sequence[Repeated]) -> list[Repeated]:
    """Drop each trial with the configuration of an earlier trial in the list; keep the baseline."""
    kept: list[Repeated] = []
    for candidate in ranked:
        params = dict(candidate.trial.params)
        is_new = all(params != dict(other.trial.params) for other in kept)
        if candidate.is_baseline or is_new:
            kept.append(candidate)
    return kept


def _check(study: optuna.Study, config: StudyConfig) -> None:
    """Refuse a study that has no test part, and a study with running trials."""
    if not config.rates:
        raise SearchError(
            "A winner is scored on a sealed test part, which only ratings have, but study "
            f"{study.study_name} trains {config.model}. Compare its trials with `trialbook show`."
        )
    if count := running(study):
        raise SearchError(
            "A study must be over before its winner is chosen, but of "
            f"{study.study_name} {count_of(count, 'trial')} {'is' if count == 1 else 'are'} under "
            "way. Wait for them, or stop them with Ctrl-C. What a process that is gone left, "
            "`trialbook doctor --fix` closes, and `trialbook search` trains again."
        )
