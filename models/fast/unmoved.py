"""Put back what a try with a few rows changed: variables and random states of a user's code."""

from __future__ import annotations

import random
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state

_GLOBAL_SEEDS = "global_seed_generator"  # where Keras keeps the generator of unseeded draws
_PLAIN = (str, bytes, int, float, complex, bool, type(None), np.ndarray, tf.Tensor)
_LIBRARIES = ("keras", "tensorflow", "numpy")
_CLOSED = (type, types.ModuleType, keras.layers.Layer)

PutBack = Callable[[], Any]


@contextmanager
def unmoved(*things: Any) -> Iterator[None]:
    """After the `with` block, put back the state that losses and metrics reach, and all seeds.

    State is a variable of Keras or TensorFlow, or a generator of NumPy or Python, in an attribute,
    a closure, a default, or a global name of the code. Beside it the random states of the process
    are put back: of Python, of NumPy, and Keras' for unseeded draws.

    Args:
        things: Functions and objects, in containers of any depth; layers are not looked into.
    """
    kept = [*_of_process(), *(back for thing in _reached(things) for back in _of(thing))]
    try:
        yield
    finally:
        for put_back in kept:
            put_back()


def _of_process() -> list[PutBack]:
    seeds = global_state.get_global_attribute(_GLOBAL_SEEDS)
    return [
        *(_of(seeds.state) if seeds is not None else []),
        partial(global_state.set_global_attribute, _GLOBAL_SEEDS, seeds),
        partial(np.random.set_state, np.random.get_state()),
        partial(random.setstate, random.getstate()),
    ]


def _of(thing: Any) -> list[PutBack]:
    """How the state of one object is put back; an empty list where it has none."""
    if isinstance(thing, keras.Variable | tf.Variable):
        return [partial(thing.assign, thing.numpy().copy())]
    if isinstance(thing, random.Random):
        return [partial(thing.setstate, thing.getstate())]
    bits = getattr(thing, "bit_generator", None)
    if isinstance(thing, np.random.Generator) and bits is not None:
        return [partial(setattr, bits, "state", bits.state)]
    if isinstance(thing, np.random.RandomState):
        return [partial(thing.set_state, thing.get_state())]
    return []


def _reached(things: Iterable[Any]) -> Iterator[Any]:
    """Yield each object that some functions and objects reach, once, themselves included."""
    seen: dict[int, Any] = {}
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _PLAIN + _CLOSED) or _is_of_library(thing):
            continue
        seen[id(thing)] = thing  # kept, so that no other object gets its identity
        yield thing
        waiting.extend(_next(thing))


def _next(thing: Any) -> list[Any]:
    """List what one object holds."""
    if isinstance(thing, keras.Variable | tf.Variable):
        return []
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if isinstance(thing, types.MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, types.FunctionType):
        named = (thing.__globals__.get(name) for name in thing.__code__.co_names)
        cells = [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
        defaults = [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values()]
        return [*named, *cells, *defaults]
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    of_class = [vars(kind).get(name) for kind in type(thing).__mro__[:-1] for name in vars(kind)]
    methods = [each for each in of_class if isinstance(each, types.FunctionType)]
    return [*getattr(thing, "__dict__", {}).values(), *methods]


def _is_of_library(thing: Any) -> bool:
    """Whether something is a function of the libraries, whose global names are their own."""
    module = getattr(thing, "__module__", None) or ""
    return isinstance(thing, types.FunctionType) and module.partition(".")[0] in _LIBRARIES


def _is_filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
