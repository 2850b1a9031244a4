"""What a trial is given and how it ends, on PostgreSQL: a statement each, which is a transaction.

A transaction of several statements is a message for its begin, one for each statement and one for
its end, and the client waits for an answer to each. Like `internals`, this module uses Optuna's
private members.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialIntermediateValueModel, TrialValueModel
from optuna.trial import TrialState
from sqlalchemy import Connection, text

_GIVEN = text("""
WITH given AS (
  INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
  SELECT :trial, name, value, space FROM json_to_recordset(CAST(:parameters AS json))
    AS given (name text, value double precision, space text)
)
INSERT INTO trial_user_attributes (trial_id, key, value_json)
SELECT :trial, key, content FROM json_to_recordset(CAST(:attributes AS json))
  AS given (key text, content text)
""")

_REPORTED = text("""
INSERT INTO trial_intermediate_values
  (trial_id, step, intermediate_value, intermediate_value_type)
SELECT :trial, place, value, kind FROM json_to_recordset(CAST(:numbers AS json))
  AS given (place integer, value double precision, kind trialintermediatevaluetype)
""")

_ENDED = text("""
WITH ended AS (
  UPDATE trials SET state = CAST(:state AS trialstate), datetime_complete = :moment
  WHERE trial_id = :trial AND state = 'RUNNING' RETURNING trial_id
), told AS (
  INSERT INTO trial_values (trial_id, objective, value, value_type)
  SELECT trial_id, place, value, kind FROM ended, json_to_recordset(CAST(:numbers AS json))
    AS given (place integer, value double precision, kind trialvaluetype)
), put AS (
  INSERT INTO trial_user_attributes (trial_id, key, value_json)
  SELECT trial_id, CAST(:key AS text), CAST(:content AS text) FROM ended
  ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
)
SELECT EXISTS (SELECT FROM ended)
""")
# Lists go as JSON: psycopg takes several times as long to write an array of texts.


def is_postgresql(database: RDBStorage) -> bool:
    """Whether a database is PostgreSQL, and its driver psycopg."""
    engine = database.engine
    return bool(engine.dialect.name == "postgresql" and engine.driver == "psycopg")


def store_given(
    connection: Connection,
    trial_id: int,
    parameters: Mapping[str, tuple[float, BaseDistribution]],
    attributes: Mapping[str, Any],
) -> None:
    """Store a trial's parameters and attributes, none of which it has yet.

    Args:
        connection: A connection that commits each statement.
        trial_id: The trial's identifier.
        parameters: By name: the value as Optuna stores it, and the distribution.
        attributes: By name: what JSON holds.
    """
    rows = [
        {"name": name, "value": float(value), "space": distribution_to_json(space)}
        for name, (value, space) in parameters.items()
    ]
    pairs = [{"key": key, "content": json.dumps(each)} for key, each in attributes.items()]
    given = {"parameters": json.dumps(rows), "attributes": json.dumps(pairs)}
    connection.execute(_GIVEN, {"trial": trial_id, **given})


def store_reports(connection: Connection, trial_id: int, values: Mapping[int, float]) -> None:
    """Store what a trial reported, by epoch; none of these epochs was reported before."""
    kept = TrialIntermediateValueModel.intermediate_value_to_stored_repr
    numbers = _rows((epoch, *kept(value)) for epoch, value in values.items())
    connection.execute(_REPORTED, {"trial": trial_id, "numbers": numbers})


def store_end(
    connection: Connection,
    trial_id: int,
    state: TrialState,
    values: Sequence[float],
    attribute: tuple[str, Any],
) -> bool:
    """End a running trial; return whether this call did so.

    Args:
        connection: A connection that commits each statement.
        trial_id: The trial's identifier.
        state: How it ended.
        values: The objectives' values.
        attribute: Name and content of an attribute, of what JSON holds.
    """
    key, content = attribute
    kept = TrialValueModel.value_to_stored_repr
    numbers = _rows((place, *kept(float(value))) for place, value in enumerate(values))
    given = {
        "trial": trial_id, "state": state.name, "numbers": numbers,
        "key": key, "content": json.dumps(content),
        "moment": datetime.now(UTC).replace(tzinfo=None),  # as Optuna stores it
    }  # fmt: skip
    return bool(connection.execute(_ENDED, given).scalar())


def _rows(numbers: Iterable[tuple[int, float | None, Any]]) -> str:
    """Numbers as Optuna stores them, each with its place and its kind, in JSON."""
    return json.dumps(
        [{"place": place, "value": value, "kind": kind.name} for place, value, kind in numbers]
    )
