"""The layers of a Keras model as a table: names, types, shapes, parameters and wiring.

A model that is not built yet, one that its first batch builds, has layers without shapes and
parameters.
"""

from __future__ import annotations

from typing import Any

import keras

_UNKNOWN = "-"


def count_parameters(model: Any) -> int | None:
    """Count a model's parameters; None where they do not exist yet, or it counts none.

    Args:
        model: A Keras model, or anything else.

    Example:
        >>> count_parameters(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
        8
        >>> count_parameters(keras.Sequential([keras.layers.Dense(2)]))  # built by its first batch
    """
    if not hasattr(model, "count_params") or not getattr(model, "built", True):
        return None
    return int(model.count_params())


def layer_table(model: keras.Model) -> list[dict[str, object]]:
    """List a model's layers in order.

    Args:
        model: Of any kind.

    Returns:
        A row for each layer: `name`, `type`, `shape` (of its output, None for the batch, or None
        where it is not known before the model is called), `parameters` (None where the layer is
        not built), `inputs` (names of the layers it reads).

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="score")])
        >>> (row,) = layer_table(model)
        >>> row["name"], row["shape"], row["parameters"]  # 3 x 2 weights and 2 biases
        ('score', (None, 2), 8)
    """
    rows: list[dict[str, object]] = []
    for layer in model.layers:
        sources: list[str] = []
        for node in layer._inbound_nodes:
            sources += [tensor._keras_history.operation.name for tensor in node.input_tensors]
        rows.append(
            {
                "name": layer.name,
                "type": type(layer).__name__,
                "shape": _shape(layer),
                "parameters": count_parameters(layer),
                "inputs": tuple(sources),
            }
        )
    return rows


def format_layer_table(model: keras.Model) -> str:
    """Write a model's layers as text, one a line, and the number of parameters below.

    Args:
        model: Of any kind; what is not known before it is called is a dash.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="score")])
        >>> format_layer_table(model).splitlines()[-1]
        'Parameters in all: 8'
    """
    rows = layer_table(model)
    lines = [f"{'Layer (type)':<36}{'Output shape':<18}{'Parameters':>11}  Reads"]
    for row in rows:
        inputs = ", ".join(row["inputs"])  # type: ignore[arg-type]
        lines.append(
            f"{row['name']} ({row['type']})".ljust(36)
            + str(row["shape"] or _UNKNOWN).ljust(18)
            + f"{_told(row['parameters']):>11}  {inputs}".rstrip()
        )
    lines.append(f"Parameters in all: {_told(count_parameters(model))}")
    return "\n".join(lines)


def _shape(layer: keras.layers.Layer) -> object:
    """Return the shape of a layer's output; None where it is not known, or not one."""
    nodes = layer._inbound_nodes
    shape = getattr(layer.output, "shape", None) if nodes else None
    return None if shape is None else tuple(shape)


def _told(parameters: Any) -> str:
    """Write a number of parameters, or a dash where it is not known."""
    return _UNKNOWN if parameters is None else f"{parameters:,}"
