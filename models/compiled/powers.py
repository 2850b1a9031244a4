"""Powers of e of sixteen numbers at once, for activations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from models.compiled.lanes import COUNT, FUSED


class _Precision(NamedTuple):
    """A kind of number: its bits, its exponent's bias and place, and how `exp_less_one` takes it.

    Attributes:
        bits: Of the whole number.
        bias: Of the exponent.
        fraction: Bits below the exponent.
        most: Greatest power of e, and the least as a negative number.
        high: The first bits of ln 2, so that n times it is exact.
        low: The rest of ln 2.
        terms: Terms of Taylor's series: the next one is below half of the last bit.
    """

    bits: int
    bias: int
    fraction: int
    most: float
    high: float
    low: float
    terms: int


_HIGH = 0.693359375  # 355 / 512
_LOW = -0.000212194440054690582767878542  # what is left of ln 2
_PRECISIONS = {
    32: _Precision(32, 127, 23, 87.0, _HIGH, _LOW, 7),
    64: _Precision(64, 1023, 52, 700.0, _HIGH, _LOW, 14),
}


@intrinsic
def exp_less_one(typing_context: Any, lanes: Any) -> Any:
    """e to the power of sixteen numbers, less one; exact to rounding near zero too.

    A number is n ln 2 + r, |r| <= ln(2) / 2 (Cody and Waite, "Software Manual for the Elementary
    Functions", 1980, chapter 6); Taylor's series of r, then 2 to the power of n as its exponent's
    bits. What would overflow is the greatest power; NaN stays.
    """

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        number = _PRECISIONS[lanes.dtype.bitwidth]

        def fixed(value: float) -> Any:
            return ir.Constant(given[0].type, [value] * COUNT)

        def times_plus(one: Any, other: Any, more: Any) -> Any:
            return builder.fadd(builder.fmul(one, other, flags=FUSED), more, flags=FUSED)

        x = given[0]
        for sign, most in (("<", -number.most), (">", number.most)):
            x = builder.select(builder.fcmp_ordered(sign, x, fixed(most)), fixed(most), x)
        name = f"llvm.rint.v{COUNT}f{number.bits}"
        rounding = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(x.type, [x.type]), name
        )
        n = builder.call(rounding, [builder.fmul(x, fixed(1 / math.log(2)))])
        r = times_plus(n, fixed(-number.high), x)
        r = times_plus(n, fixed(-number.low), r)
        series = fixed(1 / math.factorial(number.terms))
        for k in range(number.terms - 1, 1, -1):
            series = times_plus(series, r, fixed(1 / math.factorial(k)))
        series = times_plus(builder.fmul(series, r, flags=FUSED), r, r)
        whole = ir.VectorType(ir.IntType(number.bits), COUNT)
        bias, shift = (ir.Constant(whole, [k] * COUNT) for k in (number.bias, number.fraction))
        power = builder.shl(builder.add(builder.fptosi(n, whole), bias), shift)
        power = builder.bitcast(power, x.type)
        return times_plus(series, power, builder.fsub(power, fixed(1.0)))

    return lanes(lanes), emit
