"""Sixteen numbers side by side, as one value of compiled functions: LLVM's vectors.

A loop over a few numbers of an array becomes vector instructions by itself, but what it adds up is
loaded and stored at each turn of the loop around it. As a value, sixteen sums stay in registers.
`+`, `-`, `*` and `/` work number by number; a plain number is brought to their precision and
stands for sixteen equal ones. A processor without vectors of sixteen takes several instructions for
each.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import register_default
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import intrinsic, lower_builtin, type_callable

COUNT = 16
FUSED = ("contract", "nsz")
"""How LLVM may change sums and products: a product and a sum become one instruction."""


class Lanes(types.Type):
    """The type of sixteen numbers of `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_default(Lanes)
class _LanesModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        number = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(number, COUNT))


def _place(context: Any, builder: Any, signature: Any, given: Any, vector: Any) -> Any:
    """The address of sixteen numbers of an array, the first of what is given, from the second."""
    data = context.make_array(signature.args[0])(context, builder, given[0]).data
    return builder.bitcast(builder.gep(data, [given[1]]), vector.as_pointer())


@intrinsic
def take(typing_context: Any, array: Any, index: Any) -> Any:
    """Load the sixteen numbers of an array that begin at `index`, uint64."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        place = _place(context, builder, signature, given, vector)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.uint64), emit


@intrinsic
def put(typing_context: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Store sixteen numbers in an array from `index` on, uint64."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(signature.args[2])
        place = _place(context, builder, signature, given, vector)
        builder.store(given[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.uint64, lanes), emit


@intrinsic
def fetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Have the numbers from `index` on, uint64, brought near: who loads them later waits less."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind, place = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [kind, place, place, place])
        name = "llvm.prefetch.p0"
        called = cgutils.get_or_insert_function(builder.module, function, name)
        where = _place(context, builder, signature, given, ir.IntType(8))
        # To be written, as near as can be, data.
        builder.call(called, [where, *(ir.Constant(place, each) for each in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.uint64), emit


@intrinsic
def nothing(typing_context: Any, array: Any) -> Any:
    """Sixteen zeros of an array's kind."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), [0.0] * COUNT)

    return Lanes(array.dtype)(array), emit


@intrinsic
def take_some(typing_context: Any, array: Any, index: Any, count: Any) -> Any:
    """As `take`, of the first `count` numbers alone; the others are zeros."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        place = _place(context, builder, signature, given, vector)
        rest = ir.Constant(vector, [0.0] * COUNT)
        return _masked(builder, "load", vector, [place], [given[2]], [rest])

    return Lanes(array.dtype)(array, types.uint64, types.uint64), emit


@intrinsic
def put_some(typing_context: Any, array: Any, index: Any, lanes: Any, count: Any) -> Any:
    """As `put`, of the first `count` numbers alone."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(signature.args[2])
        place = _place(context, builder, signature, given, vector)
        _masked(builder, "store", vector, [given[2], place], [given[3]], [])
        return context.get_dummy_value()

    return types.void(array, types.uint64, lanes, types.uint64), emit


def _masked(builder: Any, what: str, vector: Any, first: Any, count: Any, rest: Any) -> Any:
    """Load or store the first numbers of sixteen: LLVM's `llvm.masked.load` and `store`."""
    places = ir.Constant(ir.VectorType(ir.IntType(64), COUNT), list(range(COUNT)))
    mask = builder.icmp_unsigned("<", places, spread(builder, places.type, count[0]))
    number = "f32" if isinstance(vector.element, ir.FloatType) else "f64"
    align = ir.Constant(ir.IntType(32), 4 if number == "f32" else 8)
    given = [*first, align, mask, *rest]
    result = ir.VoidType() if what == "store" else vector
    function = ir.FunctionType(result, [value.type for value in given])
    name = f"llvm.masked.{what}.v{COUNT}{number}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), given)


@intrinsic
def total(typing_context: Any, lanes: Any) -> Any:
    """The sum of sixteen numbers, added up by halves."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        part = given[0]
        for count in (8, 4, 2, 1):
            low, high = ([ir.Constant(ir.IntType(32), n + half) for n in range(count)]
                         for half in (0, count))  # fmt: skip
            empty = ir.Constant(part.type, ir.Undefined)
            halves = [builder.shuffle_vector(part, empty, _places(half)) for half in (low, high)]
            part = builder.fadd(*halves, flags=FUSED)
        return builder.extract_element(part, ir.Constant(ir.IntType(32), 0))

    return lanes.dtype(lanes), emit


@intrinsic
def root(typing_context: Any, lanes: Any) -> Any:
    """The square roots of sixteen numbers."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(lanes)
        name = f"llvm.sqrt.v{COUNT}f{lanes.dtype.bitwidth}"
        function = ir.FunctionType(vector, [vector])
        return builder.call(cgutils.get_or_insert_function(builder.module, function, name), given)

    return lanes(lanes), emit


@intrinsic
def above_zero(typing_context: Any, lanes: Any) -> Any:
    """Sixteen numbers, zeros instead of those below zero; NaN stays."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        zeros = ir.Constant(given[0].type, [0.0] * COUNT)
        return builder.select(builder.fcmp_ordered("<", given[0], zeros), zeros, given[0])

    return lanes(lanes), emit


@intrinsic
def where_on(typing_context: Any, units: Any, lanes: Any) -> Any:
    """Sixteen numbers, zeros instead of those whose unit is zero."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        zeros = ir.Constant(given[0].type, [0.0] * COUNT)
        return builder.select(builder.fcmp_unordered("!=", given[0], zeros), given[1], zeros)

    return lanes(lanes, lanes), emit


@intrinsic
def list_others(typing_context: Any, numbers: Any, index: Any, lanes: Any, first: Any) -> Any:
    """List which of sixteen numbers are not zero, from `index` on of an array of int32.

    Up to sixteen places of the array are overwritten. `first` is the first one's number, int64.

    Returns:
        How many they are.
    """

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        _, _, values, begin = given
        found = builder.fcmp_unordered("!=", values, ir.Constant(values.type, [0.0] * COUNT))
        vector = ir.VectorType(ir.IntType(32), COUNT)
        own = ir.Constant(vector, list(range(COUNT)))
        own = builder.add(own, spread(builder, vector, builder.trunc(begin, ir.IntType(32))))
        packed = ir.FunctionType(vector, [vector, found.type, vector])
        name = f"llvm.experimental.vector.compress.v{COUNT}i32"
        function = cgutils.get_or_insert_function(builder.module, packed, name)
        listed = builder.call(function, [own, found, ir.Constant(vector, ir.Undefined)])
        where = _place(context, builder, signature, given, vector)
        builder.store(listed, where, align=4)
        bits = builder.ctpop(builder.bitcast(found, ir.IntType(COUNT)))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(numbers, types.uint64, lanes, types.int64), emit


def _places(numbers: list[Any]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)


def spread(builder: Any, vector: Any, number: Any) -> Any:
    """A vector of the same number many times; `builder` writes the code for it."""
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    zeros = [ir.Constant(ir.IntType(32), 0)] * vector.count
    return builder.shuffle_vector(first, empty, _places(zeros))


def _declare(symbol: Any, instruction: str) -> None:
    """Make an operator work on sixteen numbers, or on them and a plain number."""

    @type_callable(symbol)
    def typed(context: Any) -> Any:
        def kind(one: Any, other: Any) -> Any:
            lanes = one if isinstance(one, Lanes) else other
            same = all(each == lanes or isinstance(each, types.Float) for each in (one, other))
            return lanes if isinstance(lanes, Lanes) and same else None

        return kind

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        number = signature.return_type.dtype
        both = [
            value
            if isinstance(kind, Lanes)
            else spread(builder, vector, context.cast(builder, value, kind, number))
            for kind, value in zip(signature.args, given, strict=True)
        ]
        return getattr(builder, instruction)(*both, flags=FUSED)

    for kinds in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(symbol, *kinds)(emit)


_declare(operator.add, "fadd")
_declare(operator.sub, "fsub")
_declare(operator.mul, "fmul")
_declare(operator.truediv, "fdiv")
_declare(operator.iadd, "fadd")
