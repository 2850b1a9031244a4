"""Python's search for unreachable objects, which stops all threads of a process."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_EVERY = (20_000, 10, 20)
"""Objects made before the youngest are searched; searches of these before one of the older, and of
those before one of all. Those of Python 3.11 are 700, 10 and 10."""

_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []
_frozen = [False]
"""Whether the first block has frozen what was there: a program may have done so before."""


@contextlib.contextmanager
def rarely_collected() -> Iterator[None]:
    """Leave out what is there when the block begins, and search more rarely for the rest.

    A study of 20,000 trials is some million objects, of which none becomes unreachable while it
    runs. Python would go through them all again and again, for half a second each time, in which no
    worker gets on. Objects that nobody holds are freed at once as before: only rings of objects
    that hold each other wait. Blocks may be within each other, or in several threads.

    Example:
        >>> with rarely_collected():
        ...     gc.get_threshold()
        (20000, 10, 20)
    """
    with _lock:
        if not _before:
            _frozen[0] = gc.get_freeze_count() == 0
            if _frozen[0]:
                gc.freeze()
        _before.append(gc.get_threshold())
        if gc.get_threshold()[0]:  # else it is switched off
            gc.set_threshold(*_EVERY)
    try:
        yield
    finally:
        with _lock:
            first = _before[0]
            _before.pop()
            if not _before:
                gc.set_threshold(*first)
                if _frozen[0]:
                    gc.unfreeze()
