"""How a trial compares with itself, trained again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.reproduce.drift import drift_lines, record_lines
from search.reproduce.replay import OnEpoch, Stored, parts_trained, train_again, value_of
from search.storage.trials import PLAN
from tracking import PRUNED, EpochRecord, MlflowRecorder, Store, TrialRecord, reproduction_figure

SAME_MACHINE_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """How a trial compares with itself, trained again.

    Attributes:
        target: What was reproduced, in words.
        expected: The value on record, or the published one.
        got: The value of the new training; None where it failed.
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

    @property
    def difference(self) -> float | None:
        """got - expected; None where there is no `got`."""
        return None if self.got is None else self.got - self.expected


def compare_again(
    stored: Stored,
    store: Store,
    *,
    data: str | None = None,
    tolerance: float | None = None,
    on_epoch: OnEpoch | None = None,
) -> Reproduction:
    """Train a stored trial again and hold it against its own record.

    Args:
        stored: The trial.
        store: Where it is recorded.
        data: Other ratings to train on; None for the recorded ones.
        tolerance: Largest difference that counts as the same; None for 1e-6.
        on_epoch: Hears each epoch.
    """
    plan = stored.trial.user_attrs[PLAN]
    config = stored.config.at(
        data=data or stored.config.data,
        threads=int(plan["tags"].get("trialbook.threads", 0)) or None,
    )
    replay = train_again(
        config,
        plan,
        on_epoch=on_epoch,
        stop_after=_stop_after(stored.record),
        most_parts=parts_trained(stored.record),
    )
    limit = SAME_MACHINE_TOLERANCE if tolerance is None else tolerance
    expected = float(stored.record.value or math.nan)
    got, notes = value_of(replay, stored)
    changes = [*drift_lines(stored, replay), *record_lines(stored, store)]
    same = got is not None and abs(got - expected) <= limit
    picture = None
    if stored.record.run_id and replay.epochs:
        picture = draw_curves(
            store,
            stored.record.run_id,
            recorded=points(stored.record.epochs, config.monitor),
            new=points(replay.epochs, config.monitor),
            expected=expected,
            title="Recorded and reproduced",
        )
    return Reproduction(
        target=f"{stored.record.study}:{stored.record.number}",
        expected=expected,
        got=got,
        tolerance=limit,
        reproduced=same and not any(line.startswith("record:") for line in changes),
        drift=tuple(changes),
        notes=notes,
        picture=picture,
        run_id=stored.record.run_id,
    )


def _stop_after(record: TrialRecord) -> int | None:
    """A pruned trial is stopped again where it was stopped."""
    in_first = record.state == PRUNED and parts_trained(record) is None
    return len(record.epochs) if in_first else None


def points(epochs: Sequence[EpochRecord], monitor: str) -> list[tuple[int, float]]:
    """A curve as (epoch, value), epochs without the metric left out."""
    return [(e.epoch, e.metrics[monitor]) for e in epochs if monitor in e.metrics]


def draw_curves(
    store: Store,
    run_id: str,
    *,
    recorded: list[tuple[int, float]],
    new: list[tuple[int, float]],
    expected: float,
    title: str,
) -> str:
    """Draw two curves in one picture, below the home folder and among the run's artifacts.

    Returns:
        The picture's path.
    """
    folder = store.home / "reproductions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"reproduction-{run_id}.png"
    reproduction_figure(recorded, new, path, expected=expected, title=title)
    MlflowRecorder(store).log_picture(run_id, path)
    return str(path)
