"""What was declared on Keras Tuner's `HyperParameters`, as plain parameters."""

from __future__ import annotations

from typing import Any, cast

import keras_tuner

from search.errors import SearchError
from search.parameters import Condition, Kind, Parameter


def parameters(hp: keras_tuner.HyperParameters) -> tuple[Parameter, ...]:
    """Every declared parameter, conditional ones too, parents first.

    Args:
        hp: After one pass of `build` or `read` on an empty `HyperParameters`.

    Raises:
        SearchError: A parameter has no counterpart in Optuna.
    """
    return tuple(_parameter(declared) for declared in hp.space)


def _parameter(declared: Any) -> Parameter:
    sampling = getattr(declared, "sampling", None)
    if sampling == "reverse_log":
        raise SearchError(
            f"`{declared.name}` must be sampled linear or log, but got 'reverse_log'. "
            "Optuna has no counterpart; search over max + min - value instead."
        )
    kind = cast("Kind", type(declared).__name__)
    ranged = kind in ("Int", "Float")
    return Parameter(
        name=declared.name,
        kind=kind,
        default=declared.default,
        # Keras Tuner gives a range values too, drawn at random where it has no step.
        values=tuple(declared.values) if kind == "Choice" else (),
        low=declared.min_value if ranged else None,
        high=declared.max_value if ranged else None,
        step=declared.step if ranged else None,
        log=sampling == "log",
        conditions=tuple(
            Condition(name=c.name, values=tuple(c.values)) for c in declared.conditions
        ),
    )
