"""Trains a stored trial again, and compares the two values and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.checks import count_of
from search.child.messages import Done
from search.reproduce.drift import bin_notes, drift_lines, own_data_lines, record_lines
from search.reproduce.replay import Again, Replay, Stored, train_again, value_of
from tracking import EpochRecord, reproduction_figure

SAME_MACHINE_TOLERANCE = 1e-6
Curve = list[tuple[int, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """The comparison of a trial's record with the same trial trained again.

    Attributes:
        target: What was reproduced, in words.
        expected: The value on record, or the published one.
        got: The value of the new training; None where it failed.
        tolerance: Largest difference that counts as the same.
        reproduced: Whether the difference is within it, on the same data, and no check of the
            record or the data failed or could not be made.
        drift: What differs between then and now, one line each.
        notes: What else the user should know.
        picture: The two curves in one picture, where it was drawn.
        run_id: The MLflow run that holds the picture.
        trainer: What trained it now: "compiled", "fast" or "keras"; empty where nothing did.
        is_first: Whether it was recorded just now, so that there is nothing to compare with yet.
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
    trainer: str = ""
    is_first: bool = False

    @property
    def difference(self) -> float | None:
        """The new value minus the expected one; None where there is no new value."""
        return None if self.got is None else self.got - self.expected

    @property
    def is_same_value(self) -> bool:
        """Whether the value alone is the expected one, whatever else differs."""
        return self.difference is not None and abs(self.difference) <= self.tolerance


def compare_again(stored: Stored, home: Path, again: Again) -> Reproduction:
    """Train a stored trial again and compare it with its own record.

    Args:
        stored: The trial.
        home: Folder where the picture is kept.
        again: How it is trained and compared.
    """
    config = stored.config.at(data=again.data or stored.config.data, threads=stored.plan.threads)
    return compared(stored, train_again(stored, config, again), home, again.tolerance)


def trainer_of(stored: Stored, replay: Replay | None) -> str:
    """What trained the trial again; without a new training, what trained it when it was stored."""
    if replay is None:
        return stored.outcome.trainer or ""
    return replay.ended.trainer if isinstance(replay.ended, Done) else ""


def compared(
    stored: Stored, replay: Replay, home: Path, tolerance: float | None = None
) -> Reproduction:
    """Compare a trial's record with the new training, and draw both curves.

    Args:
        stored: The trial.
        replay: The new training.
        home: Folder where the picture is kept.
        tolerance: Largest difference that counts as the same; None for 1e-6.
    """
    tolerance = SAME_MACHINE_TOLERANCE if tolerance is None else tolerance
    expected, (got, notes) = stored.value, value_of(replay, stored)
    own = own_data_lines(stored, replay, tolerance)
    changes = [*own, *drift_lines(stored, replay), *record_lines(stored)]
    same = got is not None and abs(got - expected) <= tolerance
    picture = None
    if replay.epochs:
        trial = f"trial {stored.record.number}"
        both = {f"recorded {trial}": stored.record.epochs, "trained again": replay.epochs}
        curves = {name: points(epochs, stored.config.monitor) for name, epochs in both.items()}
        title = f"{stored.record.study}, {trial}: {likeness(*curves.values())}"
        picture = draw_curves(stored, home, curves, expected=expected, title=title)
    return Reproduction(
        trainer=trainer_of(stored, replay),
        target=f"{stored.record.study}:{stored.record.number}",
        expected=expected,
        got=got,
        tolerance=tolerance,
        reproduced=same and not any(line.startswith(("record:", "data:")) for line in changes),
        drift=tuple(changes),
        notes=(*notes, *bin_notes(stored)),
        picture=picture,
        run_id=stored.run_id,
    )


def points(epochs: Sequence[EpochRecord], monitor: str) -> Curve:
    """List a curve's points, `(epoch, value)`; epochs without the metric are left out.

    Args:
        epochs: The epochs of a trial.
        monitor: Name of the metric.

    Example:
        >>> first = EpochRecord(epoch=1, seconds=0.1, metrics={"val_rmse": 0.9})
        >>> points([first, EpochRecord(epoch=2, seconds=0.1, metrics={})], "val_rmse")
        [(1, 0.9)]
    """
    return [(e.epoch, e.metrics[monitor]) for e in epochs if monitor in e.metrics]


def likeness(first: Curve, second: Curve) -> str:
    """Say in words how far two curves are the same.

    Args:
        first: Points of the earlier curve, `(epoch, value)`.
        second: Those of the later one.

    Example:
        >>> likeness([(1, 0.9), (2, 0.8)], [(1, 0.9), (2, 0.8)])
        'identical in 2 of 2 epochs'
        >>> likeness([(1, 0.9), (2, 0.8)], [(1, 0.9), (2, 0.803), (3, 0.8)])
        'identical in 1 of 3 epochs, at most 0.0030 apart (epoch 2)'
    """
    earlier, later = dict(first), dict(second)
    gaps = {epoch: abs(later[epoch] - earlier[epoch]) for epoch in earlier.keys() & later.keys()}
    same, all_of = sum(gap == 0 for gap in gaps.values()), len(earlier.keys() | later.keys())
    said = f"identical in {same} of {count_of(all_of, 'epoch')}"
    if not any(gaps.values()):
        return said
    widest = max(gaps, key=gaps.__getitem__)
    apart = f"{gaps[widest]:.4f}" if gaps[widest] >= 5e-5 else f"{gaps[widest]:.1e}"
    return f"{said}, at most {apart} apart (epoch {widest})"


def draw_curves(
    stored: Stored,
    home: Path,
    curves: Mapping[str, Curve],
    *,
    expected: float,
    title: str,
) -> str:
    """Draw two curves in one picture, in the home folder and among the run's artifacts, if any.

    Args:
        stored: The trial.
        home: The home folder; the picture goes to `reproductions/` in it.
        curves: The name of each curve and its points, the earlier one first.
        expected: The value on record, drawn as a line.
        title: Title of the picture.

    Returns:
        The picture's path.
    """
    name = stored.record.run_id or f"{stored.record.study}-{stored.record.number}"
    folder = home / "reproductions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"reproduction-{name}.png"
    reproduction_figure(
        curves,
        path,
        expected=expected,
        title=title,
        metric=stored.config.monitor,
        minimize=stored.config.sign > 0,
    )
    if stored.run_id is not None:
        stored.recorder.log_picture(stored.run_id, path)
    return str(path)
