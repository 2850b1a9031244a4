"""Sends notifications from a thread of its own, so that nobody waits for them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search.notify.addresses import Address

_LIMIT_S = 15.0
_CLOSES_S = 2.0
_EVERY_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long things may take, in seconds.

    Attributes:
        limit_s: For which one notification is waited, before it counts as not sent.
        closes_s: For which the end of a study waits for what is still to be sent.
        every_s: That lie between two notifications of a new best.
    """

    limit_s: float = _LIMIT_S
    closes_s: float = _CLOSES_S
    every_s: float = _EVERY_S


class Notifier:
    """Sends notifications to some addresses, in order; one that fails costs nothing but a line.

    Threads: any thread may call any method, and none waits but in `close`. A thread of its own
    sends, and each address has another, so that one that hangs delays no other.
    """

    def __init__(
        self,
        title: str,
        places: Sequence[Address],
        say: Callable[[str], None],
        pace: Pace = Pace(),
    ) -> None:
        """Start the thread.

        Args:
            title: Title of every notification.
            places: Where they go.
            say: Tells the user a line, in any thread.
            pace: How long things may take.
        """
        self._title, self._places, self._say, self._pace = title, places, say, pace
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._best: str | None = None
        self._best_sent = -float("inf")
        self._is_closed = False
        self._failed = False
        self._sending: dict[int, threading.Thread] = {}
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        self._thread.start()

    def tell(self, text: str) -> None:
        """Send a notification soon."""
        with self._changed:
            self._waiting.append(text)
            self._changed.notify()

    def tell_best(self, text: str) -> None:
        """Send a notification of a new best, at most one a minute; a later one takes its place."""
        with self._changed:
            self._best = text
            self._changed.notify()

    def close(self, last: str | None = None) -> None:
        """Send a last notification, and end; what takes longer than two seconds is given up.

        Args:
            last: What is sent in place of a new best that waits; None for nothing.
        """
        with self._changed:
            self._best = None
            if last is not None:
                self._waiting.append(last)
            self._is_closed = True
            self._changed.notify()
        self._thread.join(self._pace.closes_s)
        if self._thread.is_alive():
            self._tell_failure(f"in {self._pace.closes_s:g} s")

    def _run(self) -> None:
        while (text := self._next()) is not None:
            self._send(text)

    def _next(self) -> str | None:
        """Wait for what is to be sent next; None once there will be nothing more."""
        with self._changed:
            while True:
                if self._waiting:
                    return self._waiting.popleft()
                if self._is_closed:
                    return None
                wait = self._best_sent + self._pace.every_s - time.monotonic()
                if self._best is not None and wait <= 0:
                    text, self._best, self._best_sent = self._best, None, time.monotonic()
                    return text
                self._changed.wait(wait if self._best is not None else None)

    def _send(self, text: str) -> None:
        """Send to all addresses at once, and say in a line if one did not take it."""
        sent: set[int] = set()

        def attempt(number: int) -> None:
            with contextlib.suppress(Exception):  # its words may hold the address
                if self._places[number].send(self._title, text):
                    sent.add(number)

        # One that hangs since an earlier notification gets no further one.
        hang = {number for number, thread in self._sending.items() if thread.is_alive()}
        begun = {
            number: threading.Thread(target=attempt, args=(number,), daemon=True)
            for number in range(len(self._places))
            if number not in hang
        }
        self._sending |= begun
        latest = time.monotonic() + self._pace.limit_s
        for thread in begun.values():
            thread.start()
        for thread in begun.values():
            thread.join(max(0.0, latest - time.monotonic()))
        if len(sent) < len(self._places):
            self._tell_failure()
        else:
            self._failed = False

    def _tell_failure(self, when: str = "") -> None:
        """Say once in a row that notifications fail; their addresses are secrets."""
        if self._failed:
            return
        self._failed = True
        words = f"A notification could not be sent {when}".rstrip()
        self._say(f"{words}; the study is not touched by that. Check the addresses of `--notify`.")
