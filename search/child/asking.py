"""Keras Tuner's `HyperParameters` for one trial, which asks the study for each value it lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from search.space.hypermodel import parameter_of
from search.space.parameters import Parameter
from tracking import Scalar


class AskingHyperParameters(keras_tuner.HyperParameters):
    """The hyperparameters of one trial: what is declared is asked for when it is first met.

    A HyperModel may declare parameters anywhere: in a loop whose length is a parameter, behind a
    Python `if`, in `fit`. Keras Tuner gives such a parameter its default; here the study chooses.

    Example:
        >>> hp = AskingHyperParameters({"layers": 2}, ask=lambda parameter: parameter.high)
        >>> [hp.Int(f"units_{n}", 8, 64) for n in range(hp.Int("layers", 1, 4))]
        [64, 64]
        >>> hp.values
        {'layers': 2, 'units_0': 64, 'units_1': 64}
    """

    def __init__(self, values: Mapping[str, Scalar], ask: Callable[[Parameter], Scalar]) -> None:
        """Keep the known values; nothing is declared yet.

        Args:
            values: Values that are known, by name; they are not asked for.
            ask: Returns the value of a parameter that exists and has none.
        """
        super().__init__()
        self.values = dict(values)
        self._ask = ask

    def __deepcopy__(self, memo: dict[int, Any]) -> keras_tuner.HyperParameters:
        """Copy the values as they are; a copy asks for nothing."""
        return self.copy()

    def _register(self, hyperparameter: Any, overwrite: bool = False) -> Any:
        """Declare a parameter; ask for its value if it exists and has none."""
        missing = self.is_active(hyperparameter) and hyperparameter.name not in self.values
        if missing:
            self._validate_name(hyperparameter.name)
            self.values[hyperparameter.name] = self._ask(parameter_of(hyperparameter))
        return super()._register(hyperparameter, overwrite=False)
