"""Replace what layers do when they are called, for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras


@contextmanager
def replaced_calls(
    layers: Sequence[keras.layers.Layer], call: Callable[..., Any]
) -> Iterator[None]:
    """Replace each layer's `call` method in the `with` block.

    Args:
        layers: The `call` of each is its class's.
        call: Takes the layer, and then what the layer's own method takes.
    """
    for layer in layers:
        layer.call = partial(call, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def nested_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """List all layers of a model, those inside of other layers of any kind included."""
    layers: list[keras.layers.Layer] = list(model._flatten_layers(include_self=False))
    return layers
