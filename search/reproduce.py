"""Train a trial again in a fresh process, compare, and name what drifted."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna

from models import published_curve, published_rmse
from search.config import StudyConfig
from search.errors import SearchError
from search.interrupts import Stop, interruptible
from search.ledger import OUTCOME, PLAN, trial_record
from search.library import find_study, get_study, study_names
from search.messages import Done, Failed, Ready, Task
from search.results import config_of
from search.samplers import derive_seed
from search.slots import slot_of
from search.study import LOADER, run_study, trial_tags
from search.supervisor import ChildDied, Supervisor
from tracking import (
    COMPLETE,
    PRUNED,
    EpochRecord,
    MlflowRecorder,
    Store,
    TrialRecord,
    drift,
    reproduction_figure,
)

SAME_MACHINE_TOLERANCE = 1e-6
PUBLISHED_TOLERANCE = 0.005
_RECORD_TOLERANCE = 1e-9

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """How a trial compares with itself, trained again.

    Attributes:
        target: What was reproduced, in words.
        expected: The value on record, or the published one.
        got: The value of the new training; None where it failed.
        difference: got - expected; None where there is no `got`.
        tolerance: Largest difference that counts as the same.
        reproduced: Whether the difference is within it and a record was there to compare with.
        drift: What differs between then and now, one line each.
        notes: What else the user should know.
        picture: The two curves in one picture, where it was drawn.
        run_id: The MLflow run that holds the picture.
    """

    target: str
    expected: float
    got: float | None
    tolerance: float
    reproduced: bool
    drift: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    picture: str | None = None
    run_id: str | None = None
    difference: float | None = field(default=None)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A trial as both stores have it."""

    study: optuna.Study
    config: StudyConfig
    trial: optuna.trial.FrozenTrial
    record: TrialRecord


@dataclass(frozen=True, slots=True)
class _Replay:
    """A trial trained again."""

    ready: Ready
    ended: Done | Failed
    epochs: tuple[EpochRecord, ...]


def reproduce(
    target: str,
    store: Store,
    *,
    storage: str | None = None,
    data: str | None = None,
    tolerance: float | None = None,
    on_epoch: OnEpoch | None = None,
) -> Reproduction:
    """Train again what `target` names and compare.

    Args:
        target: "baseline", `STUDY:NUMBER`, or an MLflow run's identifier.
        store: Where it is recorded.
        storage: Optuna's address, where it is not the store's own.
        data: Other ratings to train on; None for the recorded ones.
        tolerance: Largest difference that counts as the same; None for the stated default: 1e-6
            for a trial of this store, 0.005 for the published baseline.
        on_epoch: Hears each epoch.

    Raises:
        SearchError: There is no such trial, or it has no value to compare with.
    """
    if tolerance is not None and not (0 <= tolerance < math.inf):
        raise SearchError(f"`tolerance` must be at least 0 and finite, but got {tolerance}.")
    store.prepare()
    if target == "baseline":
        return _baseline(store, storage, data or "movielens", tolerance, on_epoch)
    stored = _find(target, store, storage)
    return _again(stored, store, data, tolerance, on_epoch)


def _find(target: str, store: Store, storage: str | None) -> _Stored:
    name, colon, number = target.rpartition(":")
    if not colon:
        name, number = _of_run(target, store)
    study = get_study(store, storage, name)
    trials = study.get_trials(deepcopy=False)
    if not number.isdigit() or int(number) >= len(trials):
        raise SearchError(
            f"A trial must exist to be reproduced, but got {target!r}. "
            f"Study {name} has trials 0 to {len(trials) - 1}."
        )
    config = config_of(study)
    trial = trials[int(number)]
    record = trial_record(name, trial, config.monitor)
    if record.state not in (COMPLETE, PRUNED) or record.value is None:
        raise SearchError(
            f"A trial must be complete or pruned to be reproduced, but {target} is {record.state}. "
            f"`trialbook show {name}` lists its trials."
        )
    return _Stored(study, config, trial, record)


def _of_run(run_id: str, store: Store) -> tuple[str, str]:
    run = MlflowRecorder(store, LOADER).find_run(run_id)
    tags = (run or {}).get("tags", {})
    if "trialbook.number" not in tags:
        raise SearchError(
            "What to reproduce must be `baseline`, STUDY:NUMBER or the run of a trial, but got "
            f"{run_id!r}. `trialbook studies` lists the studies."
        )
    return tags["trialbook.study"], tags["trialbook.number"]


def _again(
    stored: _Stored,
    store: Store,
    data: str | None,
    tolerance: float | None,
    on_epoch: OnEpoch | None,
) -> Reproduction:
    plan = stored.trial.user_attrs[PLAN]
    config = stored.config.at(
        data=data or stored.config.data,
        threads=int(plan["tags"].get("trialbook.threads", 0)) or None,
    )
    replay = _train(config, plan, on_epoch, _stop_after(stored.record))
    limit = SAME_MACHINE_TOLERANCE if tolerance is None else tolerance
    expected = float(stored.record.value or math.nan)
    got, notes = _value_of(replay, stored)
    changes = [*_drift(stored, replay), *_record_drift(stored, store, got)]
    same = got is not None and abs(got - expected) <= limit
    picture = None
    if stored.record.run_id and replay.epochs:
        picture = _picture(
            store,
            stored.record.run_id,
            _points(stored.record.epochs, config.monitor),
            _points(replay.epochs, config.monitor),
            expected,
            "Recorded and reproduced",
        )
    return Reproduction(
        target=f"{stored.record.study}:{stored.record.number}",
        expected=expected,
        got=got,
        difference=None if got is None else got - expected,
        tolerance=limit,
        reproduced=same and not any(line.startswith("record:") for line in changes),
        drift=tuple(changes),
        notes=notes,
        picture=picture,
        run_id=stored.record.run_id,
    )


def _stop_after(record: TrialRecord) -> int | None:
    """A pruned trial is stopped again where it was stopped."""
    return len(record.epochs) if record.state == PRUNED else None


def _train(
    config: StudyConfig, plan: Any, on_epoch: OnEpoch | None, stop_after: int | None
) -> _Replay:
    folder = Path(tempfile.mkdtemp(prefix="trialbook-"))
    supervisor = Supervisor(config)
    try:
        with interruptible() as stop:
            ready = supervisor.ready()
            supervisor.submit(
                Task(
                    values=plan["values"],
                    preset=plan["preset"],
                    seed=int(plan["seed"]),
                    epochs=int(plan["epochs"]),
                    folder=folder,
                    keep_model=False,
                )
            )
            return _Replay(ready, *_listen(supervisor, on_epoch, stop_after, stop))
    finally:
        supervisor.close()
        shutil.rmtree(folder, ignore_errors=True)


def _listen(
    supervisor: Supervisor, on_epoch: OnEpoch | None, stop_after: int | None, stop: Stop
) -> tuple[Done | Failed, tuple[EpochRecord, ...]]:
    epochs: list[EpochRecord] = []
    while not stop.asked:
        try:
            message = supervisor.poll(0.2)
        except ChildDied as error:
            return Failed(end_reason=error.end_reason, message=str(error)), tuple(epochs)
        if isinstance(message, EpochRecord):
            epochs.append(message)
            supervisor.reply(stop_after is None or len(epochs) < stop_after)
            if on_epoch is not None:
                on_epoch(message)
        elif isinstance(message, Done | Failed):
            return message, tuple(epochs)
    raise KeyboardInterrupt


def _value_of(replay: _Replay, stored: _Stored) -> tuple[float | None, tuple[str, ...]]:
    if isinstance(replay.ended, Failed):
        return None, (f"Training again failed: {replay.ended.message}",)
    if stored.record.state == COMPLETE:
        return replay.ended.value, ()
    values = [e.metrics[stored.config.monitor] for e in replay.epochs]
    best = min(values) if stored.config.direction == "minimize" else max(values)
    return best, ("The trial was pruned: its best so far is compared.",)


def _drift(stored: _Stored, replay: _Replay) -> list[str]:
    plan = stored.trial.user_attrs[PLAN]
    then, now = dict(plan["tags"]), trial_tags(replay.ready)
    lines = []
    data = replay.ready.dataset
    if data is not None and data.content_hash != then.get("trialbook.data_hash"):
        lines.append(
            f"data: hash {then.get('trialbook.data_hash', '')[:12]}… then, "
            f"{data.content_hash[:12]}… now"
        )
    if then.get("trialbook.threads") != now["trialbook.threads"]:
        lines.append(
            f"threads: {then.get('trialbook.threads')} then, {now['trialbook.threads']} now"
        )
    slot = slot_of(stored.study, stored.trial)
    seed = stored.config.seed if slot == 0 else derive_seed(stored.config.seed, slot, 1)
    if int(plan["seed"]) != seed:
        lines.append(f"seeds: {plan['seed']} is stored, but the study's seed gives {seed}")
    known = ("trialbook.data", "trialbook.threads", "trialbook.seed", "trialbook.slot")
    ours = {k: v for k, v in now.items() if not k.startswith(known)}
    return lines + drift({k: v for k, v in then.items() if k in ours}, ours)


def _record_drift(stored: _Stored, store: Store, got: float | None) -> list[str]:
    """Whether the places that hold the value agree; they were written as one number."""
    name, value = stored.config.value_name, stored.record.value
    assert value is not None
    outcome = stored.trial.user_attrs.get(OUTCOME) or {}
    places = {"the trial's figures": (outcome.get("metrics") or {}).get(name)}
    if stored.record.run_id:
        recorder = MlflowRecorder(store, LOADER)
        places["MLflow"] = recorder.metric(stored.record.run_id, name)
    lines = [
        f"record: Optuna holds {value!r}, but {place} hold{'s' if place == 'MLflow' else ''} "
        f"{other!r}; one of them was altered"
        for place, other in places.items()
        if other is not None and abs(other - value) > _RECORD_TOLERANCE
    ]
    curve = [e.metrics.get(stored.config.monitor, math.inf) for e in stored.record.epochs]
    best = stored.record.metrics.get("best_epoch")
    if best and stored.record.state == COMPLETE and 0 < int(best) <= len(curve):
        drawn = curve[int(best) - 1]
        if abs(drawn - value) > 1e-3:
            lines.append(
                f"record: {value!r} is stored, but its curve has {drawn:.6f} at its best epoch; "
                "the stored value was altered"
            )
    return lines


def _points(epochs: Sequence[EpochRecord], monitor: str) -> list[tuple[int, float]]:
    return [(e.epoch, e.metrics[monitor]) for e in epochs if monitor in e.metrics]


def _picture(
    store: Store,
    run_id: str,
    published: list[tuple[int, float]],
    new: list[tuple[int, float]],
    expected: float,
    title: str,
) -> str:
    folder = store.home / "reproductions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"reproduction-{run_id}.png"
    reproduction_figure(published, new, path, expected=expected, title=title)
    MlflowRecorder(store, LOADER).log_picture(run_id, path)
    return str(path)


def _baseline(
    store: Store,
    storage: str | None,
    data: str,
    tolerance: float | None,
    on_epoch: OnEpoch | None,
) -> Reproduction:
    stored = _recorded_baseline(store, storage, data)
    published = data.startswith("mubi:")
    fresh = stored is None
    if stored is None:
        stored = _record_baseline(store, storage, data, on_epoch)
    if published:
        return _against_published(stored, store, fresh, tolerance, on_epoch)
    note = (
        f"0.8396 belongs to MUBI; on {data} the baseline is held against its own record, "
        f"{stored.record.study}:{stored.record.number}."
    )
    value = float(stored.record.value or math.nan)
    if fresh:
        return Reproduction(
            target=f"baseline on {data}",
            expected=value,
            got=value,
            difference=0.0,
            tolerance=SAME_MACHINE_TOLERANCE if tolerance is None else tolerance,
            reproduced=False,
            notes=(note, "There was none: it was recorded just now. Run again to compare."),
            run_id=stored.record.run_id,
        )
    again = _again(stored, store, data, tolerance, on_epoch)
    return _with_notes(again, (note, *again.notes))


def _with_notes(made: Reproduction, notes: tuple[str, ...]) -> Reproduction:
    return replace(made, notes=notes)


def _against_published(
    stored: _Stored,
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
        replay = _train(stored.config, plan, on_epoch, None)
        got, _ = _value_of(replay, stored)
        epochs, changes = replay.epochs, tuple(_drift(stored, replay))
    dataset = stored.study.user_attrs["trialbook:dataset"] or {}
    differs = [line for line in dataset.get("checks", ()) if line.startswith("differs")]
    curve = [(p.epoch, p.val_rmse) for p in published_curve()]
    picture = None
    if stored.record.run_id:
        picture = _picture(
            store,
            stored.record.run_id,
            curve,
            _points(epochs, "val_rmse"),
            expected,
            "The published trial and its reproduction",
        )
    notes = [
        f"The data differs from the published data in {len(differs)} figures: {differs[0]}"
        if differs
        else "Every published figure of the data holds."
    ]
    if epochs:
        gaps = [abs(a[1] - b[1]) for a, b in zip(curve, _points(epochs, "val_rmse"), strict=False)]
        notes.append(
            f"Curves: {len(epochs)} epochs here, {len(curve)} published; largest gap after "
            f"epoch 20 {max(gaps[20:], default=math.nan):.4f}."
        )
    return Reproduction(
        target="the published baseline on MUBI",
        expected=expected,
        got=got,
        difference=None if got is None else got - expected,
        tolerance=limit,
        reproduced=got is not None and abs(got - expected) <= limit,
        drift=(*(f"data: {line}" for line in differs), *changes),
        notes=tuple(notes),
        picture=picture,
        run_id=stored.record.run_id,
    )


def _recorded_baseline(store: Store, storage: str | None, data: str) -> _Stored | None:
    """A complete baseline of this store on these ratings, whole recipe, published split."""
    whole = StudyConfig().epochs
    for name in study_names(store, storage):
        study = find_study(store, storage, name)
        if study is None:
            continue
        config = config_of(study)
        named = config.data == data and config.split == "published" and config.epochs == whole
        if not (named and config.rates):
            continue
        for trial in study.get_trials(deepcopy=False):
            record = trial_record(name, trial, config.monitor)
            preset = (trial.user_attrs.get(PLAN) or {}).get("preset")
            if record.state == COMPLETE and preset == "baseline":
                return _Stored(study, config, trial, record)
    return None


def _record_baseline(
    store: Store, storage: str | None, data: str, on_epoch: OnEpoch | None
) -> _Stored:
    import re

    from search.progress import Silent

    class Echo(Silent):
        def epoch(self, record: EpochRecord, best: float) -> None:
            if on_epoch is not None:
                on_epoch(record)

    slug = re.sub(r"[^\w.]+", "-", data)[-80:].strip("-.")
    config = StudyConfig(
        name=f"baseline-{slug}",
        trials=1,
        data=data,
        model="baseline",
        tracking_uri=store.tracking_uri,
        storage=storage,
    )
    result = run_study(config, home=store.home, progress=Echo())
    if result.interrupted:
        raise KeyboardInterrupt
    if result.best is None:
        message = result.record.trials[-1].message if result.record.trials else "no trial ran"
        raise SearchError(f"The baseline must train to be compared, but it did not: {message}")
    return _find(f"{config.name}:{result.best.number}", store, storage)
