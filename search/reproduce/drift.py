"""Finds what differs between a trial as it was recorded and as it runs now."""

from __future__ import annotations

import math
import statistics

from search.config.parts import part_kind
from search.reproduce.replay import Replay, Stored
from search.seeds import training_seed
from search.storage.slots import slot_of
from search.storage.trials import same_before
from search.trial.tags import trial_tags
from tracking import COMPLETE, Tag, drift

_RECORD_TOLERANCE = 1e-9


def drift_lines(stored: Stored, replay: Replay) -> list[str]:
    """List what differs in data, threads, seeds, versions and hardware, one line each.

    Args:
        stored: The trial as it was recorded.
        replay: The trial as it was trained now.
    """
    then, now = dict(stored.plan.tags), trial_tags(replay.ready)
    lines = []
    data = replay.ready.dataset
    if data is not None and data.content_hash != then.get(Tag.DATA_HASH):
        lines.append(
            f"data: hash {then.get(Tag.DATA_HASH, '')[:12]}… then, {data.content_hash[:12]}… now"
        )
    if then.get(Tag.THREADS) != now[Tag.THREADS]:
        lines.append(f"threads: {then.get(Tag.THREADS)} then, {now[Tag.THREADS]} now")
    seed = _seed(stored)
    if stored.plan.seed != seed:
        lines.append(f"seeds: {stored.plan.seed} is stored, but the study's seed gives {seed}")
    told_above = (Tag.DATA, Tag.DATA_HASH, Tag.THREADS, Tag.WORKERS, Tag.SEED, Tag.SLOT)
    ours = {name: value for name, value in now.items() if name not in told_above}
    return lines + drift({k: v for k, v in then.items() if k in ours}, ours)


def own_data_lines(stored: Stored, replay: Replay, tolerance: float) -> list[str]:
    """Say where a user's own model may have had other data; empty for ratings.

    Only the model knows its data. They are held to be those of then if each epoch has the losses of
    then: on other data the first one differs already.

    Args:
        stored: The trial as it was recorded.
        replay: The trial as it was trained now.
        tolerance: Largest difference that counts as the same.

    Returns:
        At most one line, which begins with "data:".
    """
    if replay.ready.dataset is not None:
        return []
    names = {"loss", "val_loss", stored.config.monitor}
    curves = [
        {(e.epoch, name): e.metrics[name] for e in epochs for name in names & set(e.metrics)}
        for epochs in (stored.record.epochs, replay.epochs)
    ]
    then, now = curves
    if not then:
        return [
            "data: whether the model's own data are those of then could not be checked, since no "
            "loss of an epoch is on record"
        ]
    for (epoch, name), value in sorted(then.items()):
        again = now.get((epoch, name), math.nan)
        if not (abs(again - value) <= tolerance or (math.isnan(again) and math.isnan(value))):
            return [
                f"data: {name} of epoch {epoch} was {value:.7f} then, {again:.7f} now, so that the "
                "model's own data may be others"
            ]
    return []


def _seed(stored: Stored) -> int:
    """The seed that follows from the study's: of a reused trial, that of the trial it repeats."""
    trained = None
    if stored.config.duplicates == "reuse":
        trained = same_before(stored.study, stored.trial.number, stored.plan.values)
    return training_seed(stored.config.seed, slot_of(stored.study, trained or stored.trial))


def record_lines(stored: Stored) -> list[str]:
    """List contradictions between a trial's stored values, and checks that could not be made.

    The value in Optuna is compared with the trial's figures, with MLflow, with the mean of its
    folds or repeats, and of a rating model with its curve at the best epoch. Where they differ, one
    was altered.

    Args:
        stored: A trial with a value.

    Returns:
        One line for each, beginning with "record:".
    """
    value = stored.value
    lines = [*_figure_lines(stored), *_mlflow_lines(stored)]
    several = stored.record.metrics.get("parts", 0) > 1
    lines += _part_lines(stored, value)
    # What a user's own `fit` returns is its trial's value, and need not be a point of its curve.
    is_a_point = stored.config.rates and not several and stored.record.state == COMPLETE
    return lines + _curve_lines(stored) if is_a_point else lines


def bin_notes(stored: Stored) -> list[str]:
    """Say that a trial's run was deleted in MLflow, which keeps it; empty where it was not.

    Args:
        stored: The trial as it was recorded.
    """
    if stored.run is None or not stored.run.get("deleted"):
        return []
    return [
        f"The run of {stored.record.study}:{stored.record.number} was deleted in MLflow, which "
        "still keeps its value: that is compared. To restore it, with MLFLOW_TRACKING_URI as its "
        f"address: mlflow runs restore --run-id {stored.run_id}"
    ]


def _curve_lines(stored: Stored) -> list[str]:
    """Hold a complete trial's value against its curve at the best epoch."""
    curve = [e.metrics.get(stored.config.monitor, math.inf) for e in stored.record.epochs]
    best = int(stored.record.metrics.get("best_epoch", 0))
    if not 0 < best <= len(curve):
        return ["record: its curve lacks its best epoch, so that the value could not be compared"]
    drawn = curve[best - 1]
    if abs(drawn - stored.value) <= 1e-3:
        return []
    return [
        f"record: {stored.value!r} is stored, but its curve has {drawn:.6f} at its best epoch; "
        "the stored value was altered"
    ]


def _figure_lines(stored: Stored) -> list[str]:
    """Hold a trial's value against its own figures in Optuna."""
    name = stored.config.value_name
    return _against(
        "the trial's figures hold", name, stored.outcome.metrics.get(name), stored.value
    )


def _mlflow_lines(stored: Stored) -> list[str]:
    """Hold a trial's value against its run in MLflow, and say where there is none."""
    if stored.run_id is None:
        return [
            "record: MLflow does not hold the trial's run, so that the value there could not be "
            "compared"
        ]
    name = stored.config.value_name
    other = stored.recorder.metric(stored.run_id, name)
    return _against("MLflow holds", name, other, stored.value)


def _against(place: str, name: str, other: float | None, value: float) -> list[str]:
    """Say if a place holds another value than Optuna, or none."""
    if other is None:
        return [f"record: Optuna holds {value!r}, but {place} no {name} to compare it with"]
    if abs(other - value) <= _RECORD_TOLERANCE:
        return []
    return [f"record: Optuna holds {value!r}, but {place} {other!r}; one of them was altered"]


def _part_lines(stored: Stored, value: float) -> list[str]:
    """Say if a trial's value is not the mean of its folds or repeats; empty where it is."""
    metrics, kind = stored.record.metrics, part_kind(stored.config)
    count = int(metrics.get("parts", 0))
    parts = [metrics.get(f"{kind}_{n}/{stored.config.value_name}") for n in range(1, count + 1)]
    known = [part for part in parts if part is not None]
    if len(known) < count:
        return [
            f"record: {len(known)} of its {count} parts have a value, so that their mean could not "
            "be compared"
        ]
    if not known or abs(statistics.mean(known) - value) <= _RECORD_TOLERANCE:
        return []
    return [
        f"record: {value!r} is stored, but the mean of its {count} parts is "
        f"{statistics.mean(known)!r}; one of them was altered"
    ]
