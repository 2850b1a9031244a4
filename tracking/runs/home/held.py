"""Names the studies of which a home's MLflow database holds the record, without loading MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tracking.tags import Role, Tag

_STUDIES = """
SELECT DISTINCT named.value FROM tags AS own
JOIN tags AS named ON named.run_uuid = own.run_uuid AND named.key = ?
JOIN runs ON runs.run_uuid = own.run_uuid AND runs.lifecycle_stage = 'active'
JOIN experiments ON experiments.experiment_id = runs.experiment_id
  AND experiments.lifecycle_stage = 'active'
WHERE own.key = ? AND own.value = ? ORDER BY named.value
"""


def held_studies(database: Path) -> list[str]:
    """Name the studies whose own run is in MLflow's database of a home, and not in its bin.

    Args:
        database: The file; none is made.

    Returns:
        The names, sorted; none where it is no database of MLflow's, which others tell.

    Example:
        >>> held_studies(Path("mlruns") / "mlflow.db")
        []
    """
    if not database.is_file():
        return []
    try:
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute(_STUDIES, (Tag.STUDY, Tag.ROLE, Role.STUDY)).fetchall()
    except sqlite3.Error:
        return []
    return [str(name) for (name,) in rows]
