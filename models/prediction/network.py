"""Computes a saved network with NumPy, for whoever predicts without waiting for Keras to load.

Keras, with TensorFlow, takes seconds to import; a prediction takes milliseconds. Networks of the
layers below are computed here, in single precision, so that their scores are Keras' own to a
millionth. Any other network is Keras' to compute.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer of a network.

    Attributes:
        name: Its name.
        kind: Keras' name of its class.
        settings: Its configuration, as Keras keeps it.
        sources: Names of the layers whose outputs it takes.
        weights: Its weights, in Keras' order.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    sources: tuple[str, ...]
    weights: tuple[Array, ...]


class SavedNetwork:
    """A network as `model.keras` holds it; it has the one method of Keras' that serving calls."""

    def __init__(self, layers: Sequence[_Layer], inputs: Sequence[str], output: str) -> None:
        """Keep the layers, each after those whose outputs it takes."""
        self._layers = layers
        self._inputs = inputs
        self._output = output

    @property
    def table_rows(self) -> set[int]:
        """How many rows its embedding tables have."""
        return {len(each.weights[0]) for each in self._layers if each.kind == "Embedding"}

    def predict(self, inputs: Sequence[Array], *, batch_size: int, verbose: int = 0) -> Array:
        """Compute the network's output for some rows.

        Args:
            inputs: Codes of movies and of users, `[row, 1]` each.
            batch_size: Rows that are computed at once.
            verbose: Keras' argument; nothing is printed.

        Returns:
            Scores `[row, 1]`, float32.
        """
        parts = [
            self._of([each[start : start + batch_size] for each in inputs])
            for start in range(0, len(inputs[0]), batch_size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)

    def _of(self, inputs: Sequence[Array]) -> Array:
        outputs: dict[str, Array] = dict(zip(self._inputs, inputs, strict=True))
        for layer in self._layers:
            if layer.name not in outputs:
                given = [outputs[name] for name in layer.sources]
                outputs[layer.name] = _COMPUTED[layer.kind](layer, given)
        return outputs[self._output]


def read_network(path: Path) -> SavedNetwork | None:
    """Read a network from a file of Keras'.

    Args:
        path: `model.keras`.

    Returns:
        The network, or None where it has a layer, an activation or a precision that is not computed
        here.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: The file is damaged, or of another kind.
    """
    import h5py

    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("config.json"))
        held = io.BytesIO(archive.read("model.weights.h5"))
    if described["class_name"] != "Functional":
        return None
    with h5py.File(held) as file:
        weights = {
            group["vars"].attrs["name"]: tuple(np.asarray(each) for each in group["vars"].values())
            for group in file["layers"].values()
        }
    whole = described["config"]
    layers = [_layer(each, weights) for each in whole["layers"]]
    outputs = [_name(each) for each in _each(whole["output_layers"])]
    if len(outputs) != 1 or not all(map(_is_computed, layers)):
        return None
    return SavedNetwork(layers, [_name(each) for each in _each(whole["input_layers"])], outputs[0])


def _layer(described: Mapping[str, Any], weights: Mapping[str, tuple[Array, ...]]) -> _Layer:
    nodes = described["inbound_nodes"]
    given = nodes[0]["args"][0] if nodes and nodes[0]["args"] else []
    sources = [each["config"]["keras_history"][0] for each in _each(given)]
    name, kind = described["name"], described["class_name"]
    own = described["module"] == "keras.layers" and len(nodes) <= 1  # not shared, nobody else's
    held = weights.get(name, ())
    return _Layer(name, kind if own else "", described["config"], tuple(sources), held)


def _each(given: Any) -> list[Any]:
    """Some tensors or one, as Keras describes them, as a list."""
    is_one = isinstance(given, dict) or (given and isinstance(given[0], str))
    return [given] if is_one else list(given)


def _name(place: Any) -> str:
    return str(place[0])


def _is_computed(layer: _Layer) -> bool:
    precision = layer.settings.get("dtype", "float32")
    if isinstance(precision, Mapping):
        precision = precision["config"]["name"]
    return (
        (layer.kind == "InputLayer" or layer.kind in _COMPUTED)
        and (layer.kind == "InputLayer" or precision == "float32")
        and layer.settings.get("activation", "linear") in _ACTIVATIONS
        and not layer.settings.get("mask_zero")
        and layer.settings.get("axis", -1) == -1
        and len(layer.weights) == _weights_of(layer)
    )


def _weights_of(layer: _Layer) -> int:
    """How many weights a layer has."""
    if layer.kind == "Dense":
        return 1 + bool(layer.settings["use_bias"])
    return int(layer.kind == "Embedding")


def _dense(layer: _Layer, given: list[Array]) -> Array:
    made = given[0] @ layer.weights[0]
    if layer.settings["use_bias"]:
        made += layer.weights[1]
    return _ACTIVATIONS[layer.settings["activation"]](made)


def _product(layer: _Layer, given: list[Array]) -> Array:
    made = given[0]
    for each in given[1:]:
        made = made * each
    return made


def _sum(layer: _Layer, given: list[Array]) -> Array:
    made = given[0]
    for each in given[1:]:
        made = made + each
    return made


def _stretched(layer: _Layer, given: list[Array]) -> Array:
    scale, offset = (np.float32(layer.settings[name]) for name in ("scale", "offset"))
    made: Array = given[0] * scale + offset
    return made


_COMPUTED: dict[str, Callable[[_Layer, list[Array]], Array]] = {
    "Embedding": lambda layer, given: layer.weights[0][given[0]],
    "Flatten": lambda layer, given: given[0].reshape(len(given[0]), -1),
    "Concatenate": lambda layer, given: np.concatenate(given, axis=-1),
    "Dropout": lambda layer, given: given[0],
    "Dense": _dense,
    "Multiply": _product,
    "Add": _sum,
    "Activation": lambda layer, given: _ACTIVATIONS[layer.settings["activation"]](given[0]),
    "Rescaling": _stretched,
}


def _sigmoid(value: Array) -> Array:
    half = np.float32(0.5)
    made: Array = half + half * np.tanh(half * value)
    return made


def _elu(value: Array) -> Array:
    return np.where(value > 0, value, np.expm1(np.minimum(value, 0)))


_SELU_SCALE, _SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)


def _selu(value: Array) -> Array:
    return _SELU_SCALE * np.where(value > 0, value, _SELU_ALPHA * np.expm1(np.minimum(value, 0)))


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda value: value,
    "relu": lambda value: np.maximum(value, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "elu": _elu,
    "selu": _selu,
    "silu": lambda value: value * _sigmoid(value),
    "softplus": lambda value: np.logaddexp(value, np.float32(0)),
}
"""By Keras' names, but for `gelu`, whose error function NumPy lacks."""
