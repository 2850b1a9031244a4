"""The layers of a Keras model as a table: names, types, shapes, parameters and wiring."""

from __future__ import annotations

import keras


def layer_table(model: keras.Model) -> list[dict[str, object]]:
    """List a model's layers in order.

    Args:
        model: Built, of Keras' functional or sequential kind.

    Returns:
        A row for each layer: `name`, `type`, `shape` (of its output, None for the batch),
        `parameters`, `inputs` (names of the layers it reads).

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="score")])
        >>> (row,) = layer_table(model)
        >>> row["name"], row["shape"], row["parameters"]  # 3 x 2 weights and 2 biases
        ('score', (None, 2), 8)
    """
    rows: list[dict[str, object]] = []
    for layer in model.layers:
        output = layer.output
        sources: list[str] = []
        for node in layer._inbound_nodes:
            sources += [tensor._keras_history.operation.name for tensor in node.input_tensors]
        rows.append(
            {
                "name": layer.name,
                "type": type(layer).__name__,
                "shape": tuple(output.shape),
                "parameters": int(layer.count_params()),
                "inputs": tuple(sources),
            }
        )
    return rows


def format_layer_table(model: keras.Model) -> str:
    """Write a model's layers as text, one a line, and the number of parameters below.

    Args:
        model: Built, of Keras' functional or sequential kind.

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
            + str(row["shape"]).ljust(18)
            + f"{row['parameters']:>11,}  {inputs}".rstrip()
        )
    lines.append(f"Parameters in all: {model.count_params():,}")
    return "\n".join(lines)
