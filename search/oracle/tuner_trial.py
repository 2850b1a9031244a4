"""What a Keras Tuner tuner says of one of its trials: the configuration, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.space.parameters import Parameter
from tracking import EpochRecord, Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class TunerPoint:
    """A configuration that a tuner trains.

    Attributes:
        values: Values of its active parameters, by name.
        space: The parameters that the tuner has declared so far.
        name: Keras Tuner's identifier of the trial.
    """

    values: Mapping[str, Scalar]
    space: Sequence[Parameter]
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TunerEnd:
    """The outcome of a tuner's trial.

    Attributes:
        value: The objective; None where it failed.
        metrics: Final figures by name.
        epochs: Its curve, as far as it is known.
        message: For a failed one, why, in a line.
    """

    value: float | None
    metrics: Mapping[str, float]
    epochs: Sequence[EpochRecord] = ()
    message: str = ""
