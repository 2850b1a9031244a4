"""Trains the published baseline again, and compares it with its published or recorded value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models import published_curve, published_rmse
from models.checks import count_of
from models.data import is_published
from search.config.study import StudyConfig
from search.errors import SearchError
from search.reproduce.comparison import (
    SAME_MACHINE_TOLERANCE,
    Curve,
    Reproduction,
    compared,
    draw_curves,
    points,
    trainer_of,
)
from search.reproduce.drift import drift_lines
from search.reproduce.replay import (
    Again,
    OnEpoch,
    Replay,
    Stored,
    find_trial,
    stored_trial,
    train_again,
    value_of,
)
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, dataset_of
from search.storage.trial_attributes import plan_of
from search.storage.trials import state_of
from search.study.run import run_in
from search.trial.progress import Silent
from tracking import COMPLETE, EpochRecord, TrialRecord
from tracking.texts import shell_line

PUBLISHED_TOLERANCE = 0.005
_SETTLED_EPOCH = 20
"""The output bias of 7 has worn off by this epoch, in the published curve too."""


def reproduce_baseline(studies: Studies, data: str, again: Again) -> Reproduction:
    """Train the baseline again; compare it with the published RMSE 0.8396, or with its own record.

    The published RMSE is compared with only where every published figure of the data and of their
    split holds. Of a study only one training a trial counts: no folds, repeats or growing samples.

    Args:
        studies: Where baselines are recorded, and where one is when there is none yet.
        data: The ratings' source.
        again: How it is trained and compared.

    Returns:
        The comparison; where there was no record before, it reproduces nothing yet.
    """
    stored = _recorded_baseline(studies, data)
    fresh = stored is None
    if stored is None:
        stored = _record_baseline(studies, data, again)
    home, tolerance = studies.store.home, again.tolerance
    replay = None if fresh else train_again(stored, stored.config, again)
    checks = _checks(stored, replay)
    if is_published(checks):
        limit = PUBLISHED_TOLERANCE if tolerance is None else tolerance
        return _against_published(stored, replay, home, limit)
    note = _own_record_note(stored, data, checks)
    if replay is None:
        limit = SAME_MACHINE_TOLERANCE if tolerance is None else tolerance
        return _recorded_just_now(stored, data, limit, note)
    made = compared(stored, replay, home, tolerance)
    return replace(made, notes=(note, *made.notes))


def _checks(stored: Stored, replay: Replay | None) -> Sequence[str]:
    """The checks of the ratings that were trained on: now, or when the baseline was recorded."""
    if replay is not None:
        dataset = replay.ready.dataset
        return () if dataset is None else dataset.checks
    recorded: Sequence[str] = (dataset_of(stored.study) or {}).get("checks", ())
    return recorded


def _own_record_note(stored: Stored, data: str, checks: Sequence[str]) -> str:
    """Say why the baseline is held against its own record, and against which."""
    differs = [line for line in checks if line.startswith("differs")]
    why = f"{published_rmse():.4f} belongs to MUBI"
    if differs:
        why = (
            f"{published_rmse():.4f} belongs to the published data, from which this differs in "
            f"{len(differs)} of {len(checks)} figures ({differs[0].removeprefix('differs: ')}; "
            f"`{_inspect(data)}` lists them)"
        )
    return (
        f"{why}; on {data} the baseline is held against its own record, "
        f"{stored.record.study}:{stored.record.number}."
    )


def _inspect(data: str) -> str:
    """The command that looks at ratings, also at a file whose name begins like an option."""
    ends_options = ["--"] if data.startswith("-") else []
    return shell_line("trialbook", "data", "inspect", *ends_options, data)


def _recorded_just_now(stored: Stored, data: str, tolerance: float, note: str) -> Reproduction:
    """Make the result for a baseline that was recorded just now; nothing is compared."""
    return Reproduction(
        trainer=trainer_of(stored, None),
        target=f"baseline on {data}",
        expected=stored.value,
        got=stored.value,
        tolerance=tolerance,
        reproduced=False,
        is_first=True,
        notes=(note, "There was none: it was recorded just now. Run again to compare."),
        run_id=stored.run_id,
    )


def _against_published(
    stored: Stored, replay: Replay | None, home: Path, tolerance: float
) -> Reproduction:
    """Compare the baseline with the published value and curve, on the published data."""
    got, epochs, drift = _baseline_now(stored, replay)
    expected, curve = published_rmse(), [(p.epoch, p.val_rmse) for p in published_curve()]
    new = points(epochs, "val_rmse")
    picture = draw_curves(
        stored,
        home,
        {"published, on MUBI": curve, "trained here": new},
        expected=expected,
        title="The published trial, and its recipe trained here",
    )
    return Reproduction(
        trainer=trainer_of(stored, replay),
        target="the published baseline on MUBI",
        expected=expected,
        got=got,
        tolerance=tolerance,
        reproduced=got is not None and abs(got - expected) <= tolerance,
        drift=tuple(drift),
        notes=_published_notes(curve, new),
        picture=picture,
        run_id=stored.run_id,
    )


def _baseline_now(
    stored: Stored, replay: Replay | None
) -> tuple[float | None, Sequence[EpochRecord], Sequence[str]]:
    """The baseline's value, epochs and drift: of the new training, else of its fresh record."""
    if replay is None:
        return stored.value, stored.record.epochs, ()
    return value_of(replay, stored)[0], replay.epochs, drift_lines(stored, replay)


def _published_notes(published: Curve, new: Curve) -> tuple[str, ...]:
    """Say that the data are the published data, and how far the two learning curves differ."""
    data = "Every published figure of the data holds."
    if not new:
        return (data,)
    gaps = [abs(a[1] - b[1]) for a, b in zip(published, new, strict=False)]
    settled = gaps[_SETTLED_EPOCH:]
    gap = f"; largest gap after epoch {_SETTLED_EPOCH} {max(settled):.4f}" if settled else ""
    return data, f"Curves: {count_of(len(new), 'epoch')} here, {len(published)} published{gap}."


class _Echo(Silent):
    """Passes each epoch of a study's trial on to a function."""

    def __init__(self, on_epoch: OnEpoch | None) -> None:
        self._on_epoch = on_epoch

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        if self._on_epoch is not None:
            self._on_epoch(record)


def _recorded_baseline(studies: Studies, data: str) -> Stored | None:
    """Find a complete baseline trial on `data`, trained once as published, or None."""
    usual = StudyConfig()
    for study in studies.all():
        config = config_of(study)
        options = replace(config.options, seed=usual.options.seed, rules=None)
        same = (config.split, config.epochs, options) == (usual.split, usual.epochs, usual.options)
        once = config.repeats == 1 and config.folds is None and not config.growth
        if config.data != data or not same or not once or not config.rates:
            continue
        for trial in study.get_trials(deepcopy=False):
            if state_of(trial) == COMPLETE and plan_of(trial).preset == "baseline":
                return stored_trial(studies, study, trial.number)
    return None


def _record_baseline(studies: Studies, data: str, again: Again) -> Stored:
    """Train the published baseline in a study of its own, and return its trial."""
    slug = re.sub(r"[^\w.]+", "-", data)[-80:].strip("-.")
    config = StudyConfig(
        name=f"baseline-{slug}",
        trials=1,
        data=data,
        model="baseline",
        tracking_uri=studies.store.tracking_uri,
        storage=studies.address,
        trainer=again.trainer or StudyConfig().trainer,
    )
    result = run_in(studies, config, _Echo(again.on_epoch))
    if result.interrupted:
        raise KeyboardInterrupt
    if result.best is None:
        message = result.record.trials[-1].message if result.record.trials else "no trial ran"
        raise SearchError(f"The baseline must train to be compared, but it did not: {message}")
    return find_trial(f"{config.name}:{result.best.number}", studies)
