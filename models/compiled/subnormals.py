"""Numbers so small that the processor works on them a hundred times slower, taken for zeros.

Penalties and momentum shrink a weight that is never used by a share at each step, until it is a
subnormal number. TensorFlow takes those for zeros too. It is a mode of a thread, so that it is set
for our own calls and put back after them: other code may count on subnormal numbers. Processors
other than x86 keep their mode.
"""

from __future__ import annotations

import platform
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from models.compiled.vectors import HOW

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
_BOTH = 0x8040  # MXCSR: results flushed to zero, operands taken for zero


def _control(builder: Any, what: str, place: Any) -> None:
    """Store the thread's control word at a place, or load it from there."""
    kind = ir.FunctionType(ir.VoidType(), [place.type])
    name = f"llvm.x86.sse.{what}mxcsr"
    builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [place])


@intrinsic
def _read(typing_context: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _control(builder, "st", place)
        return builder.load(place)

    return types.uint32(), emit


@intrinsic
def _write(typing_context: Any, mode: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(given[0], place)
        _control(builder, "ld", place)
        return context.get_dummy_value()

    return types.void(types.uint32), emit


@numba.njit(**HOW)
def _flush() -> Any:
    mode = _read()
    _write(types.uint32(mode | _BOTH))
    return mode


@numba.njit(**HOW)
def _restore(mode: int) -> None:
    _write(types.uint32(mode))


def flush_subnormals() -> int:
    """Take subnormal numbers for zeros in this thread; return its mode of before."""
    return int(_flush()) if _IS_X86 else 0


def restore(mode: int) -> None:
    """Put a thread's mode back, as `flush_subnormals` returned it."""
    if _IS_X86:
        _restore(mode)
