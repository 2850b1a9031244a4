"""Share rows out between threads; each works through its rows some thousand at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tensorflow as tf

from models.fast.sizes import rows_of_chunk

CHUNK_ROWS = 4096
_SHARE_ROWS = 1024


def shares_of(rows: int) -> int:
    """Decide how many threads share the rows of one optimizer step.

    There is more than one share only where each operation has one thread, as
    `set_threads(fast=True)` sees to: else the threads inside of operations would wait for each
    other. With 3 such threads, 2,100 rows are 2 shares, as a share has at least 1,024 rows.

    Args:
        rows: Rows of a step.
    """
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != 1:
        return 1
    threads: int = threading.get_inter_op_parallelism_threads()
    return max(1, min(threads, rows // _SHARE_ROWS))


def bounds(count: Any, shares: int) -> list[tuple[Any, Any]]:
    """Cut rows into one range for each thread: (first row, row after the last row).

    10 rows in 3 shares are (0, 3), (3, 6) and (6, 10).

    Args:
        count: Rows, an integer or a scalar tensor.
        shares: How many.
    """
    edges = [count * number // shares for number in range(shares + 1)]
    return list(pairwise(edges))


def slice_rows(rows: Any, first: Any, last: Any) -> Any:
    """Take the rows from `first` to before `last` of every tensor in a structure."""
    return tf.nest.map_structure(lambda t: t[first:last], rows)


def count_rows(rows: Any) -> Any:
    """Count the rows of the tensors in a structure: a scalar."""
    return tf.shape(tf.nest.flatten(rows)[0])[0]


class Chunks:
    """Runs a compiled loop over one thread's rows, some at a time, and collects the predictions."""

    def __init__(self, model: Any, row_bytes: int = 0) -> None:
        """Store the type and shape of the model's prediction for one row.

        Args:
            model: Built.
            row_bytes: What the results of its layers take for a row.
        """
        (output,) = model.outputs
        self._row_bytes = row_bytes
        self._dtype = output.dtype
        self._shape = tuple(output.shape)[1:]

    @property
    def rows(self) -> int:
        """Most rows of a chunk."""
        return rows_of_chunk(self._row_bytes, CHUNK_ROWS)

    def run(
        self, first: Any, last: Any, work: Callable[..., tuple[Any, ...]], *totals: Any
    ) -> tuple[Any, ...]:
        """Work through the rows from `first` to before `last`, at most `rows` of them at a time.

        Args:
            first: First row, a scalar.
            last: Row after the last, a scalar.
            work: What is done with a chunk. It takes the chunk's first row, the row after its last
                and the totals so far, and returns the chunk's predictions and the new totals.
            totals: The totals at the start.

        Returns:
            The predictions, `[row, ...]`, and the totals.
        """
        rows = self.rows
        collected = tf.TensorArray(
            self._dtype,
            (last - first + rows - 1) // rows,
            infer_shape=False,
            element_shape=(None, *self._shape),
        )

        def body(begin: Any, collected: Any, *totals: Any) -> tuple[Any, ...]:
            end = tf.minimum(begin + rows, last)
            predictions, *new = work(begin, end, *totals)
            return (end, collected.write((begin - first) // rows, predictions), *new)

        _, collected, *ended = tf.while_loop(
            lambda begin, *_: begin < last, body, (first, collected, *totals), parallel_iterations=1
        )
        # A share of a batch with fewer rows than shares may be empty.
        none = tf.zeros((0, *self._shape), self._dtype)
        return (tf.cond(first < last, collected.concat, lambda: none), *ended)
