"""Creates a study with its first attributes, in one transaction.

A process that dies between the two would leave a study that nobody can tell from another program's.
Like `internals`, this module uses Optuna's private members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.storages import BaseStorage
from optuna.storages._rdb.models import (
    StudyDirectionModel,
    StudyModel,
    StudyUserAttributeModel,
)
from optuna.study import StudyDirection
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from search.storage.internals import database_of
from search.storage.writes.statements import in_one


def create_with(
    storage: BaseStorage,
    name: str,
    directions: Sequence[StudyDirection],
    attributes: Mapping[str, Any],
) -> None:
    """Create a study; where there is one of that name by now, nothing is done.

    Args:
        storage: Optuna's storage.
        name: The study's name.
        directions: One for each goal.
        attributes: The user attributes that the study has from its first moment on.
    """
    database = database_of(storage)
    if database is None:  # a storage in memory, which ends with its process
        identifier = storage.create_new_study(directions, name)
        for key, value in attributes.items():
            storage.set_study_user_attr(identifier, key, value)
        return

    def store(connection: Connection) -> None:
        added: Any = connection.execute(insert(StudyModel).values(study_name=name))
        own = {"study_id": int(added.inserted_primary_key[0])}
        aims = [
            {**own, "direction": direction, "objective": objective}
            for objective, direction in enumerate(directions)
        ]
        connection.execute(insert(StudyDirectionModel), aims)
        told = [
            {**own, "key": key, "value_json": json.dumps(value)}
            for key, value in attributes.items()
        ]
        connection.execute(insert(StudyUserAttributeModel), told)

    with suppress(IntegrityError):
        in_one(database, store)
