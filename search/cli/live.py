"""The live display of a running study, on standard error."""

from __future__ import annotations

import contextlib
import io
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from models.checks import count_of
from search.cli.common import console
from search.cli.plain_console import PlainConsole
from tracking import COMPLETE, EpochRecord, StudyRecord, TrialRecord, without_password


class _Lasting(io.RawIOBase):
    """A file that drops what cannot be written to it."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._file.isatty()

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, text: Any) -> int:
        with contextlib.suppress(OSError):
            return int(self._file.write(text) or 0)
        return len(text)


def steady_console() -> Console:
    """A console on a copy of standard error; `quiet_stderr` does not mute the copy."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, AttributeError):  # a notebook's or a test's standard error has no number
        return console(True)
    # A terminal that was closed takes nothing any more, which is nothing to end a study for.
    lasting = cast("BinaryIO", _Lasting(io.FileIO(number, "w")))
    error = io.TextIOWrapper(lasting, encoding="utf-8", errors="replace")
    return PlainConsole(file=error, highlight=False, soft_wrap=True, markup=False)


@dataclass(frozen=True, slots=True)
class _Running:
    """How far a trial is: its latest epoch, the share of it while it is under way, its values."""

    epoch: int = 0
    share: float | None = None
    record: EpochRecord | None = None
    best: float = math.inf


class LiveProgress:
    """Shows a running study: a line for each trial that ends, and on a terminal a live display."""

    def __init__(self, console: Console) -> None:
        """Keep the console; nothing is drawn before the study starts."""
        self._console = console
        self._live: Live | None = None
        self._target = self._finished = self._epochs = 0
        self._study: str | None = None
        self._running: dict[int, _Running] = {}
        self._best: tuple[float, int] | None = None
        self._record: StudyRecord | None = None
        self._monitor = "val_rmse"
        self._started = time.monotonic()
        self._end: float | None = None

    def __enter__(self) -> LiveProgress:
        if self._console.is_terminal:
            self._live = Live(self, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __rich__(self) -> Any:
        if self._study is None:
            return Text(f"Starting, and reading the ratings … {self._elapsed()}")
        grid = Table.grid(padding=(0, 2))
        grid.add_row(Text(self._study, style="bold"), self._bar(), self._elapsed())
        for number, reached in sorted(self._running.copy().items()):
            grid.add_row(f"trial {number}", *self._at(reached))
        if self._best is not None:
            grid.add_row("best", f"{self._best[0]:.4f}", f"trial {self._best[1]}")
        return grid

    def _at(self, trial: _Running) -> tuple[str, str]:
        """Two texts on a running trial: its latest epoch, and its latest and best value."""
        at = f"epoch {trial.epoch}/{self._epochs}"
        if trial.share is not None:
            at += f", {trial.share:.0%} of it"
        value = None if trial.record is None else trial.record.metrics.get(self._monitor)
        shown = f"{self._monitor} {value:.4f}" if value is not None else ""
        if shown and math.isfinite(trial.best):  # infinite before an epoch had a finite value
            shown += f", best so far {trial.best:.4f}"
        return at, shown

    def message(self, text: str) -> None:
        """Print a line above the display."""
        self._console.print(without_password(text), style="dim")

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Take the study's name, its number of trials, and its best trial so far."""
        self._target, self._finished, self._study = target, finished, record.name
        self._record, self._monitor = record, record.monitor
        best = record.best
        if best is not None and best.value is not None:
            self._best = (best.value, best.number)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Add a starting trial to the display."""
        self._epochs = epochs
        self._running[record.number] = _Running()

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Show a running trial's latest epoch and its best value so far."""
        self._running[trial.number] = _Running(epoch=record.epoch, record=record, best=best)

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Show how far a running trial's long epoch is."""
        self._running[trial.number] = replace(self._running[trial.number], epoch=epoch, share=share)

    def left(self, seconds: float) -> None:
        """Show about how long the run still takes, from now on."""
        self._end = time.monotonic() + seconds

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Print the line of a trial that has ended, and take the trial off the display."""
        self._finished = finished
        self._running.pop(record.number, None)
        value = f"{record.value:.4f}" if record.value is not None else "-"
        ranks = record.state == COMPLETE and not record.is_beyond
        if ranks and record.value is not None and self._leads(record.value):
            self._best = (record.value, record.number)
        mark = ", best so far" if self._best and self._best[1] == record.number else ""
        note = f" ({record.message})" if record.message else ""
        label = " baseline" if record.is_baseline else ""
        # A user's `fit` that calls no Keras has none: what it returned is drawn as one.
        has_none = record.state == COMPLETE and record.metrics.get("epochs_run") == 0
        trained = "" if has_none else f", {count_of(len(record.epochs), 'epoch')}"
        self._console.print(
            f"[{finished}/{target}] trial {record.number}{label}: {record.state}, "
            f"{self._monitor} {value}{trained}{mark}{note}"
        )

    def _leads(self, value: float) -> bool:
        """Whether a trial's value is better than the best value of the study so far."""
        if self._best is None or self._record is None:
            return self._best is None
        return self._record.better(value, than=self._best[0])

    def _bar(self) -> str:
        width = 20
        full = round(width * self._finished / max(self._target, 1))
        return f"{'━' * full}{'─' * (width - full)} {self._finished}/{self._target} trials"

    def _elapsed(self) -> str:
        now = time.monotonic()
        if self._end is None or self._end <= now:
            return _clock(now - self._started)
        return f"{_clock(now - self._started)}, about {_clock(self._end - now)} left"


def _clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    Example:
        >>> _clock(62), _clock(3723)
        ('1:02', '1:02:03')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
