"""A learning rate of its own for embedding tables."""

from __future__ import annotations

from typing import Any

_TABLE = "embeddings"  # Keras' name of the variable of an Embedding


class TableRate:
    """Mixin for a Keras optimizer that gives embedding tables a learning rate of their own."""

    def __init__(self, *args: Any, embedding_rate: float = 1.0, **options: Any) -> None:
        """Make the optimizer; `embedding_rate` multiplies the learning rate of embedding tables."""
        super().__init__(*args, **options)
        self._embedding_rate = embedding_rate

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update a variable; `embedding_rate` multiplies the rate of an embedding table."""
        super().update_step(gradient, variable, self.rate_of(variable, learning_rate))  # type: ignore[misc]

    def rate_of(self, variable: Any, learning_rate: Any) -> Any:
        """The learning rate of a variable: of a table it is multiplied by `embedding_rate`."""
        if self._embedding_rate != 1.0 and is_table(variable):
            return learning_rate * self._embedding_rate
        return learning_rate

    def get_config(self) -> dict[str, Any]:
        """Return the optimizer's configuration, `embedding_rate` included."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | {"embedding_rate": self._embedding_rate}


def is_table(variable: Any) -> bool:
    """Whether a variable is an embedding table; TensorFlow's has the name "LAYER/NAME:0"."""
    name: str = variable.name.split("/")[-1].split(":")[0]
    return name == _TABLE
