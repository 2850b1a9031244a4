"""A trial under way: what was decided before it trains, and what it told of itself so far."""

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
    """The epochs and parts of a trial so far; used by the thread of its worker alone.

    Attributes:
        monitor: Name of the per-epoch number that counts.
        sign: What that number is multiplied by so that lower is better.
        epochs: All that were told, epoch 1 first.
        unwritten: Those that are not on record yet.
        parts: Values of the parts that came to their end.
        lowest: The best value so far times `sign`; infinite before there is one.
    """

    monitor: str
    sign: float
    epochs: list[EpochRecord] = field(default_factory=list)
    unwritten: list[EpochRecord] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    lowest: float = math.inf

    @property
    def best(self) -> float | None:
        """The best value so far; None before there is one."""
        return self.sign * self.lowest if math.isfinite(self.lowest) else None

    def add(self, epoch: EpochRecord) -> None:
        """Keep an epoch; one of a later part is added to that of the first."""
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
        """Keep the value of a part; the trial's best is from now on the mean of its parts."""
        self.parts.append(part.value)
        self.lowest = self.sign * statistics.mean(self.parts)


@dataclass(frozen=True, slots=True)
class TrialRun:
    """A trial under way.

    Attributes:
        trial: Optuna's.
        record: What was known of it when it began; its run's identifier, once it has a run.
        folder: Where its files are.
        curve: What it told of itself so far.
        started: Monotonic time in seconds.
    """

    trial: optuna.Trial
    record: TrialRecord
    folder: Path
    curve: Curve
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the trial was asked for."""
        return time.monotonic() - self.started
