"""The rows of trials in Optuna's tables, read in few statements, and the trials made of them.

Optuna's own reading makes an object of each row, which takes several times as long. Like
`internals`, this module uses Optuna's private members.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.storages._rdb.models import (
    TrialIntermediateValueModel,
    TrialModel,
    TrialParamModel,
    TrialSystemAttributeModel,
    TrialUserAttributeModel,
    TrialValueModel,
)
from optuna.trial import FrozenTrial
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

_NAMED = 500
"""Up to how many trials are named one by one where their rows are asked for."""

_PARTS: dict[str, tuple[Any, ...]] = {
    "params": (TrialParamModel, "param_name", "param_value", "distribution_json"),
    "users": (TrialUserAttributeModel, "key", "value_json"),
    "systems": (TrialSystemAttributeModel, "key", "value_json"),
    "values": (TrialValueModel, "objective", "value", "value_type"),
    "steps": (
        TrialIntermediateValueModel, "step", "intermediate_value", "intermediate_value_type",
    ),
}  # fmt: skip
"""The tables of what belongs to a trial, and which of their columns are read."""
_OWN = tuple(
    TrialModel.__table__.c[name]
    for name in ("trial_id", "number", "state", "datetime_start", "datetime_complete")
)
_Rows = Sequence[Sequence[Any]]
_VALUE_TYPES = TrialValueModel.TrialValueType.__members__
_STEP_TYPES = TrialIntermediateValueModel.TrialIntermediateValueType.__members__


def read_rows(
    connection: Connection, wanted: ColumnElement[bool]
) -> list[tuple[Row[Any], dict[str, _Rows]]]:
    """Read the trials that meet a condition, in six statements.

    Args:
        connection: The connection.
        wanted: The condition.

    Returns:
        Each trial's own row and those of its parts, in the order in which they were created.
    """
    trial_id = TrialModel.__table__.c.trial_id
    rows = connection.execute(select(*_OWN).where(wanted).order_by(trial_id)).all()
    if not rows:
        return []
    named = [row.trial_id for row in rows]
    those = named if len(named) <= _NAMED else select(trial_id).where(wanted)
    parts = {name: _part(connection, those, *columns) for name, columns in _PARTS.items()}
    return [
        (row, {name: part.get(row.trial_id, []) for name, part in parts.items()}) for row in rows
    ]


def _part(connection: Connection, those: Any, model: Any, *names: str) -> Mapping[int, _Rows]:
    """The rows of a table by their trial, in the order in which they were written."""
    table = model.__table__
    chosen = select(*(table.c[name] for name in names), table.c.trial_id)
    first = next(iter(table.primary_key))
    found: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for row in connection.execute(chosen.where(table.c.trial_id.in_(those)).order_by(first)):
        found[row.trial_id].append(row)
    return found


def read_at_once(
    connection: Connection, study_id: int, after: int, older: Sequence[int]
) -> Sequence[Row[Any]]:
    """Read trials of a study on PostgreSQL in one statement, a row a trial.

    The server makes a text of the rows of each of a trial's parts. Who keeps the row can tell
    whether anything of the trial has changed since.

    Args:
        connection: The connection.
        study_id: The study's identifier.
        after: Trials with a greater identifier are read,
        older: and these.

    Returns:
        The rows, for `parts_of`, in the order in which the trials were created.
    """
    told = {"study": study_id, "after": after, "older": list(older)}
    return connection.execute(_at_once(), told).all()


@cache
def _at_once() -> Select[Any]:
    """The statement of `read_at_once`; always the same, so that the server prepares it once."""
    table = TrialModel.__table__.c
    texts = [_text_of(name, *columns) for name, columns in _PARTS.items()]
    older = any_(bindparam("older", type_=ARRAY(Integer)))
    wanted = or_(table.trial_id > bindparam("after", type_=Integer), table.trial_id == older)
    own = table.study_id == bindparam("study", type_=Integer)
    return select(*_OWN, *texts).where(own, wanted).order_by(table.trial_id)


def _text_of(label: str, model: Any, *names: str) -> ColumnElement[str]:
    """The rows of a part as the text of a JSON list; null where there are none."""
    table = model.__table__
    row = func.json_build_array(*(table.c[name] for name in names))
    rows = func.json_agg(aggregate_order_by(row, next(iter(table.primary_key))))
    own = table.c.trial_id == TrialModel.__table__.c.trial_id
    return select(cast(rows, Text)).where(own).scalar_subquery().label(label)


def parts_of(row: Row[Any]) -> dict[str, _Rows]:
    """The rows of a trial's parts, of a row of `read_at_once`."""
    texts = zip(_PARTS, row[len(_OWN) :], strict=True)
    parts: dict[str, _Rows] = {name: json.loads(text) if text else [] for name, text in texts}
    # PostgreSQL writes whole numbers without a point.
    parts["params"] = [(name, float(value), space) for name, value, space in parts["params"]]
    for name, kinds in (("values", _VALUE_TYPES), ("steps", _STEP_TYPES)):
        parts[name] = [
            (place, None if value is None else float(value), kinds[kind])
            for place, value, kind in parts[name]
        ]
    return parts


def trial_of(row: Row[Any], parts: Mapping[str, _Rows]) -> FrozenTrial:
    """Make a trial of its own row and those of its parts."""
    spaces = {name: _distribution(text) for name, _, text, *_ in parts["params"]}
    steps = TrialIntermediateValueModel.stored_repr_to_intermediate_value
    return FrozenTrial(
        number=row.number,
        state=row.state,
        value=None,
        values=_values(parts["values"]),
        datetime_start=_here(row.datetime_start),
        datetime_complete=_here(row.datetime_complete),
        params={name: spaces[name].to_external_repr(value) for name, value, *_ in parts["params"]},
        distributions=spaces,
        user_attrs=_attributes(parts["users"]),
        system_attrs=_attributes(parts["systems"]),
        intermediate_values={step: steps(value, kind) for step, value, kind, *_ in parts["steps"]},
        trial_id=row.trial_id,
    )


def _values(rows: _Rows) -> list[float] | None:
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: int(row[0]))
    return [TrialValueModel.stored_repr_to_value(value, kind) for _, value, kind, *_ in ordered]


def _attributes(rows: _Rows) -> dict[str, Any]:
    return {key: json.loads(text) for key, text, *_ in rows}


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution:
    """A parameter's distribution; trials share it, and nobody changes it."""
    return json_to_distribution(text)


def _here(moment: datetime | None) -> datetime | None:
    """A time that is stored in UTC, as this machine tells it."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
