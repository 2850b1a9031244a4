"""The space of rating models: declared once, read at a point by the same lines."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import keras_tuner

from models import FULL_BATCH, ModelConfig, TrainConfig, as_written, baseline
from search.errors import SearchError

_MOST_LAYERS = 4
_WIDTHS = (128, 64, 32, 16)
_RATES = (0.6, 0.5, 0.0, 0.0)


def read(
    hp: keras_tuner.HyperParameters, overrides: Mapping[str, Any] | None = None
) -> tuple[ModelConfig, TrainConfig]:
    """Declare the space on `hp` and read the point that `hp` holds.

    On an empty `hp` the point is the published baseline. Layers beyond the chosen number are
    inactive, with their widths and dropout rates.

    Args:
        hp: Empty to declare; with values to read.
        overrides: From a study file's `[space]`.

    Returns:
        The configuration at the point, its seed and epochs still the defaults.

    Raises:
        SearchError: An override names no parameter or does not fit it.
    """
    space = _Space(hp, overrides or {})
    layers = space.integer("layers", 1, _MOST_LAYERS, 3)
    units, dropout = [], []
    most = space.most("layers", _MOST_LAYERS)
    for number in range(1, most + 1):
        width, rate = (_WIDTHS[number - 1], _RATES[number - 1]) if number <= 4 else (16, 0.0)
        with space.when("layers", list(range(number, most + 1))):
            units.append(space.integer(f"units_{number}", 8, 256, width, log=True))
            dropout.append(space.real(f"dropout_{number}", 0.0, 0.7, rate, step=0.05))
    model = ModelConfig(
        embedding_size=space.integer("embedding_size", 2, 64, 15, log=True),
        units=tuple(units[:layers]),
        dropout=tuple(dropout[:layers]),
        activation=space.choice("activation", ["relu", "elu", "silu"], "relu"),
        l2_kernel=space.real("l2_kernel", 1e-6, 3e-2, 0.01, log=True),
        l2_embedding=_off(space.real("l2_embedding", 1e-9, 1e-3, 1e-9, log=True)),
        output_activation=space.choice("output_activation", ["relu", "linear"], "relu"),
        output_bias=_bias(space.choice("output_bias", ["7", "train_mean"], "7")),
    )
    train = TrainConfig(
        optimizer=space.choice("optimizer", ["adam", "adamw", "nadam", "rmsprop"], "adam"),
        learning_rate=space.real("learning_rate", 1e-3, 5e-2, 0.01, log=True),
        batch_size=_batch(space.choice("batch_size", [FULL_BATCH, "16384", "4096"], FULL_BATCH)),
    )
    space.check_all_used()
    return model, train


def baseline_values() -> dict[str, Any]:
    """The published baseline as a point of the whole space, active parameters only."""
    hp = keras_tuner.HyperParameters()
    read(hp)
    return dict(hp.values)


def preset(name: str) -> tuple[ModelConfig, TrainConfig]:
    """The configuration of a named model: "as-written", or the published baseline."""
    return as_written() if name == "as-written" else baseline()


def at_seed(config: TrainConfig, *, seed: int, epochs: int) -> TrainConfig:
    """The configuration with a trial's own seed and a study's cap on epochs."""
    return replace(config, seed=seed, epochs=epochs)


def _off(factor: float) -> float:
    """The least penalty of the range, 1e-9, stands for none, so that the range can be log."""
    return 0.0 if factor <= 1e-9 else factor


def _bias(text: str) -> float | str:
    return text if text == "train_mean" else float(text)


def _batch(text: str) -> int | str:
    return text if text == FULL_BATCH else int(text)


class _Space:
    """Keras Tuner's declarations with a study file's overrides applied."""

    def __init__(self, hp: keras_tuner.HyperParameters, overrides: Mapping[str, Any]) -> None:
        self._hp = hp
        self._overrides = overrides
        self._used: list[str] = []

    def when(self, parent: str, values: list[int]) -> AbstractContextManager[None]:
        scope: AbstractContextManager[None] = self._hp.conditional_scope(parent, values)
        return scope

    def integer(self, name: str, low: int, high: int, default: int, *, log: bool = False) -> int:
        rule = self._rule(name)
        if not isinstance(rule, Mapping | None):
            return int(self._listed(name, rule, int))
        low, high = self._range(name, rule, low, high, int)
        default = min(max(default, low), high)
        log = bool((rule or {}).get("log", log)) and low > 0
        step = None if log else int((rule or {}).get("step", 1))
        sampling = "log" if log else "linear"
        if low == high:
            return int(self._hp.Fixed(name, low) or low)
        value = self._hp.Int(name, low, high, step=step, sampling=sampling, default=default)
        return int(value) if value is not None else default

    def real(
        self,
        name: str,
        low: float,
        high: float,
        default: float,
        *,
        step: float | None = None,
        log: bool = False,
    ) -> float:
        rule = self._rule(name)
        if not isinstance(rule, Mapping | None):
            return float(self._listed(name, rule, float))
        low, high = self._range(name, rule, low, high, float)
        log = bool((rule or {}).get("log", log)) and low > 0
        step = None if log else (rule or {}).get("step", step)
        default = min(max(default, low), high)
        if low == high:
            return float(self._hp.Fixed(name, low) or low)
        sampling = "log" if log else "linear"
        value = self._hp.Float(name, low, high, step=step, sampling=sampling, default=default)
        return float(value) if value is not None else default

    def most(self, name: str, usual: int) -> int:
        """The most that an integer parameter can be, overrides applied."""
        rule = self._overrides.get(name)
        if isinstance(rule, Mapping):
            rule = rule.get("max", usual)
        values = rule if isinstance(rule, list | tuple) else [usual if rule is None else rule]
        return max([v for v in values if isinstance(v, int)], default=usual)

    def choice(self, name: str, known: list[str], default: str) -> str:
        rule = self._rule(name)
        if isinstance(rule, Mapping):
            raise SearchError(
                f"`space.{name}` must be a value or a list of values, but got {dict(rule)!r}."
            )
        if rule is not None:
            return str(self._listed(name, rule, _text, default))
        return str(self._hp.Choice(name, known, default=default))

    def check_all_used(self) -> None:
        """Refuse overrides that name nothing."""
        for name in self._overrides:
            if name not in self._used:
                raise SearchError(
                    f"`[space]` may name only parameters of the model, but got `{name}`. "
                    f"Known: {', '.join(self._used)}."
                )

    def _rule(self, name: str) -> Any:
        self._used.append(name)
        return self._overrides.get(name)

    def _listed(self, name: str, rule: Any, kind: Any, default: Any = None) -> Any:
        values = rule if isinstance(rule, list | tuple) else [rule]
        try:
            values = [kind(value) for value in values]
        except (TypeError, ValueError) as error:
            raise SearchError(
                f"`space.{name}` must hold {kind.__name__} values, but got {rule!r}."
            ) from error
        if not values:
            raise SearchError(f"`space.{name}` must list at least one value, but got {rule!r}.")
        if len(values) == 1:
            fixed = self._hp.Fixed(name, values[0])
            return values[0] if fixed is None else fixed
        default = default if default in values else values[0]
        chosen = self._hp.Choice(name, values, default=default)
        return default if chosen is None else chosen

    def _range(
        self, name: str, rule: Mapping[str, Any] | None, low: Any, high: Any, kind: Any
    ) -> tuple[Any, Any]:
        if rule is None:
            return low, high
        unknown = sorted(set(rule) - {"min", "max", "step", "log"})
        if unknown:
            raise SearchError(
                f"`space.{name}` may hold min, max, step and log, but got `{unknown[0]}`."
            )
        try:
            low, high = kind(rule.get("min", low)), kind(rule.get("max", high))
        except (TypeError, ValueError) as error:
            raise SearchError(
                f"`space.{name}` must have numbers, but got {dict(rule)!r}."
            ) from error
        if low > high:
            raise SearchError(
                f"`space.{name}` must have min at most max, but got {low} and {high}."
            )
        return low, high


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
