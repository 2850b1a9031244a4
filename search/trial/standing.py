"""How a running study stands, as displays show it, and the words for it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    EpochRecord,
    StudyRecord,
    TrialRecord,
    tried,
)

_TOLD = (PRUNED, REFUSED, FAILED, KILLED)


@dataclass(frozen=True, slots=True)
class Running:
    """How far a trial is: its epoch, the share of it while it is under way, its values.

    From a second fold or repeat on they are those of that `part`, say "fold 2".
    """

    tried: str = ""
    part: str = ""
    epoch: int = 0
    share: float | None = None
    values: tuple[float, ...] = ()
    best: float = math.inf

    @property
    def is_building(self) -> bool:
        """Whether its first epoch has not been heard of."""
        return self.epoch == 0 and self.share is None

    def at(self, epochs: int) -> str:
        """The epoch it is at, of so many: "4/30", or "4/30, 12% of it" inside a long one."""
        at = f"{self.epoch}/{epochs}"
        return at if self.share is None else f"{at}, {self.share:.0%} of it"

    @property
    def latest(self) -> str:
        """Its latest value, or an empty text."""
        return f"{self.values[-1]:.4f}" if self.values else ""

    @property
    def best_so_far(self) -> str:
        """Its best value so far; an empty text before an epoch had a finite one."""
        return f"{self.best:.4f}" if self.values and math.isfinite(self.best) else ""


class Standing:
    """How a study stands, from the same events as `search.trial.progress.Progress` hears.

    Attributes:
        name: The study's name; None before it starts.
        finished: Trials that count towards the target.
        target: Target of trials.
        epochs: Most epochs of a training.
        monitor: Name of the metric whose values are shown.
        sign: 1 where a lower value is better, else -1.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin the time.

        Args:
            clock: Seconds that never go back.
        """
        self._clock = clock
        self._started = clock()
        self._end: float | None = None
        self.name: str | None = None
        self.finished = self.target = self.epochs = 0
        self.monitor = "val_rmse"
        self.sign = 1.0
        self._running: dict[int, Running] = {}
        self._ends: Counter[str] = Counter()
        self._best: tuple[float, int] | None = None
        self._base: float | None = None
        self._record: StudyRecord | None = None

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Take the study's name, its number of trials, and its best trial so far."""
        self.target, self.finished, self.name = target, finished, record.name
        self._record, self.monitor, self.sign = record, record.monitor, record.sign
        self._ends = Counter(trial.state for trial in record.trials)
        fits = record.baseline is not None and not record.baseline_misfit
        self._base = record.baseline.value if record.baseline and fits else None
        best = record.best
        if best is not None and best.value is not None:
            self._best = (best.value, best.number)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Add a starting trial."""
        self.epochs = epochs
        self._running[record.number] = Running(named(record))

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Take a running trial's latest epoch and its best value so far."""
        before = self._running.get(trial.number, Running())
        found = record.by_part(self.monitor)
        part = next(iter(found), before.part)
        values = (*(before.values if part == before.part else ()), *found.values())
        if part:  # `best` is that of the first one
            known = [self.sign * value for value in values if math.isfinite(value)]
            best = self.sign * min(known, default=math.inf)
        self._running[trial.number] = replace(
            before, part=part, epoch=record.epoch, share=None, values=values, best=best
        )

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Take how far a running trial's long epoch is."""
        before = self._running.get(trial.number, Running())
        self._running[trial.number] = replace(before, epoch=epoch, share=share)

    def left(self, seconds: float) -> None:
        """Take about how long the run still takes, from now on."""
        self._end = self._clock() + seconds

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Take off a trial that has ended, and count it."""
        # With several workers an earlier count may come after a later one.
        self.finished, self.target = max(self.finished, finished), target
        self._ends[record.state] += 1
        self._running.pop(record.number, None)
        misfit = self._record is not None and self._record.baseline_misfit
        if record.is_baseline and record.state == COMPLETE and not misfit:
            self._base = record.value
        ranks = record.state == COMPLETE and not record.is_beyond
        if ranks and record.value is not None and self._leads(record.value):
            self._best = (record.value, record.number)

    def _leads(self, value: float) -> bool:
        """Whether a trial's value is better than the best value of the study so far."""
        if self._best is None or self._record is None:
            return self._best is None
        return self._record.better(value, than=self._best[0])

    @property
    def running(self) -> list[tuple[int, Running]]:
        """The running trials by their numbers."""
        return sorted(self._running.copy().items())

    @property
    def counted(self) -> list[str]:
        """Counts of trials: "4/10", "1 pruned", "1 failed"."""
        counts = [f"{self._ends[end]} {end}" for end in _TOLD if self._ends[end]]
        return [f"{self.finished}/{self.target}", *counts]

    @property
    def best_number(self) -> int | None:
        """Number of the best trial so far, or None."""
        return None if self._best is None else self._best[1]

    @property
    def best(self) -> str:
        """The best so far: "best 0.89 (trial 3, -0.04 against the baseline)"; empty for none."""
        if self._best is None:
            return ""
        value, number = self._best
        gap = ""
        if self._base is not None and self._base != value:
            gap = f", {value - self._base:+.4f} against the baseline"
        return f"best {value:.4f} (trial {number}{gap})"

    @property
    def elapsed(self) -> str:
        """The time so far: "1:02"."""
        return clock_text(self._clock() - self._started)

    @property
    def time(self) -> str:
        """The time so far, and what is left where that is known: "1:02, about 0:26 left"."""
        left = 0.0 if self._end is None else self._end - self._clock()
        return self.elapsed if left <= 0 else f"{self.elapsed}, about {clock_text(left)} left"


def named(record: TrialRecord) -> str:
    """What a trial tries, in a few words: "gmf f35", or "baseline"."""
    return "baseline" if record.is_baseline else tried(record.params)


def clock_text(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    Example:
        >>> clock_text(62), clock_text(3723)
        ('1:02', '1:02:03')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
