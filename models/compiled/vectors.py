"""Loops over a few numbers of flat arrays, in the form that LLVM turns into vector instructions.

Places are made unsigned, since a signed index may be negative in NumPy's sense and is then checked
at each number.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.cache import use_cache

use_cache()  # before any function is declared

FAST = {"reassoc", "contract", "arcp", "nsz"}
"""What LLVM may do to sums so that they use vectors; NaN and infinity are kept."""

HOW: dict[str, Any] = {
    "nogil": True, "cache": True, "fastmath": FAST, "error_model": "numpy", "_nrt": False,
}  # fmt: skip
"""How our compiled functions are compiled."""

INSIDE: dict[str, Any] = {**HOW, "forceinline": True}
"""The same for a function that is a part of another: a call would copy all that it is given."""


_CACHE_LINE = 64  # bytes


def zeros(count: int, dtype: Any) -> NDArray[Any]:
    """Make a flat array of zeros that begins where a cache line does.

    Sixteen numbers of single precision are a cache line. Where they are two halves of two, loading
    and storing them takes twice as long.
    """
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count + _CACHE_LINE // size, dtype)
    skipped = -raw.ctypes.data % _CACHE_LINE // size
    return raw[skipped : skipped + count]


@numba.njit(**INSIDE)
def fill(out: Any, at: Any, count: Any, value: Any) -> None:
    """Set `count` numbers of `out`, from the place `at` on."""
    at = np.uint64(at)
    for j in range(np.uint64(count)):
        out[at + j] = value


@numba.njit(**INSIDE)
def copy(out: Any, at: Any, values: Any, of: Any, count: Any) -> None:
    """Copy `count` numbers of `values`, from `of` on, to `out`."""
    at, of = np.uint64(at), np.uint64(of)
    for j in range(np.uint64(count)):
        out[at + j] = values[of + j]


@numba.njit(**INSIDE)
def add(out: Any, at: Any, values: Any, of: Any, count: Any) -> None:
    """Add `count` numbers of `values`, from `of` on, to those of `out`."""
    at, of = np.uint64(at), np.uint64(of)
    for j in range(np.uint64(count)):
        out[at + j] += values[of + j]


@numba.njit(**INSIDE)
def add_times(out: Any, at: Any, factor: Any, values: Any, of: Any, count: Any) -> None:
    """Add `factor` times `count` numbers of `values`, from `of` on, to those of `out`."""
    at, of = np.uint64(at), np.uint64(of)
    for j in range(np.uint64(count)):
        out[at + j] += factor * values[of + j]


@numba.njit(**INSIDE)
def dot(one: Any, at: Any, other: Any, of: Any, count: Any) -> Any:
    """The sum of the products of `count` numbers of two arrays."""
    at, of, total = np.uint64(at), np.uint64(of), one.dtype.type(0)
    for j in range(np.uint64(count)):
        total += one[at + j] * other[of + j]
    return total
