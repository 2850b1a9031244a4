"""What a spool keeps: one call of a `Recorder` an entry, as JSON, checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from tracking.errors import TrackingError
from tracking.records import EpochRecord, ModelFolder, Scalar, StudyRecord, TrialRecord
from tracking.spool.references import referred


class Kind(StrEnum):
    """The method of `Recorder` that an entry calls.

    Example:
        >>> Kind.FINISH_TRIAL.value
        'finish_trial'
    """

    START_STUDY = "start_study"
    START_TRIAL = "start_trial"
    PARAMETERS = "parameters"
    EPOCHS = "epochs"
    FINISH_TRIAL = "finish_trial"
    KILL_TRIAL = "kill_trial"
    DROP_MODEL = "drop_model"
    END_STUDY = "end_study"
    FINISH_STUDY = "finish_study"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One call of a recorder's method, with the arguments that the method takes.

    Attributes:
        kind: The method.
        run: The run that is meant, as `reference` or an identifier; for the end of a trial the run
            whose models its own replace, else empty where a record says it.
        trial: The trial, where the method takes one.
        study: The study, where the method takes one.
        params: Parameters by name.
        epochs: Epochs of a trial.
        models: Models of a trial; each path lies in the entry's folder.
        status: MLflow's status of a study's run.

    Example:
        >>> entry = Entry(kind=Kind.DROP_MODEL, run="movies#7")
        >>> from_json(to_json(entry)) == entry
        True
    """

    kind: Kind
    run: str = ""
    trial: TrialRecord | None = None
    study: StudyRecord | None = None
    params: Mapping[str, Scalar] | None = None
    epochs: tuple[EpochRecord, ...] = ()
    models: tuple[ModelFolder, ...] = ()
    status: str = ""


_NEEDED = {
    Kind.START_STUDY: ("study",),
    Kind.START_TRIAL: ("trial",),
    Kind.PARAMETERS: ("run", "params"),
    Kind.EPOCHS: ("run", "epochs"),
    Kind.FINISH_TRIAL: ("trial",),
    Kind.KILL_TRIAL: ("trial",),
    Kind.DROP_MODEL: ("run",),
    Kind.END_STUDY: ("study", "status"),
    Kind.FINISH_STUDY: ("study", "status"),
}


def to_json(entry: Entry) -> str:
    """Write an entry as JSON; numbers that are no finite ones are written as Python writes them."""
    told = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return json.dumps({name: value for name, value in told.items() if value}, default=_plain)


def from_json(text: str) -> Entry:
    """Read an entry, and refuse what `to_json` does not write.

    Raises:
        TrackingError: It is no JSON, or not an entry.
    """
    from pydantic import ValidationError

    try:
        entry: Entry = _checker().validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        parts = [str(part) for part in first["loc"]]
        where = ".".join(part if part.isprintable() else repr(part) for part in parts)
        raise _damaged(f"{where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error)) from error
    for name in _NEEDED[entry.kind]:
        if getattr(entry, name) in (None, "", (), {}):
            raise _damaged(f"`{entry.kind}` needs `{name}`")
    for model in entry.models:
        if PurePath(model.name).name != model.name or model.name in ("", ".", ".."):
            raise _damaged(f"a model must have a plain name, not {model.name!r}")
    return entry


def study_of(entry: Entry) -> str:
    """The name of the study that an entry is of; empty where it names a run by MLflow's name."""
    if entry.trial is not None:
        return entry.trial.study
    if entry.study is not None:
        return entry.study.name
    named = referred(entry.run)
    return "" if named is None else named[0]


def with_models_in(entry: Entry, folder: Path) -> Entry:
    """An entry whose models lie in a folder, each under its own name."""
    placed = tuple(replace(model, path=folder / model.name) for model in entry.models)
    return replace(entry, models=placed)


def _damaged(why: str) -> TrackingError:
    return TrackingError(
        f"An entry of the spool must be as Trialbook wrote it, but it is not ({why}). "
        "`trialbook doctor --fix` writes the trial anew from Optuna's storage."
    )


@cache
def _checker() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Entry)


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """The names of a record's fields, none for what is no record.

    `dataclasses.asdict` copies all that they hold, which takes seconds for a study of many trials.
    """
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else ()


def _plain(value: Any) -> Any:
    """What JSON does not know: records, paths, mappings, and NumPy's numbers."""
    kind: type = type(value)
    if names := _fields(kind):
        return {name: getattr(value, name) for name in names}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    return value.item()
