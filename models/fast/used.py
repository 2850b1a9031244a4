"""Which trainer a model was trained by; without Keras."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainerUsed:
    """Which trainer a model was trained by.

    Attributes:
        name: "compiled", "fast" or "keras".
        reason: Why Keras' own was chosen, in words that follow "since"; empty for the others,
            and where Keras' own was asked for.

    Example:
        >>> print(TrainerUsed("keras", "it runs eagerly"))
        trained by Keras' own `fit`, since it runs eagerly
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        """Say why Keras' `fit` replaced the fast trainer; empty where `reason` is empty."""
        return f"trained by Keras' own `fit`, since {self.reason}" if self.reason else ""
