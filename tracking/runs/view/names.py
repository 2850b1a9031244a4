"""Names of runs: what a trial tried, and what it gave."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tracking.records import Scalar, TrialRecord
from tracking.runs.payloads import shorten
from tracking.states import FAILED, KILLED, PRUNED, REFUSED
from tracking.texts import short_number, visible

_NAMED = (PRUNED, REFUSED, FAILED, KILLED)
_MAX_WORD, _MAX_NAME = 20, 80
_PARAMS = 2


def run_name(record: TrialRecord) -> str:
    """Name the run of a trial: its number, its value once it has one, and what it tried.

    MLflow has one status, KILLED, for pruned, refused and killed trials. The name tells them apart
    in every list, legend and comparison.

    Args:
        record: The trial.

    Example:
        >>> gmf = {"family": "gmf", "factors": 35, "rate": 0.01}
        >>> run_name(TrialRecord(study="movies", number=7, params=gmf, value=0.88124))
        't007 0.8812 gmf f35'
        >>> own = {"units": 64, "rate": 0.01, "depth": 2}
        >>> run_name(TrialRecord(study="wine", number=0, params=own, state="failed"))
        't000 units=64 rate=0.01 (failed)'
    """
    what = "baseline" if record.is_baseline else tried(record.params)
    words = [f"t{record.number:03d}", _value(record.value), what]
    name = shorten(" ".join(word for word in words if word), _MAX_NAME)
    return f"{name} ({record.state})" if record.state in _NAMED else name


def _value(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    is_usual = value == 0 or 0.01 <= abs(value) < 1000
    return f"{value:.4f}" if is_usual else short_number(value)


def tried(params: Mapping[str, Scalar]) -> str:
    """Say in a few words what a trial tries: its family and sizes, or its first parameters.

    Args:
        params: The trial's parameters.

    Example:
        >>> tried({"family": "mlp", "embedding_size": 15, "layers": 1, "units_1": 64})
        'mlp e15 64'
    """
    family = params.get("family")
    if family is None:
        first = list(params.items())[:_PARAMS]
        return " ".join(f"{_word(name)}={_word(value)}" for name, value in first)
    sizes = [("f", params.get("factors")), ("e", params.get("embedding_size"))]
    told = [f"{letter}{_word(size)}" for letter, size in sizes if size is not None]
    layers = params.get("layers")
    if isinstance(layers, int):
        units = (params.get(f"units_{number}") for number in range(1, layers + 1))
        told.append("/".join(_word(each) for each in units if each is not None))
    return " ".join([_word(family), *filter(None, told)])


def _word(value: Scalar) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return shorten(visible(text), _MAX_WORD)
