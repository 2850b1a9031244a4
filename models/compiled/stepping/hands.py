"""Threads that work on the shares of a step: how many there are changes the time and no bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from models.compiled.subnormals import flush_subnormals, restore

SHARES = 4


class Hands:
    """Runs calls of compiled functions at once, as many as there are threads.

    Subnormal numbers are zeros in them.
    """

    def __init__(self, pool: ThreadPoolExecutor | None) -> None:
        self._pool = pool

    @classmethod
    @contextmanager
    def of(cls, threads: int) -> Iterator[Hands]:
        """Start the threads, for a `with` block; a single one is the caller's own."""
        if threads == 1:
            yield cls(None)
        else:
            most = min(threads, SHARES)
            with ThreadPoolExecutor(most, initializer=flush_subnormals) as pool:
                yield cls(pool)

    def run(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """Run calls, and return their results in their order once all are done."""
        if self._pool is None:
            mode = flush_subnormals()
            try:
                return [call() for call in calls]
            finally:
                restore(mode)
        return [future.result() for future in [self._pool.submit(call) for call in calls]]


def parts_of(count: int) -> list[tuple[int, int]]:
    """Divide the numbers below `count` into as many parts as a batch has shares: begin and end."""
    edges = [count * number // SHARES for number in range(SHARES + 1)]
    return list(pairwise(edges))
