"""A frozen record of a searched parameter: which values a study may give it."""

from __future__ import annotations

from dataclasses import dataclass

from tracking.records.trial import Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterRecord:
    """One parameter of a study's space, as it was declared.

    Attributes:
        name: Its name.
        kind: "choice", "boolean", "int", "float", or "fixed" for one value only.
        values: Its choices in the order in which they were declared; of a fixed one its value.
        low: Least value of a number, else None.
        high: Greatest value of a number, else None.
        step: Distance of two values, or their ratio where `log`; None for all between.
        log: Whether it is sampled evenly in its logarithm.
        mirrored: Whether `log` counts from the other end: low + high less the value is what is
            sampled evenly in its logarithm.
        default: Its value where nothing else is asked for.
        when: In words, when it exists: "family is mlp or neumf"; empty for always.

    Example:
        >>> batch = ParameterRecord(name="batch_size", kind="choice", values=("full", "1024"))
        >>> batch.is_number, batch.values
        (False, ('full', '1024'))
        >>> rate = ParameterRecord(name="rate", kind="float", low=0.001, high=0.1, log=True)
        >>> rate.scale
        'log'
    """

    name: str
    kind: str
    values: tuple[Scalar, ...] = ()
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    mirrored: bool = False
    default: Scalar = None
    when: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it has a range of numbers."""
        return self.low is not None and self.high is not None

    @property
    def scale(self) -> str:
        """How its values are spaced: "log", "mirrored log", "linear", or "choices"."""
        if not self.is_number:
            return "choices"
        if not self.log:
            return "linear"
        return "mirrored log" if self.mirrored else "log"
