"""What a user's `fit` returned: the trial's value, as Keras Tuner's own tuners take it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from search.child.fits import Training
from search.errors import SearchError


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """The value of one thing that a user's `fit` returned.

    Attributes:
        value: The objective.
        kept: The training whose model belongs to it; None where there is none.
        is_given: Whether the user's code computed it, so that it need not be the model's score.
        more: Other figures that were returned with it, by name.
    """

    value: float
    kept: Training | None = None
    is_given: bool = False
    more: Mapping[str, float] = field(default_factory=dict)


def values_of(
    returned: Any, trainings: Sequence[Training], monitor: str, sign: float
) -> list[Value]:
    """Take the values of what a user's `fit` returned: one, or one for each item of a list.

    A number stands for itself; of a dict the objective counts; a `History` stands for its best
    epoch, whose weights were restored and scored again. Where `fit` returns nothing, that is the
    last training's. The trial's value is the mean.

    Args:
        returned: A number, a NumPy scalar, an array or tensor without dimensions, a dict of them, a
            Keras `History`, a list of any of these, or None.
        trainings: The calls of Keras' `fit` that were made meanwhile, in their order.
        monitor: The metric that the objective names.
        sign: What it is multiplied by so that lower is better.

    Raises:
        SearchError: It is something else, or the objective is missing in it.
    """
    if isinstance(returned, list | tuple) and len(returned):
        return [v for item in returned for v in values_of(item, trainings, monitor, sign)]
    number = _number(returned)
    if number is not None:
        return [Value(value=number, is_given=True)]
    if isinstance(returned, Mapping):
        return [_of_dict(returned, monitor)]
    if isinstance(returned, keras.callbacks.History):
        made = [t for t in trainings if t.history is returned]
        return [_of_training(made[-1], monitor) if made else _of_history(returned, monitor, sign)]
    if returned is None and trainings:
        return [_of_training(trainings[-1], monitor)]
    what = "nothing" if returned is None else _kind(returned)
    raise SearchError(
        "`fit` must return what Keras' `fit` returned, a number, a dict of numbers, or a list of "
        f"these, but returned {what}."
    )


def mean_of(values: Sequence[Value]) -> float:
    """The trial's value: the mean of the values; NaN where one is not finite."""
    finite = all(math.isfinite(each.value) for each in values)
    return statistics.fmean(each.value for each in values) if finite else math.nan


def _of_dict(returned: Mapping[Any, Any], monitor: str) -> Value:
    """The value of a dict that a user's `fit` returned: its objective; the rest are figures."""
    numbers = {str(name): _number(value) for name, value in returned.items()}
    known = {name: value for name, value in numbers.items() if value is not None}
    if monitor in numbers and monitor not in known:
        raise _no_number(next(v for name, v in returned.items() if str(name) == monitor), monitor)
    _must_have(known, monitor)
    return Value(value=known.pop(monitor), is_given=True, more=known)


def _no_number(value: Any, monitor: str) -> SearchError:
    """The refusal of a dict that has something else than a number as the objective."""
    if isinstance(value, list | tuple):
        way = "If that is a Keras history's dict, `return history` works: its best epoch counts."
    else:
        way = "Return a number there."
    return SearchError(
        f"`fit` must return a dict with a number as the objective {monitor!r}, but returned one "
        f"with {_kind(value)} there. {way}"
    )


def _kind(value: Any) -> str:
    """Name what a value is: "a list of 3", "an empty list"; else its type: "str"."""
    name = type(value).__name__
    if not isinstance(value, list | tuple):
        return name
    return f"a {name} of {len(value)}" if value else f"an empty {name}"


def _of_training(training: Training, monitor: str) -> Value:
    """The value of a training: its best epoch's score, computed again where that can be done."""
    known = {name for row in training.curve for name in row}
    _must_have(dict.fromkeys(known, 0.0), monitor)
    last, best = training.last_value(monitor), training.best_value(monitor)
    if last is None or not math.isfinite(last) or best is None:
        return Value(value=math.nan, kept=training)
    return Value(value=best if training.score is None else training.score, kept=training)


def _of_history(history: Any, monitor: str, sign: float) -> Value:
    """The value of a history that no watched training made: its best epoch as reported."""
    _must_have(history.history, monitor)
    values = [float(value) for value in history.history[monitor]]
    finite = [value for value in values if math.isfinite(value)]
    return Value(value=min(finite, key=lambda v: sign * v) if finite else math.nan)


def _must_have(metrics: Mapping[str, Any], monitor: str) -> None:
    """Refuse metrics that lack the monitor, the metric that the objective names."""
    if monitor not in metrics:
        known = ", ".join(sorted(metrics)) or "nothing"
        raise SearchError(
            f"`objective` must name a number that each epoch reports, or that `fit` returns, but "
            f"got {monitor!r}. Reported: {known}."
        )


def _number(value: Any) -> float | None:
    """A number from a Python number, a NumPy scalar or a tensor without dimensions; else None.

    True is 1 and False is 0, as Keras Tuner takes them; a NumPy truth value it takes for none.
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str | bytes | Mapping | list | tuple) or value is None:
        return None
    try:
        array = np.asarray(value)
    except Exception:
        return None
    return float(array) if array.ndim == 0 and array.dtype.kind in "iuf" else None
