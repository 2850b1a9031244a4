"""Ends this process after some seconds, whatever it does and however busy the machine is."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SIGEV_THREAD = 2  # the C library calls a function, in a thread of its own
_LEAST_S = 0.001


class _Event(ctypes.Structure):
    """C's `struct sigevent`, as glibc and musl have it on Linux; 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("unused", ctypes.c_char * 32),
    )


class _Times(ctypes.Structure):
    """C's `struct itimerspec`: seconds and nanoseconds of the period, then of the first time."""

    _fields_ = (("fields", ctypes.c_long * 4),)


_SET: list[tuple[ctypes.CDLL, ctypes.c_void_p]] = []
"""The timers that were set, with the library that set them."""


def exit_in(seconds: float, code: int) -> bool:
    """Have this process end in some seconds, unless it ends before.

    A timer of the kernel wakes a thread of the C library, which ends the process. So neither a
    thread that keeps Python's lock, nor one that computes, nor a busy machine puts it off. Nothing
    is flushed or tidied up: it is as if the process were killed, but for its exit code.

    Args:
        seconds: How long the process has.
        code: The exit code that it ends with then.

    Returns:
        Whether it will; false where the system has no such timer, as macOS has not.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None, use_errno=True)
        create, leave = library.timer_create, library._exit
        library.timer_settime  # noqa: B018 (whether it has it)
    except (OSError, AttributeError):
        return False
    leaves = ctypes.cast(leave, ctypes.c_void_p)
    event = _Event(value=code, notify=_SIGEV_THREAD, function=leaves)
    timer = ctypes.c_void_p()
    if create(ctypes.c_int(time.CLOCK_MONOTONIC), ctypes.byref(event), ctypes.byref(timer)) != 0:
        return False
    _SET.append((library, timer))
    return _start(library, timer, seconds) is not None


@contextmanager
def unhurried() -> Iterator[None]:
    """Let the block be done whole: an end that `exit_in` set comes before it or after it."""
    left = [(library, timer, _start(library, timer, 0.0)) for library, timer in _SET]
    try:
        yield
    finally:
        for library, timer, seconds in left:
            _start(library, timer, max(seconds or 0.0, _LEAST_S))


def _start(library: ctypes.CDLL, timer: ctypes.c_void_p, seconds: float) -> float | None:
    """Set a timer, or stop it by 0 seconds.

    Returns:
        The seconds that it had left; None where the system refuses.
    """
    whole = int(seconds)
    new = _Times((ctypes.c_long * 4)(0, 0, whole, int((seconds - whole) * 1e9)))
    old = _Times()
    if library.timer_settime(timer, 0, ctypes.byref(new), ctypes.byref(old)) != 0:
        return None
    return float(old.fields[2] + old.fields[3] / 1e9)
