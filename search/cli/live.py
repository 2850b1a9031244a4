"""The live display of a running study, on standard error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, BinaryIO, cast

from rich.cells import cell_len
from rich.console import Console, Group, OverflowMethod
from rich.live import Live
from rich.text import Text

from models.checks import count_of
from search.cli.common import console
from search.cli.curve import small_curve
from search.cli.plain_console import PlainConsole, wants_plain
from search.cli.signs import IN_ASCII, encodable, has_signs
from search.trial.standing import Running, Standing, named
from tracking import (
    COMPLETE,
    PRUNED,
    EndReason,
    EpochRecord,
    StudyRecord,
    TrialRecord,
    end_in_words,
    without_password,
)
from tracking.texts import visible

_BAR, _WIDE = 20, 80
_CURVE, _LEAST, _NAME = 12, 4, 8
"""Letters of a curve at most, and at least; and those to which a name makes room for a curve."""
_DOT, _DONE, _LEFT, _CUT = " · ", "━", "─", "…"


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


def steady_console(*, plain: bool = False) -> Console:
    """A console on a copy of standard error; `quiet_stderr` does not mute the copy.

    Args:
        plain: Whether nothing that it writes is styled.
    """
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, AttributeError):  # a notebook's or a test's standard error has no number
        return console(True, plain=plain)
    # A terminal that was closed takes nothing any more, which is nothing to end a study for.
    lasting = cast("BinaryIO", _Lasting(io.FileIO(number, "w")))
    encoding = sys.stderr.encoding or "utf-8"
    error = io.TextIOWrapper(lasting, encoding=encoding, errors=IN_ASCII)
    return PlainConsole(plain=plain, file=error, highlight=False, soft_wrap=True, markup=False)


class LiveProgress:
    """Shows a running study: a line for each trial that ends, and on a terminal a live display."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        """Keep the console; nothing is drawn before the study starts.

        Args:
            console: Where it is shown.
            quiet: Whether a terminal, too, gets nothing but lines.
        """
        self._console = console
        self._draws = console.is_terminal and not quiet and not wants_plain()
        self._live: Live | None = None
        self._standing = Standing()

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
        now = self._standing
        if now.name is None:
            start = f"Starting, and reading the ratings … {now.elapsed}"
            return Text(encodable(start, self._console.encoding))
        dot = _DOT if self._has(_DOT) else ", "
        far = f"  {self._bar()}{dot.join([*now.counted, now.time])}"
        name = self._cut(now.name, self._console.width - cell_len(far))
        lines = [f"{name}{far}", *filter(None, [now.best])]
        lines += [self._line(number, each, dot) for number, each in now.running]
        shown = [Text(line, no_wrap=True, overflow=self._overflow) for line in lines]
        shown[0].stylize("bold", 0, len(name))
        return Group(*shown)

    @property
    def _overflow(self) -> OverflowMethod:
        return "ellipsis" if self._has(_CUT) else "crop"

    def _cut(self, text: str, room: int) -> str:
        """A text of a user's in so much room; its end is left out where it is longer."""
        made = Text(visible(text) if room > 1 else "")
        made.truncate(max(room, 0), overflow=self._overflow)
        return made.plain

    def _has(self, signs: str) -> bool:
        return has_signs(self._console.encoding, signs)

    def _line(self, number: int, trial: Running, dot: str) -> str:
        """The line of a running trial: what it tries, its epoch, its values, a curve of them.

        Where the terminal is narrow the curve has fewer letters, then the name. Every figure stays.
        """
        head, figures = f"trial {number} ", dot.join(self._figures(trial))
        room = self._console.width - cell_len(head + figures)
        name = visible(trial.tried)
        wanted = cell_len(name + dot) if name else 0
        letters = min(len(trial.values), _CURVE) if len(trial.values) > 1 else 0
        for_curve = room - len(dot) - wanted
        if letters > for_curve:  # the name gives way to a short curve, and is not lost by it
            kept = min(wanted, _NAME + len(dot))
            least = min(letters, _LEAST)
            letters = max(for_curve, least if room - len(dot) - kept >= least else 0)
        curve = ""
        if letters > 1:
            curve = small_curve(trial.values, letters, encoding=self._console.encoding)
            curve = f"{dot}{curve}"
        name = self._cut(name, room - cell_len(curve) - len(dot))
        return head + (name + dot if name else "") + figures + curve

    def _figures(self, trial: Running) -> list[str]:
        """The epoch that a running trial is at, its latest value and its best one."""
        if trial.is_building:
            return ["building"]
        best = f"best {trial.best_so_far}" if trial.best_so_far else ""
        part = f"{trial.part}, " if trial.part else ""
        at = f"{part}epoch {trial.at(self._standing.epochs)}"
        return [at, *filter(None, [trial.latest, best])]

    def message(self, text: str) -> None:
        """Print a line above the display."""
        self._console.print(without_password(text), style="dim")

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Take the study's name, its number of trials, and its best trial so far."""
        self._standing.study(record, finished=finished, target=target)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Add a starting trial to the display."""
        self._standing.trial(record, epochs=epochs)

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Show a running trial's latest epoch and its best value so far."""
        self._standing.epoch(trial, record, best)

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Show how far a running trial's long epoch is."""
        self._standing.within(trial, epoch, share)

    def left(self, seconds: float) -> None:
        """Show about how long the run still takes, from now on."""
        self._standing.left(seconds)

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Print the line of a trial that has ended, and take the trial off the display."""
        now = self._standing
        now.ended(record, finished=finished, target=target)
        mark = ", best so far" if now.best_number == record.number else ""
        is_told = record.state == PRUNED and record.epochs  # in `_ending`
        note = f" ({record.message})" if record.message and not is_told else ""
        value = f"{record.value:.4f}" if record.value is not None else "-"
        if record.state == COMPLETE and record.mean_of:
            value += f" (mean of {record.mean_of})"
        self._console.print(
            f"[{finished}/{target}] trial {record.number} {named(record)}".rstrip()
            + f": {_ending(record, f'{now.monitor} {value}')}{mark}{note}"
        )

    def _bar(self) -> str:
        """A bar of what is finished, where the terminal has room for it."""
        if self._console.width < _WIDE:
            return ""
        now = self._standing
        full = round(_BAR * now.finished / max(now.target, 1))
        done, left = (_DONE, _LEFT) if self._has(_DONE + _LEFT) else ("#", "-")
        return f"{done * full}{left * (_BAR - full)} "


def _ending(record: TrialRecord, value: str) -> str:
    """How a trial ended: "complete, val_rmse 0.8, stopped early after 8 epochs"."""
    # A user's `fit` that calls no Keras has none: what it returned is drawn as one.
    if record.state == COMPLETE and record.metrics.get("epochs_run") == 0:
        return f"{record.state}, {value}"
    epochs = count_of(len(record.epochs), "epoch")
    if record.state == PRUNED and record.epochs:
        why = f": {record.message}" if record.message else ""
        return f"pruned at epoch {len(record.epochs)}{why}, {value}"
    if record.end_reason == EndReason.EARLY_STOPPING:
        epochs = end_in_words(record.end_reason, len(record.epochs))
    return f"{record.state}, {value}, {epochs}"
