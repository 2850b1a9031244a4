"""Compares a study's record in MLflow with Optuna's storage, which is the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from search.mending.figures import (
    is_same,
    lacking_epochs,
    lacking_figures,
    other_epoch,
    other_figure,
)
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    RUNNING,
    EpochRecord,
    RunRecord,
    StudyRecord,
    TrialRecord,
    params_of,
)
from tracking.texts import shell_line

_WITH_CONTENT = (COMPLETE, PRUNED, FAILED)
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
    """Its run lacks parameters, epochs, final figures or its dataset."""
    PARAMETER = "parameter"
    """Its run has another value of a parameter, which MLflow never changes."""
    EPOCH = "epoch"
    """Its run has another figure of an epoch, which MLflow never takes back."""
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
        return self.kind not in _UNMENDABLE


_UNMENDABLE = (Kind.STRANGER, Kind.PARAMETER, Kind.EPOCH, Kind.MODEL, Kind.BINNED)

Curve = Callable[[str], Sequence[EpochRecord]]
"""Reads the epochs that a run holds."""


def differences(
    record: StudyRecord,
    runs: Sequence[RunRecord],
    with_models: Collection[int] = (),
    curve: Curve | None = None,
) -> list[Difference]:
    """Compare a study's trials with their runs.

    Args:
        record: The study as Optuna holds it.
        runs: The runs of its trials, the oldest first.
        with_models: The trials whose models are kept.
        curve: Reads a run's epochs, to compare each; None to compare which is the last.

    Returns:
        The differences, in the order of the trials.
    """
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        by_number.setdefault(run.number, []).append(run)
    found: list[Difference] = []
    for trial in record.trials:
        expected = _Expected(trial.number in with_models, record.dataset is not None, curve)
        found += _of_trial(trial, by_number.pop(trial.number, []), expected)
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


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the run of a trial should have beside the trial's own, and what reads its epochs."""

    has_model: bool
    has_dataset: bool
    curve: Curve | None


def runs_of(found: Sequence[Difference]) -> list[Difference]:
    """Those that leave a trial without a run that can be written to: they are mended first."""
    return [each for each in found if each.kind in (Kind.LACKING, Kind.UNKNOWN)]


def _of_trial(
    trial: TrialRecord, runs: Sequence[RunRecord], expected: _Expected
) -> Iterable[Difference]:
    number = trial.number
    if not runs:
        began = trial.state in _WITH_CONTENT or trial.run_id is not None
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
    if trial.state in _WITH_CONTENT:
        yield from _of_content(trial, own, expected)
    if expected.has_model and not own.has_model and not own.is_open:
        again = shell_line("trialbook", "reproduce", f"{trial.study}:{number}")
        text = f"Trial {number} has no model in its run. `{again}` trains it again."
        yield Difference(kind=Kind.MODEL, number=number, run_id=own.run_id, text=text)


def _of_content(trial: TrialRecord, run: RunRecord, expected: _Expected) -> Iterable[Difference]:
    """What a run lacks of its trial's parameters and figures, or has otherwise."""
    number, params = trial.number, params_of(trial.params)
    written = expected.curve(run.run_id) if expected.curve and trial.epochs else None
    if lacks := _lacking(trial, run, expected, written):
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
    if written and (other := other_epoch(trial.epochs, written)):
        text = (
            f"Trial {number} has {other}. MLflow takes no figure of an epoch back: delete the run "
            "there, and `doctor --fix` makes it anew."
        )
        yield Difference(kind=Kind.EPOCH, number=number, run_id=run.run_id, text=text)


def _lacking(
    trial: TrialRecord,
    run: RunRecord,
    expected: _Expected,
    written: Sequence[EpochRecord] | None,
) -> list[str]:
    """What a run lacks of its trial, in words."""
    lacking = [name for name in params_of(trial.params) if name not in run.params]
    last = max((epoch.epoch for epoch in trial.epochs), default=0)
    lacks = [f"the parameters {', '.join(lacking)}"] if lacking else []
    if run.epochs < last:
        lacks.append(f"epochs after {run.epochs} of {last}")
    elif gaps := lacking_epochs(trial.epochs, written) if written is not None else []:
        which = ", ".join(str(each.epoch) for each in gaps)
        lacks.append(f"figures of epoch{'s' * (len(gaps) > 1)} {which}")
    if run.is_open:
        return lacks
    if figures := lacking_figures(trial, run):
        lacks.append(f"the figures {', '.join(figures)}")
    return lacks if run.has_dataset or not expected.has_dataset else [*lacks, "its dataset"]


def _other(trial: TrialRecord, run: RunRecord) -> str:
    """How a run that has ended tells another end than the trial's; empty where it does not."""
    if trial.state != run.state:
        return f"Trial {trial.number} is {trial.state}, but its run says {run.state or 'nothing'}."
    if trial.value is None or (run.value is not None and is_same(trial.value, run.value)):
        return other_figure(trial, run) if trial.state in _WITH_CONTENT else ""
    says = "no value" if run.value is None else f"{run.value:.6g}"
    return f"Trial {trial.number} has the value {trial.value:.6g}, but its run says {says}."
