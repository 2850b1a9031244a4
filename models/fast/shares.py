"""Rows shared out between threads: each thread works through its own share, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tensorflow as tf

CHUNK_ROWS = 4096
_SHARE_ROWS = 1024


def shares_of(rows: int) -> int:
    """How many shares rows are worked through in, at once.

    More than one only where each operation has one thread of its own, as `set_threads` arranges
    it: threads inside of operations would otherwise wait for each other.

    Args:
        rows: Of a step.
    """
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != 1:
        return 1
    threads: int = threading.get_inter_op_parallelism_threads()
    return max(1, min(threads, rows // _SHARE_ROWS))


def bounds(count: Any, shares: int) -> list[tuple[Any, Any]]:
    """First row of each share and the row after its last; `count` is a whole number or a scalar."""
    edges = [count * number // shares for number in range(shares + 1)]
    return list(pairwise(edges))


def slice_rows(rows: Any, first: Any, last: Any) -> Any:
    """Rows from `first` to before `last` of every tensor in a structure."""
    return tf.nest.map_structure(lambda t: t[first:last], rows)


def count_rows(rows: Any) -> Any:
    """How many rows the tensors of a structure have, a scalar."""
    return tf.shape(tf.nest.flatten(rows)[0])[0]


class Chunks:
    """A loop over the chunks of a share that collects their predictions."""

    def __init__(self, model: Any) -> None:
        """See what a prediction looks like; nothing is run yet."""
        (output,) = model.outputs
        self._dtype = output.dtype
        self._shape = tuple(output.shape)[1:]

    def run(
        self, first: Any, last: Any, work: Callable[..., tuple[Any, ...]], *totals: Any
    ) -> tuple[Any, ...]:
        """Work through the rows from `first` to before `last`, one chunk after another.

        Args:
            first: A scalar.
            last: A scalar.
            work: From a chunk's first row, the one after its last, and the totals so far to its
                predictions and the new totals.
            totals: At the start.

        Returns:
            The predictions, `[row, ...]`, and the totals.
        """
        collected = tf.TensorArray(
            self._dtype,
            (last - first + CHUNK_ROWS - 1) // CHUNK_ROWS,
            infer_shape=False,
            element_shape=(None, *self._shape),
        )

        def body(begin: Any, collected: Any, *totals: Any) -> tuple[Any, ...]:
            end = tf.minimum(begin + CHUNK_ROWS, last)
            predictions, *new = work(begin, end, *totals)
            return (end, collected.write((begin - first) // CHUNK_ROWS, predictions), *new)

        _, collected, *ended = tf.while_loop(
            lambda begin, *_: begin < last, body, (first, collected, *totals), parallel_iterations=1
        )
        return (collected.concat(), *ended)
