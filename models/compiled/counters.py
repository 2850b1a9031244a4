"""Random bits and orders from counters: the same for the same key and number, always.

A word of 64 random bits is a function of a key and a number alone: SplitMix64 (Steele, Lea and
Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014), started at the key. A key
stands for a seed, a purpose (masks or order) and an epoch. The number of a mask's word tells its
row, its layer and which four of the layer's units the word serves. Nothing depends on which thread
asks first, or on how rows fall into batches.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from models.compiled.lanes import COUNT, Lanes, spread
from models.compiled.vectors import HOW, INSIDE

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_U30, _U27, _U31, _U32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

LEVELS = 65_536
"""A dropout rate is a number of 16 bits, as in the fast trainer: 0.6 is 39,322 / 65,536."""


@numba.njit(**INSIDE)
def word(key: Any, number: Any) -> Any:
    """The random word of a key with the given number.

    Args:
        key: uint64.
        number: uint64, any.
    """
    mixed = key + (number + np.uint64(1)) * _GOLDEN
    mixed = (mixed ^ (mixed >> _U30)) * _FIRST
    mixed = (mixed ^ (mixed >> _U27)) * _SECOND
    return mixed ^ (mixed >> _U31)


@intrinsic
def drawn(typing_context: Any, mask: Any, key: Any, first: Any, dropped: Any, scale: Any) -> Any:
    """A mask's next sixteen numbers, as `word` draws them: a word has four, the lowest bits first.

    Args:
        typing_context: Numba's.
        mask: An array of the mask's kind; it is not read.
        key: As of `word`.
        first: Number of the first of four words, uint64.
        dropped: A number is 0 where its 16 bits are below this, uint64.
        scale: What it is else.
    """

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        _, own, begin, below, factor = given
        words = ir.VectorType(ir.IntType(64), 4)
        numbers = builder.add(spread(builder, words, begin), ir.Constant(words, [1, 2, 3, 4]))
        mixed = builder.mul(numbers, _same(words, _GOLDEN))
        mixed = builder.add(mixed, spread(builder, words, own))
        for shift, times in ((_U30, _FIRST), (_U27, _SECOND), (_U31, None)):
            mixed = builder.xor(mixed, builder.lshr(mixed, _same(words, shift)))
            mixed = mixed if times is None else builder.mul(mixed, _same(words, times))
        parts = builder.bitcast(mixed, ir.VectorType(ir.IntType(16), COUNT))
        parts = builder.zext(parts, ir.VectorType(ir.IntType(32), COUNT))
        limit = spread(builder, parts.type, builder.trunc(below, ir.IntType(32)))
        result = context.get_value_type(signature.return_type)
        kept = context.cast(builder, factor, scale, mask.dtype)
        on = builder.icmp_unsigned(">=", parts, limit)
        return builder.select(on, spread(builder, result, kept), _same(result, 0.0))

    return Lanes(mask.dtype)(mask, types.uint64, types.uint64, types.uint64, scale), emit


def _same(kind: Any, number: Any) -> Any:
    """Constants, all of the same number."""
    value = float(number) if isinstance(number, float) else int(number)
    return ir.Constant(kind, [value] * kind.count)


@numba.njit(**HOW)
def _key(seed: Any, purpose: Any, epoch: Any) -> Any:
    return word(word(seed, purpose), epoch)


def key_of(seed: int, purpose: int, epoch: int) -> np.uint64:
    """A key for one purpose (masks, order) in one epoch of a training with a seed."""
    return np.uint64(_key(np.uint64(seed), np.uint64(purpose), np.uint64(epoch)))


@numba.njit(**HOW)
def shuffle(order: NDArray[np.int64], key: Any) -> None:
    """Fill `order` with the numbers 0 to n - 1 in random order (Fisher-Yates), in place.

    The place of each exchange has 32 random bits: for 10 million rows the odds of two places differ
    by at most a four-hundredth.

    Args:
        order: `[row]`.
        key: As of `key_of`.
    """
    for place in range(len(order)):
        order[place] = place
    for place in range(len(order) - 1, 0, -1):
        bits = word(key, np.uint64(place)) >> _U32
        other = np.int64((bits * np.uint64(place + 1)) >> _U32)
        order[place], order[other] = order[other], order[place]
