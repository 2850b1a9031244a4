"""The steps by which a library came to its tables, read without importing the library."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tracking.addresses import sqlite_path
from tracking.runs.template import revision

if TYPE_CHECKING:
    from sqlalchemy import Engine

_CONNECT_TIMEOUT_S = 5
_OWN = re.compile(r"""^revision\b.*?=\s*["']([^"']+)["']""", re.MULTILINE)
_BEFORE = re.compile(r"""^down_revision\b.*?=\s*["']([^"']+)["']""", re.MULTILINE)


@cache
def steps_of(package: str, folder: str) -> tuple[str, ...]:
    """The steps of a library's tables, the latest first.

    Each is a file of Alembic's, which names itself and the one before it.

    Args:
        package: The library.
        folder: Where in it these files are.

    Example:
        >>> len(steps_of("optuna", "storages/_rdb/alembic/versions")) > 3
        True
    """
    found = find_spec(package)
    assert found is not None
    assert found.submodule_search_locations is not None
    after: dict[str, str] = {}
    for path in Path(found.submodule_search_locations[0], folder).glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if own := _OWN.search(text):
            before = _BEFORE.search(text)
            after[before[1] if before else ""] = own[1]
    steps, last = [], ""
    while last in after:
        last = after[last]
        steps.append(last)
    return tuple(reversed(steps))


def revision_at(uri: str) -> str | None:
    """The step that the tables in a database are of; None where it has none that say so.

    Args:
        uri: SQLAlchemy address.

    Raises:
        SQLAlchemyError: The database does not answer.

    Example:
        >>> revision_at("sqlite:///nothing-here.db") is None
        True
    """
    if (path := sqlite_path(uri)) is not None:
        return revision(path) if path.is_file() else None
    from sqlalchemy import inspect, text

    with engine_for_a_look(uri).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)


def engine_for_a_look(uri: str) -> Engine:
    """An engine that keeps no connection, and soon gives up where PostgreSQL does not answer.

    Args:
        uri: SQLAlchemy address.

    Raises:
        SQLAlchemyError, ValueError, ImportError: The address or its driver is no good.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    options = {"connect_timeout": _CONNECT_TIMEOUT_S} if uri.startswith("postgresql") else {}
    return create_engine(uri, poolclass=NullPool, connect_args=options)
