"""Reads the files of a Keras Tuner project, and refuses what Keras Tuner does not write."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from search.errors import USER_ERRORS, SearchError
from tracking import Scalar

_Step = Annotated[int, Field(ge=0, le=2**53)]
_Figures = Annotated[list[float], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class _Observation:
    value: _Figures | float
    step: _Step


@dataclass(frozen=True, slots=True)
class _History:
    direction: Literal["min", "max"]
    observations: list[_Observation]


@dataclass(frozen=True, slots=True)
class _Metrics:
    metrics: dict[str, _History]


@dataclass(frozen=True, slots=True)
class _Declared:
    name: str


@dataclass(frozen=True, slots=True)
class _Hyperparameter:
    class_name: str
    config: _Declared


@dataclass(frozen=True, slots=True)
class _Hyperparameters:
    space: list[_Hyperparameter]
    values: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a `trial.json` must hold; further keys are left to Keras Tuner."""

    trial_id: str
    hyperparameters: _Hyperparameters
    metrics: _Metrics
    score: float | None
    best_step: _Step | None
    status: str
    message: str | None


@dataclass(frozen=True, slots=True)
class _Oracle:
    """What an `oracle.json` must hold."""

    start_order: tuple[str, ...] = ()


_TRIAL, _ORACLE = TypeAdapter(_Trial), TypeAdapter(_Oracle)


def read_trials(folder: Path) -> list[Any]:
    """Read a project's trials, in the order in which they were started.

    Args:
        folder: The project: it holds `oracle.json` and a folder `trial_*` a trial.

    Returns:
        Keras Tuner's own `Trial` of each.

    Raises:
        SearchError: The folder is no project, or a file of it is not as Keras Tuner writes it.
    """
    oracle = folder / "oracle.json"
    if not os.path.isfile(oracle):
        raise SearchError(
            f"A Keras Tuner project must hold `oracle.json`, but {folder} does not. Name the "
            "folder DIRECTORY/PROJECT_NAME of its tuner."
        )
    order = _read(oracle, _ORACLE)[0].start_order
    place = {name: number for number, name in enumerate(order)}
    loaded = [_load(path) for path in sorted(folder.glob("trial_*/trial.json"))]
    return sorted(loaded, key=lambda trial: (place.get(trial.trial_id, len(place)), trial.trial_id))


@contextlib.contextmanager
def understood(what: Path) -> Iterator[None]:
    """Refuse a project whose values cannot be converted while the block does that.

    What a project's parameters and figures are is up to its user, and Keras Tuner checks little of
    it when it loads them: whatever it or a conversion raises is a mistake in the files.

    Args:
        what: The file or folder that the block converts.

    Raises:
        SearchError: In place of any other exception.
    """
    try:
        yield
    except USER_ERRORS:
        raise
    except Exception as error:
        raise _damaged(what, f"{type(error).__name__}: {error}") from error


def _load(path: Path) -> Any:
    from keras_tuner.engine.trial import Trial

    state = _read(path, _TRIAL)[1]
    with understood(path):
        return Trial.from_state(state)


def _read(path: Path, checker: TypeAdapter[Any]) -> tuple[Any, Any]:
    """Read a file as a checked record, and as the plain values of its JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        return checker.validate_json(text, strict=True), json.loads(text)
    except ValidationError as error:
        first = error.errors()[0]
        parts = [str(part) for part in first["loc"]]
        where = ".".join(part if part.isprintable() else repr(part) for part in parts)
        raise _damaged(path, f"{where}: {first['msg']}".removeprefix(": ")) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(what: Path, why: str) -> SearchError:
    return SearchError(
        f"A Keras Tuner project must be readable, but {what} is not as Keras Tuner writes it "
        f"({why.rstrip('.')}). Move the trial's folder out of the project, or mend it."
    )
