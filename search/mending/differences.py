"""Compares a study's record in MLflow with Optuna's storage, which is the truth."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    RUNNING,
    RunRecord,
    StudyRecord,
    TrialRecord,
    params_of,
)
from tracking.texts import shell_line

_ENDED = (COMPLETE, PRUNED, FAILED, KILLED, REFUSED)


class Kind(StrEnum):
    """How the record of a trial differs from Optuna's storage."""

    LACKING = "lacking"
    """A trial that began has no run."""
    OPEN = "open"
    """Its run goes on in MLflow, but the trial has ended."""
    OTHER = "other"
    """Its run has another value or another state."""
    LESS = "less"
    """Its run lacks parameters or epochs."""
    PARAMETER = "parameter"
    """Its run has another value of a parameter, which MLflow never changes."""
    MODEL = "model"
    """Its run lacks its model, which Optuna's storage does not hold."""
    UNKNOWN = "unknown"
    """Its run is there, but the trial does not name it."""
    TWICE = "twice"
    """It has several runs."""
    STRANGER = "stranger"
    """A run is of a trial that Optuna does not hold."""
    WINNER = "winner"
    """The run of the study's winner is gone."""
    BINNED = "binned"
    """The run of the study's winner is in MLflow's bin, with its model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One trial whose record differs, or the winner.

    Attributes:
        kind: How.
        number: Number of the trial.
        text: The difference in words.
        run_id: The run that is meant; for a trial without one None.
    """

    kind: Kind
    number: int
    text: str
    run_id: str | None = None

    @property
    def is_mendable(self) -> bool:
        """Whether there is one right answer."""
        return self.kind not in (Kind.STRANGER, Kind.PARAMETER, Kind.MODEL, Kind.BINNED)


def differences(
    record: StudyRecord, runs: Sequence[RunRecord], with_models: Collection[int] = ()
) -> list[Difference]:
    """Compare a study's trials with their runs.

    Args:
        record: The study as Optuna holds it.
        runs: The runs of its trials, the oldest first.
        with_models: The trials whose models are kept.

    Returns:
        The differences, in the order of the trials.
    """
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        by_number.setdefault(run.number, []).append(run)
    found: list[Difference] = []
    for trial in record.trials:
        found += _of_trial(trial, by_number.pop(trial.number, []), trial.number in with_models)
    for number, strangers in by_number.items():
        found += [
            Difference(
                kind=Kind.STRANGER,
                number=number,
                run_id=run.run_id,
                text=f"Run {run.run_id} is of a trial {number} that Optuna's storage does not "
                "hold. Delete it on MLflow's pages if it is of no use.",
            )
            for run in strangers
        ]
    return found


def runs_of(found: Sequence[Difference]) -> list[Difference]:
    """Those that leave a trial without a run that can be written to: they are mended first."""
    return [each for each in found if each.kind in (Kind.LACKING, Kind.UNKNOWN)]


def _of_trial(
    trial: TrialRecord, runs: Sequence[RunRecord], has_model: bool
) -> Iterable[Difference]:
    number = trial.number
    if not runs:
        began = trial.state in (COMPLETE, PRUNED, FAILED) or trial.run_id is not None
        if began and trial.state != RUNNING:
            text = f"Trial {number} ({trial.state}) has no run."
            yield Difference(kind=Kind.LACKING, number=number, text=text)
        return
    own = next((run for run in runs if run.run_id == trial.run_id), runs[0])
    for run in runs:
        if run is not own:
            text = f"Trial {number} has a second run, {run.run_id}."
            yield Difference(kind=Kind.TWICE, number=number, run_id=run.run_id, text=text)
    if trial.run_id != own.run_id:
        text = f"Trial {number} does not name its run {own.run_id}."
        yield Difference(kind=Kind.UNKNOWN, number=number, run_id=own.run_id, text=text)
    if trial.state not in _ENDED:
        return
    if own.is_open:
        text = f"Trial {number} has ended ({trial.state}), but its run goes on."
        yield Difference(kind=Kind.OPEN, number=number, run_id=own.run_id, text=text)
    elif other := _other(trial, own):
        yield Difference(kind=Kind.OTHER, number=number, run_id=own.run_id, text=other)
    if trial.state in (COMPLETE, PRUNED, FAILED):
        yield from _of_content(trial, own)
    if has_model and not own.has_model and not own.is_open:
        again = shell_line("trialbook", "reproduce", f"{trial.study}:{number}")
        text = f"Trial {number} has no model in its run. `{again}` trains it again."
        yield Difference(kind=Kind.MODEL, number=number, run_id=own.run_id, text=text)


def _of_content(trial: TrialRecord, run: RunRecord) -> Iterable[Difference]:
    """What a run lacks of its trial's parameters and epochs, or has otherwise."""
    number, params = trial.number, params_of(trial.params)
    lacking = [name for name in params if name not in run.params]
    last = max((epoch.epoch for epoch in trial.epochs), default=0)
    lacks = [f"the parameters {', '.join(lacking)}"] if lacking else []
    lacks += [f"epochs after {run.epochs} of {last}"] if run.epochs < last else []
    if lacks:
        text = f"The run of trial {number} lacks {' and '.join(lacks)}."
        yield Difference(kind=Kind.LESS, number=number, run_id=run.run_id, text=text)
    for name in params:
        if run.params.get(name, params[name]) != params[name]:
            text = (
                f"Trial {number} has {name} {params[name]}, but its run says {run.params[name]}. "
                "MLflow changes no parameter: delete the run there, and `doctor --fix` makes it "
                "anew."
            )
            yield Difference(kind=Kind.PARAMETER, number=number, run_id=run.run_id, text=text)


def _other(trial: TrialRecord, run: RunRecord) -> str:
    """How a run that has ended tells another end than the trial's; empty where it does not."""
    if trial.state != run.state:
        return f"Trial {trial.number} is {trial.state}, but its run says {run.state or 'nothing'}."
    if trial.value is None or (run.value is not None and math.isclose(trial.value, run.value)):
        return ""
    says = "no value" if run.value is None else f"{run.value:.6g}"
    return f"Trial {trial.number} has the value {trial.value:.6g}, but its run says {says}."
