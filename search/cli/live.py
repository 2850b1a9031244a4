"""The live display of a running study, on standard error."""

from __future__ import annotations

import contextlib
import io
import math
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from models.checks import count_of
from search.cli.common import console
from search.cli.curve import is_utf8, small_curve
from search.cli.plain_console import PlainConsole
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    EndReason,
    EpochRecord,
    StudyRecord,
    TrialRecord,
    tried,
    without_password,
)
from tracking.texts import visible

_TOLD = (PRUNED, REFUSED, FAILED, KILLED)
_BAR, _WIDE, _CURVE = 20, 80, 12


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
    encoding = sys.stderr.encoding or "utf-8"
    error = io.TextIOWrapper(lasting, encoding=encoding, errors="replace")
    return PlainConsole(file=error, highlight=False, soft_wrap=True, markup=False)


@dataclass(frozen=True, slots=True)
class _Running:
    """How far a trial is: its epoch, the share of it while it is under way, its values."""

    tried: str = ""
    epoch: int = 0
    share: float | None = None
    values: tuple[float, ...] = ()
    best: float = math.inf


class LiveProgress:
    """Shows a running study: a line for each trial that ends, and on a terminal a live display."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        """Keep the console; nothing is drawn before the study starts.

        Args:
            console: Where it is shown.
            quiet: Whether a terminal, too, gets nothing but lines.
        """
        self._console = console
        self._draws = console.is_terminal and not quiet and "NO_COLOR" not in os.environ
        self._live: Live | None = None
        self._target = self._finished = self._epochs = 0
        self._study: str | None = None
        self._running: dict[int, _Running] = {}
        self._ends: Counter[str] = Counter()
        self._best: tuple[float, int] | None = None
        self._base: float | None = None
        self._record: StudyRecord | None = None
        self._monitor = "val_rmse"
        self._started = time.monotonic()
        self._end: float | None = None

    def __enter__(self) -> LiveProgress:
        if self._draws:
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
        dot = " · " if self._is_utf8 else ", "
        counted = [f"{self._finished}/{self._target}"]
        counted += [f"{self._ends[end]} {end}" for end in _TOLD if self._ends[end]]
        head = dot.join([*counted, self._elapsed()])
        lines = [f"{self._study}  {self._bar()}{head}"]
        if self._best is not None:
            lines.append(f"best {self._best[0]:.4f} ({self._against_baseline()})")
        running = sorted(self._running.copy().items())
        lines += [f"trial {number} {dot.join(self._at(each))}" for number, each in running]
        shown = [Text(visible(line), no_wrap=True, overflow="ellipsis") for line in lines]
        shown[0].stylize("bold", 0, len(visible(self._study)))
        return Group(*shown)

    @property
    def _is_utf8(self) -> bool:
        return is_utf8(self._console.encoding)

    def _against_baseline(self) -> str:
        assert self._best is not None
        value, number = self._best
        if self._base is None or self._base == value:
            return f"trial {number}"
        return f"trial {number}, {value - self._base:+.4f} against the baseline"

    def _at(self, trial: _Running) -> list[str]:
        """Texts on a running trial: what it tries, its epoch, its values, a curve of them."""
        told = [trial.tried] if trial.tried else []
        if trial.epoch == 0 and trial.share is None:
            return [*told, "building"]
        at = f"epoch {trial.epoch}/{self._epochs}"
        told.append(at if trial.share is None else f"{at}, {trial.share:.0%} of it")
        if not trial.values:
            return told
        told.append(f"{trial.values[-1]:.4f}")
        if math.isfinite(trial.best):  # infinite before an epoch had a finite value
            told.append(f"best {trial.best:.4f}")
        curve = small_curve(trial.values, _CURVE, encoding=self._console.encoding)
        return [*told, curve] if len(trial.values) > 1 else told

    def message(self, text: str) -> None:
        """Print a line above the display."""
        self._console.print(without_password(text), style="dim")

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Take the study's name, its number of trials, and its best trial so far."""
        self._target, self._finished, self._study = target, finished, record.name
        self._record, self._monitor = record, record.monitor
        self._ends = Counter(trial.state for trial in record.trials)
        fits = record.baseline is not None and not record.baseline_misfit
        self._base = record.baseline.value if record.baseline and fits else None
        best = record.best
        if best is not None and best.value is not None:
            self._best = (best.value, best.number)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Add a starting trial to the display."""
        self._epochs = epochs
        self._running[record.number] = _Running(_tried(record))

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Show a running trial's latest epoch and its best value so far."""
        before = self._running.get(trial.number, _Running())
        value = record.metrics.get(self._monitor)
        values = before.values if value is None else (*before.values, value)
        self._running[trial.number] = replace(
            before, epoch=record.epoch, share=None, values=values, best=best
        )

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Show how far a running trial's long epoch is."""
        before = self._running.get(trial.number, _Running())
        self._running[trial.number] = replace(before, epoch=epoch, share=share)

    def left(self, seconds: float) -> None:
        """Show about how long the run still takes, from now on."""
        self._end = time.monotonic() + seconds

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Print the line of a trial that has ended, and take the trial off the display."""
        self._finished = finished
        self._ends[record.state] += 1
        self._running.pop(record.number, None)
        misfit = self._record is not None and self._record.baseline_misfit
        if record.is_baseline and record.state == COMPLETE and not misfit:
            self._base = record.value
        ranks = record.state == COMPLETE and not record.is_beyond
        if ranks and record.value is not None and self._leads(record.value):
            self._best = (record.value, record.number)
        mark = ", best so far" if self._best and self._best[1] == record.number else ""
        note = f" ({record.message})" if record.message else ""
        value = f"{record.value:.4f}" if record.value is not None else "-"
        self._console.print(
            f"[{finished}/{target}] trial {record.number} {_tried(record)}".rstrip()
            + f": {_ending(record, f'{self._monitor} {value}')}{mark}{note}"
        )

    def _leads(self, value: float) -> bool:
        """Whether a trial's value is better than the best value of the study so far."""
        if self._best is None or self._record is None:
            return self._best is None
        return self._record.better(value, than=self._best[0])

    def _bar(self) -> str:
        """A bar of what is finished, where the terminal has room for it."""
        if self._console.width < _WIDE:
            return ""
        full = round(_BAR * self._finished / max(self._target, 1))
        done, left = ("━", "─") if self._is_utf8 else ("#", "-")
        return f"{done * full}{left * (_BAR - full)} "

    def _elapsed(self) -> str:
        now = time.monotonic()
        if self._end is None or self._end <= now:
            return _clock(now - self._started)
        return f"{_clock(now - self._started)}, about {_clock(self._end - now)} left"


def _tried(record: TrialRecord) -> str:
    return "baseline" if record.is_baseline else tried(record.params)


def _ending(record: TrialRecord, value: str) -> str:
    """How a trial ended: "complete, val_rmse 0.8, stopped early after 8 epochs"."""
    # A user's `fit` that calls no Keras has none: what it returned is drawn as one.
    if record.state == COMPLETE and record.metrics.get("epochs_run") == 0:
        return f"{record.state}, {value}"
    epochs = count_of(len(record.epochs), "epoch")
    if record.state == PRUNED and record.epochs:
        return f"pruned at epoch {len(record.epochs)}, {value}"
    early = "stopped early after " if record.end_reason == EndReason.EARLY_STOPPING else ""
    return f"{record.state}, {value}, {early}{epochs}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    Example:
        >>> _clock(62), _clock(3723)
        ('1:02', '1:02:03')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
