"""Draw dropout masks from 16 random bits a unit, where Keras draws a 32-bit uniform number.

A unit is kept when its 16 bits, read as a whole number, are at least `rate * 65536`, rounded; so
the rate is exact to 1/131072. A kept unit is divided by the share that is really kept. At a rate of
0.6 the threshold is 39,322, and a kept unit is multiplied by 65,536 / 26,214 = 2.50004.

The formula is inverted dropout: Srivastava et al., "Dropout", JMLR 15 (2014), section 10. The bits
come from NumPy's SFC64, one stream for each layer, which takes a tenth of the time of TensorFlow's
Philox.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.fast.calls import replaced_calls

_LEVELS = 2**16
_ALIGNMENT = 64
_UNITS_A_BLOCK = 2**16  # what is drawn at once stays in cache


@dataclass(frozen=True, slots=True)
class _Stream:
    """Draws the dropout masks for one call of one dropout layer from a random stream.

    Attributes:
        rate: The layer's rate when training began: what a callback sets it to later does not
            count, as under Keras' compiled `fit`.
        shape: Shape of one row of the values that the layer takes.
        generator: The stream's own generator.
    """

    rate: float
    shape: tuple[int, ...]
    generator: np.random.Generator

    def draw(self, mask: NDArray[np.float32]) -> None:
        """Fill a flat mask: 0 for a dropped unit, 1 / (fraction kept) for a kept one."""
        threshold = round(self.rate * _LEVELS)
        scale = np.float32(_LEVELS / (_LEVELS - threshold))
        for first in range(0, len(mask), _UNITS_A_BLOCK):
            part = mask[first : first + _UNITS_A_BLOCK]
            words = self.generator.bit_generator.random_raw(-(-len(part) // 4))
            bits = words.view(np.uint16)[: len(part)]
            np.multiply(bits >= threshold, scale, out=part)


class Masks:
    """Draws the masks of a model's dropout layers, outside of TensorFlow."""

    def __init__(self, model: keras.Model, inputs: Any) -> None:
        """Find the calls of dropout layers and their input shapes, by a pass over a few rows.

        Args:
            model: Built.
            inputs: A few rows, `[row, ...]`.
        """
        self._layers = [layer for layer in every_layer(model) if _is_plain(layer)]
        calls: list[tuple[keras.layers.Dropout, tuple[int, ...]]] = []

        def record(layer: keras.layers.Dropout, values: Any, training: bool = False) -> Any:
            calls.append((layer, tuple(int(side) for side in values.shape[1:])))
            return values

        with replaced_calls(self._layers, record):
            model(inputs, training=True)
        self._streams = [
            _Stream(layer.rate, shape, _generator(layer, number))
            for number, (layer, shape) in enumerate(calls)
        ]
        self._spaces = [[_aligned(0) for _ in calls] for _ in range(2)]

    @property
    def row_bytes(self) -> int:
        """Bytes that all masks of one row take."""
        return sum(prod(stream.shape) for stream in self._streams) * np.dtype(np.float32).itemsize

    def draw(self, rows: int) -> list[Any]:
        """Draw the masks of some rows: one for each call of a dropout layer, in the order of calls.

        The masks, `[row, ...]`, lie in memory that the next draw but one overwrites: use them
        before that.

        Args:
            rows: How many.
        """
        self._spaces.reverse()
        space = self._spaces[0]
        drawn = []
        for number, stream in enumerate(self._streams):
            units = rows * prod(stream.shape)
            if len(space[number]) < units:
                space[number] = _aligned(units)
            mask = space[number][:units]
            stream.draw(mask)
            shaped = mask.reshape(rows, *stream.shape)
            drawn.append(tf.experimental.dlpack.from_dlpack(shaped.__dlpack__()))
        return drawn

    @contextmanager
    def applied(self, masks: Sequence[Any]) -> Iterator[None]:
        """Make each call of a dropout layer multiply by the next mask, inside the `with` block."""
        unused = iter(masks)

        def drop(layer: keras.layers.Dropout, values: Any, training: bool = False) -> Any:
            return values * next(unused)

        with replaced_calls(self._layers, drop):
            yield


class MasksAhead:
    """Draws dropout masks in a thread for the rows that a model trains on next.

    Made by `start`.
    """

    def __init__(self, masks: Masks, rows: Iterator[int], thread: ThreadPoolExecutor) -> None:
        self._masks = masks
        self._rows = rows
        self._thread = thread
        self._next = self._begin()

    @classmethod
    def start(cls, masks: Masks, rows: Sequence[int]) -> MasksAhead:
        """Start the thread; it draws the dropout masks of the first `rows[0]` rows.

        Args:
            masks: Draws them.
            rows: Rows of each block; after the last block comes the first again.
        """
        return cls(masks, cycle(rows), ThreadPoolExecutor(1))

    def _begin(self) -> Future[list[Any]]:
        return self._thread.submit(self._masks.draw, next(self._rows))

    def take(self) -> list[Any]:
        """Return the masks of the next block of rows; masks from earlier calls become invalid."""
        drawn = self._next.result()
        self._next = self._begin()
        return drawn

    def close(self) -> None:
        """End the thread that draws masks."""
        self._thread.shutdown()


def _aligned(count: int) -> NDArray[np.float32]:
    """Make memory that TensorFlow can use without a copy: it starts at a multiple of 64 bytes."""
    space = np.empty(count + _ALIGNMENT, np.float32)
    skipped = -space.ctypes.data % _ALIGNMENT // space.itemsize
    return space[skipped : skipped + count]


def every_layer(model: keras.Model) -> list[keras.layers.Layer]:
    """List a model's layers, including layers nested in other layers."""
    layers: list[keras.layers.Layer] = []
    for layer in model.layers:
        layers.append(layer)
        if hasattr(layer, "layers"):
            layers += every_layer(layer)
    return layers


def _is_plain(layer: keras.layers.Layer) -> bool:
    """Whether `Masks` can draw the masks of a layer.

    The layer must be a `Dropout` of single float32 units, at a rate that 16 bits can express.
    """
    if type(layer) is not keras.layers.Dropout or layer.dtype_policy.compute_dtype != "float32":
        return False
    shape = layer.noise_shape
    plain = shape is None or all(side is None for side in shape)
    return plain and 0 < round(layer.rate * _LEVELS) < _LEVELS


def _generator(layer: keras.layers.Dropout, number: int) -> np.random.Generator:
    """Make a generator from the layer's own next seed, so that each training draws other masks."""
    state = [int(word) for word in keras.ops.convert_to_numpy(layer.seed_generator.next())]
    return np.random.Generator(np.random.SFC64([*state, number]))
