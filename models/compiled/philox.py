"""Uniform random numbers, to the last bit those of TensorFlow's stateless ones on a CPU.

Keras' initializers draw by them. The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw,
"Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): four words of 32 bits are a function of a
key of two words and a counter of four. TensorFlow takes key and counter from the generator itself,
started at the seed, and 23 bits of a word a number.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.vectors import HOW, INSIDE

_EXACT: dict[str, Any] = {**HOW, "fastmath": False}  # a product and a sum are rounded one by one

_ROUNDS = 10
_FIRST, _SECOND = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # multiply words of the counter
_GOLDEN, _ROOT = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # are added to the key each round
_SEED_KEY = (np.uint64(0x3EC8F720), np.uint64(0x02461E29))
_LOW, _U0, _U32 = np.uint64(0xFFFFFFFF), np.uint64(0), np.uint64(32)
_MANTISSA, _STEP = np.uint64(0x7FFFFF), np.float32(2.0**-23)
_KERAS_SEEDS = 2**31 - 2  # Keras takes a seed's remainder by this before TensorFlow sees it


@numba.njit(**{**INSIDE, "fastmath": False})
def _words(counter: Any, key: Any) -> Any:
    """The four words of a counter and a key, each a uint64 below 2^32."""
    a, b, c, d = counter
    first, second = key
    for _ in range(_ROUNDS):
        left, right = _FIRST * a, _SECOND * c
        a, b = (right >> _U32) ^ b ^ first, right & _LOW
        c, d = (left >> _U32) ^ d ^ second, left & _LOW
        first, second = (first + _GOLDEN) & _LOW, (second + _ROOT) & _LOW
    return a, b, c, d


@numba.njit(**_EXACT)
def _fill(out: NDArray[np.float32], seed: Any, low: Any, span: Any) -> None:
    """Fill an array with numbers from `low` on, below `low + span`."""
    first, second, third, fourth = _words((seed, _U0, _U0, _U0), _SEED_KEY)
    key = (first, second)
    for begin in range(0, len(out), 4):
        group = np.uint64(begin // 4)
        words = _words((group & _LOW, group >> _U32, third, fourth), key)
        for place in range(min(4, len(out) - begin)):
            share = np.float32(words[place] & _MANTISSA) * _STEP
            out[begin + place] = share * span + low


def uniform(shape: tuple[int, ...], seed: int, least: float, most: float) -> NDArray[np.float32]:
    """Draw what `keras.random.uniform(shape, least, most, seed=seed)` draws on TensorFlow's CPU.

    Args:
        shape: Of what is drawn.
        seed: A whole number of at least 0.
        least: Least number.
        most: Above every number, but for rounding.

    Returns:
        Numbers, of that shape.
    """
    out = np.empty(int(np.prod(shape)), np.float32)
    low = np.float32(least)
    _fill(out, np.uint64(seed % _KERAS_SEEDS), low, np.float32(most) - low)
    return out.reshape(shape)
