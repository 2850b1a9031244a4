"""A running trial: its record and folder, fixed before the training, and its curve so far."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna

from search.child.messages import Part
from tracking import EpochRecord, TrialRecord


@dataclass(slots=True)
class Curve:
    """The epochs of a trial so far, and the values of its folds or repeats.

    Only the thread of the trial's worker uses it.

    Attributes:
        monitor: Name of the per-epoch number that counts.
        sign: What that number is multiplied by so that lower is better.
        epochs: All epochs so far, epoch 1 first.
        unwritten: The epochs that are not on record yet.
        parts: Values of the parts (folds or repeats) that were trained to their end.
        lowest: The best value so far times `sign`; infinite before there is one.
        why_pruned: Why the pruner ended the trial, in a few words; empty before.

    Example:
        An accuracy is maximised, so that its sign is -1:

        >>> curve = Curve(monitor="accuracy", sign=-1.0)
        >>> curve.add(EpochRecord(epoch=1, seconds=0.5, metrics={"accuracy": 0.6}))
        >>> curve.add(EpochRecord(epoch=2, seconds=0.5, metrics={"accuracy": 0.5}))
        >>> curve.best, curve.lowest
        (0.6, -0.6)
    """

    monitor: str
    sign: float
    epochs: list[EpochRecord] = field(default_factory=list)
    unwritten: list[EpochRecord] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    lowest: float = math.inf
    why_pruned: str = ""

    @property
    def best(self) -> float | None:
        """The best value so far; None before there is one."""
        return self.sign * self.lowest if math.isfinite(self.lowest) else None

    def add(self, epoch: EpochRecord) -> None:
        """Add an epoch; epochs of the same number from several folds or repeats become one."""
        self.unwritten.append(epoch)
        place = epoch.epoch - 1
        if place < len(self.epochs):
            old = self.epochs[place]
            metrics = {**old.metrics, **epoch.metrics}
            self.epochs[place] = replace(old, seconds=old.seconds + epoch.seconds, metrics=metrics)
        else:
            self.epochs.append(epoch)
        value = epoch.metrics.get(self.monitor, math.nan)
        if math.isfinite(value):
            self.lowest = min(self.lowest, self.sign * value)

    def add_part(self, part: Part) -> None:
        """Add the value of a fold or repeat; the mean of all so far becomes the best value.

        After folds of 0.9 and 0.7 it is 0.8.
        """
        self.parts.append(part.value)
        self.lowest = self.sign * statistics.mean(self.parts)


@dataclass(frozen=True, slots=True)
class TrialRun:
    """A running trial: Optuna's trial, its record, its folder and its curve so far.

    Attributes:
        trial: Optuna's trial.
        record: The record that it began with; with the MLflow run's identifier once it has a run.
        folder: The folder of its files.
        curve: Its epochs and parts so far.
        started: When it was asked for, as `time.monotonic` in seconds.
    """

    trial: optuna.Trial
    record: TrialRecord
    folder: Path
    curve: Curve
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the trial was asked for."""
        return time.monotonic() - self.started
