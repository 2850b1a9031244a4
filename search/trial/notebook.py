"""Shows a running study in a cell of a Jupyter notebook."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from search.trial.progress import Progress, Silent
from search.trial.standing import Running, Standing
from tracking import EpochRecord, StudyRecord, TrialRecord, without_password
from tracking.texts import visible

_PAUSE_S, _START_S = 0.5, 2.0
_MESSAGES = 5
_WIDTH, _HEIGHT, _EDGE = 120, 24, 2
_SPREAD = 4.0
_HEADS = ("trial", "tries", "epoch", "value", "best so far", "curve")
_STROKE = 'fill="none" stroke="currentColor" stroke-width="1.5"'


def in_kernel() -> bool:
    """Whether this process is a Jupyter kernel, whose cells show HTML.

    IPython is not imported: in a kernel it is there already.
    """
    try:
        shell = sys.modules["IPython"].get_ipython()
    except (AttributeError, KeyError):
        return False
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


@contextlib.contextmanager
def shown(progress: Progress | None) -> Iterator[Progress]:
    """Give the display of a run: the one that was asked for, or the one that fits where this runs.

    Args:
        progress: What the user gave; None for a display in a Jupyter cell, and silence elsewhere.
    """
    if progress is not None:
        yield progress
    elif in_kernel():
        with NotebookProgress() as display:
            yield display
    else:
        yield Silent()


class Page:
    """What a cell shows: HTML, and one line where there is no HTML."""

    def __init__(self, html: str, line: str) -> None:
        """Keep both."""
        self.html, self.line = html, line

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.line


class NotebookProgress:
    """A `Progress` that shows a running study in the cell that runs it.

    The cell's output is drawn anew at most twice a second. Nothing here raises: a display that
    cannot be drawn ends no study.
    """

    def __init__(
        self,
        show: Callable[[Page], Callable[[Page], object]] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        """Draw nothing yet.

        Args:
            show: Shows a page and returns what replaces it; None for IPython's display.
            clock: Seconds that never go back.
            later: Calls a function after so many seconds; None for a timer in a thread.
        """
        self._show = show or _show
        self._clock = clock
        self._later = later or _later
        self._lock = threading.RLock()
        self._standing = Standing(clock)
        self._messages: deque[str] = deque(maxlen=_MESSAGES)
        self._update: Callable[[Page], object] | None = None
        self._drawn_at = -math.inf
        self._is_waiting = self._is_stale = self._is_heard = self._is_closed = False

    def __enter__(self) -> NotebookProgress:
        """Say after two seconds that it starts: reading many ratings takes long."""
        with contextlib.suppress(Exception):
            self._later(_START_S, self._draw_start)
        return self

    def __exit__(self, *_: object) -> None:
        """Draw for the last time, without the trials that ran.

        A run that told nothing, since its study was finished, leaves nothing. The result is the
        value of the cell, which then shows itself.
        """
        with self._lock:
            self._is_closed = True
            if self._is_heard or self._update is not None:
                self._draw()

    def message(self, text: str) -> None:
        """Show a line below the trials; the latest five stay."""
        with self._heard():
            self._messages.append(without_password(text))

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        """Show the study's name, its number of trials, and its best trial so far."""
        with self._heard():
            self._standing.study(record, finished=finished, target=target)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        """Show a starting trial."""
        with self._heard():
            self._standing.trial(record, epochs=epochs)

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        """Show a running trial's latest epoch and its best value so far."""
        with self._heard():
            self._standing.epoch(trial, record, best)

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        """Show how far a running trial's long epoch is."""
        with self._heard():
            self._standing.within(trial, epoch, share)

    def left(self, seconds: float) -> None:
        """Show about how long the run still takes."""
        with self._heard():
            self._standing.left(seconds)

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        """Take a trial that has ended off the display, and count it."""
        with self._heard():
            self._standing.ended(record, finished=finished, target=target)

    @contextlib.contextmanager
    def _heard(self) -> Iterator[None]:
        """Take an event in; then draw, now or half a second after the latest drawing."""
        with self._lock, contextlib.suppress(Exception):
            yield
            self._is_heard = self._is_stale = True
            self._draw_soon()

    def _draw_soon(self) -> None:
        wait = self._drawn_at + _PAUSE_S - self._clock()
        if wait <= 0:
            self._draw()
        elif not self._is_waiting:
            self._is_waiting = True
            self._later(wait, self._draw_late)

    def _draw_late(self) -> None:
        """Draw what no event has drawn meanwhile."""
        with self._lock, contextlib.suppress(Exception):
            self._is_waiting = False
            if self._is_stale and not self._is_closed:
                self._draw_soon()

    def _draw_start(self) -> None:
        with self._lock:
            if not self._is_heard and not self._is_closed:
                self._draw()

    def _draw(self) -> None:
        self._drawn_at, self._is_stale = self._clock(), False
        with contextlib.suppress(Exception):
            page = self.page()
            if self._update is None:
                self._update = self._show(page)
            else:
                self._update(page)

    def page(self) -> Page:
        """What the cell shows now."""
        with self._lock:
            now = self._standing
            if self._is_closed and not self._is_heard:
                return Page("", "")
            line = head = "Starting, and reading the ratings …"
            if now.name is not None:
                time_told = now.elapsed if self._is_closed else now.time
                told = " · ".join(filter(None, [*now.counted, time_told, now.best]))
                line = visible(f"{now.name}  {told}")
                head = f"<b>{_text(now.name)}</b>&ensp;{_text(told)}"
            parts = [f"<div>{head}</div>"]
            if now.running and not self._is_closed:
                parts.append(_table(now))
            small = 'style="opacity: 0.7; font-size: smaller"'
            parts += [f"<div {small}>{_text(text)}</div>" for text in self._messages]
        return Page(f'<div class="trialbook-progress">{"".join(parts)}</div>', line)


def _table(now: Standing) -> str:
    """The running trials, a row each."""
    head = "".join(f"<th>{title}</th>" for title in _HEADS)
    rows = []
    for number, trial in now.running:
        cells = [_text(cell) for cell in _cells(number, trial, now.epochs)]
        cells.append(curve_svg(trial.values, sign=now.sign))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cells(number: int, trial: Running, epochs: int) -> list[str]:
    part = f"{trial.part}, " if trial.part else ""
    at = "building" if trial.is_building else f"{part}{trial.at(epochs)}"
    return [str(number), trial.tried, at, trial.latest, trial.best_so_far]


def curve_svg(values: Sequence[float], *, sign: float = 1.0) -> str:
    """Draw values as a line, the first on the left; an empty text for fewer than two of them.

    What is far worse than the others is drawn at the edge, so that a bad first epoch does not
    flatten the rest. A value that is no finite number is left out.

    Args:
        values: The values, in their order.
        sign: 1 where a lower value is better, else -1.

    Example:
        >>> curve_svg([3.0, 1.0, 2.0]).count("<polyline")
        1
        >>> curve_svg([3.0])
        ''
    """
    points = [(place, sign * v) for place, v in enumerate(values) if math.isfinite(v)]
    if len(points) < 2:
        return ""
    known = sorted(value for _, value in points)
    low = known[0]
    high = min(known[-1], low + _SPREAD * (known[len(known) // 2] - low))
    high = high if high > low else known[-1]
    across = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    drawn = []
    for place, value in points:
        share = min((value - low) / (high - low), 1.0) if high > low else 0.5
        up = share if sign > 0 else 1 - share
        drawn.append(f"{_EDGE + place * across:.1f},{_HEIGHT - _EDGE - up * (_HEIGHT - 4):.1f}")
    size = f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="values by epoch"'
    return f'<svg {size}><polyline points="{" ".join(drawn)}" {_STROKE}/></svg>'


def _text(text: str) -> str:
    return escape(visible(text))


def _show(page: Page) -> Callable[[Page], object]:
    """Show a page in the running cell, and return what replaces it there."""
    from IPython.display import display

    handle: Any = display(page, display_id=True)
    return lambda new: handle.update(new)


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
