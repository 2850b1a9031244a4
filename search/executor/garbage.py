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
_found: list[tuple[tuple[int, int, int], bool]] = []
"""What blocks found, the first one's first: the settings, and whether nothing was left out yet. A
program may have left out what is there itself."""


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
        _found.append((gc.get_threshold(), gc.get_freeze_count() == 0))
        settings, freezes = _found[-1]
        if freezes:
            gc.freeze()
        if settings[0]:  # else it is switched off
            gc.set_threshold(*_EVERY)
    try:
        yield
    finally:
        with _lock:
            settings, freezes = _found[0]
            _found.pop()
            if not _found:
                gc.set_threshold(*settings)
                if freezes:
                    gc.unfreeze()
