"""Asks a home's own MLflow database without importing MLflow, which takes seconds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from tracking.runs.store import Store

_PATIENT_S = 20


def rows_of(store: Store, question: str, *given: str) -> list[Any] | None:
    """The rows that a question in SQL finds; None where MLflow's client has to be asked.

    Args:
        store: The store; one whose record is no file of the home has to be asked by its client.
        question: The question, a `?` for each value.
        given: The values.

    Example:
        >>> from pathlib import Path
        >>> rows_of(Store(Path("mlruns"), "http://mlflow:5000"), "SELECT 1") is None
        True
    """
    if store.sqlite_file is None:
        return None
    try:
        with closing(sqlite3.connect(store.sqlite_file, timeout=_PATIENT_S)) as connection:
            return connection.execute(question, given).fetchall()
    except sqlite3.DatabaseError:  # tables of another version, which the client tells of
        return None
