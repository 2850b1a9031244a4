"""The published baseline, trained again and held against its published or its recorded value."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from models import published_curve, published_rmse
from search.config.study import StudyConfig
from search.errors import SearchError
from search.reproduce.comparison import (
    SAME_MACHINE_TOLERANCE,
    Reproduction,
    compare_again,
    draw_curves,
    points,
)
from search.reproduce.drift import drift_lines
from search.reproduce.replay import OnEpoch, Stored, find_trial, train_again, value_of
from search.storage.records import config_of
from search.storage.studies import find_study, study_names
from search.storage.trials import PLAN, trial_record
from search.study.run import run_study
from search.trial.progress import Silent
from tracking import COMPLETE, EpochRecord, Store, TrialRecord

PUBLISHED_TOLERANCE = 0.005
_SETTLED_EPOCH = 20
"""The bias of 7 has worn off by then, in the published curve too."""


def reproduce_baseline(
    store: Store,
    data: str,
    *,
    storage: str | None = None,
    tolerance: float | None = None,
    on_epoch: OnEpoch | None = None,
) -> Reproduction:
    """Train the published trial; on MUBI against 0.8396, elsewhere against its own record there.

    Args:
        store: Where baselines are recorded, and where one is when there is none yet.
        data: The ratings' source.
        storage: Optuna's address, where it is not the store's own.
        tolerance: Largest difference that counts as the same; None for the stated default.
        on_epoch: Hears each epoch.
    """
    stored = _recorded_baseline(store, storage, data)
    published = data.startswith("mubi:")
    fresh = stored is None
    if stored is None:
        stored = _record_baseline(store, storage, data, on_epoch)
    store.prepare()
    if published:
        return _against_published(stored, store, fresh, tolerance, on_epoch)
    note = (
        f"{published_rmse():.4f} belongs to MUBI; on {data} the baseline is held against its own "
        f"record, {stored.record.study}:{stored.record.number}."
    )
    value = float(stored.record.value or math.nan)
    if fresh:
        return Reproduction(
            target=f"baseline on {data}",
            expected=value,
            got=value,
            tolerance=SAME_MACHINE_TOLERANCE if tolerance is None else tolerance,
            reproduced=False,
            notes=(note, "There was none: it was recorded just now. Run again to compare."),
            run_id=stored.record.run_id,
        )
    again = compare_again(stored, store, data=data, tolerance=tolerance, on_epoch=on_epoch)
    return replace(again, notes=(note, *again.notes))


def _against_published(
    stored: Stored,
    store: Store,
    fresh: bool,
    tolerance: float | None,
    on_epoch: OnEpoch | None,
) -> Reproduction:
    """The reproduction of the published trial, on the published data."""
    expected = published_rmse()
    limit = PUBLISHED_TOLERANCE if tolerance is None else tolerance
    if fresh:
        got, epochs = stored.record.value, stored.record.epochs
        changes: tuple[str, ...] = ()
    else:
        plan = stored.trial.user_attrs[PLAN]
        replay = train_again(stored.config, plan, on_epoch=on_epoch)
        got, _ = value_of(replay, stored)
        epochs, changes = replay.epochs, tuple(drift_lines(stored, replay))
    dataset = stored.study.user_attrs["trialbook:dataset"] or {}
    differs = [line for line in dataset.get("checks", ()) if line.startswith("differs")]
    curve = [(p.epoch, p.val_rmse) for p in published_curve()]
    picture = None
    if stored.record.run_id:
        picture = draw_curves(
            store,
            stored.record.run_id,
            recorded=curve,
            new=points(epochs, "val_rmse"),
            expected=expected,
            title="The published trial and its reproduction",
        )
    return Reproduction(
        target="the published baseline on MUBI",
        expected=expected,
        got=got,
        tolerance=limit,
        reproduced=got is not None and abs(got - expected) <= limit,
        drift=(*(f"data: {line}" for line in differs), *changes),
        notes=_published_notes(differs, curve, points(epochs, "val_rmse")),
        picture=picture,
        run_id=stored.record.run_id,
    )


def _published_notes(
    differs: list[str], published: list[tuple[int, float]], new: list[tuple[int, float]]
) -> tuple[str, ...]:
    data = (
        f"The data differs from the published data in {len(differs)} figures: {differs[0]}"
        if differs
        else "Every published figure of the data holds."
    )
    if not new:
        return (data,)
    gaps = [abs(a[1] - b[1]) for a, b in zip(published, new, strict=False)]
    settled = gaps[_SETTLED_EPOCH:]
    gap = f"; largest gap after epoch {_SETTLED_EPOCH} {max(settled):.4f}" if settled else ""
    return data, f"Curves: {len(new)} epochs here, {len(published)} published{gap}."


class _Echo(Silent):
    """Tells each epoch of a study's trial to whoever waits for the reproduction."""

    def __init__(self, on_epoch: OnEpoch | None) -> None:
        self._on_epoch = on_epoch

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        if self._on_epoch is not None:
            self._on_epoch(record)


def _recorded_baseline(store: Store, storage: str | None, data: str) -> Stored | None:
    """A complete baseline of this store on these ratings, whole recipe, published split."""
    usual = StudyConfig()
    for name in study_names(store, storage):
        study = find_study(store, storage, name)
        if study is None:
            continue
        config = config_of(study)
        options = replace(config.options, seed=usual.options.seed)
        same = (config.split, config.epochs, options) == (usual.split, usual.epochs, usual.options)
        if config.data != data or not same or not config.rates:
            continue
        for trial in study.get_trials(deepcopy=False):
            record = trial_record(name, trial, config.monitor)
            preset = (trial.user_attrs.get(PLAN) or {}).get("preset")
            if record.state == COMPLETE and preset == "baseline":
                return Stored(study, config, trial, record)
    return None


def _record_baseline(
    store: Store, storage: str | None, data: str, on_epoch: OnEpoch | None
) -> Stored:
    slug = re.sub(r"[^\w.]+", "-", data)[-80:].strip("-.")
    config = StudyConfig(
        name=f"baseline-{slug}",
        trials=1,
        data=data,
        model="baseline",
        tracking_uri=store.tracking_uri,
        storage=storage,
    )
    result = run_study(config, home=store.home, progress=_Echo(on_epoch))
    if result.interrupted:
        raise KeyboardInterrupt
    if result.best is None:
        message = result.record.trials[-1].message if result.record.trials else "no trial ran"
        raise SearchError(f"The baseline must train to be compared, but it did not: {message}")
    return find_trial(f"{config.name}:{result.best.number}", store, storage)
