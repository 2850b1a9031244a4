"""Whether a home's own database has the record of a study."""

from __future__ import annotations

from tracking.runs.loading.database import rows_of
from tracking.runs.store import Store
from tracking.tags import Role, Tag

_ASKED = (
    "SELECT 1 FROM runs JOIN tags AS role USING (run_uuid) JOIN tags AS study USING (run_uuid) "
    "WHERE role.key = ? AND role.value = ? AND study.key = ? AND study.value = ? "
    "AND lifecycle_stage = 'active' LIMIT 1"
)


def is_recorded(store: Store, study: str) -> bool:
    """Whether MLflow has a study's run, as far as the home's own database tells without MLflow.

    Args:
        store: The store; of one that is no file of the home nothing is known.
        study: The study's name.

    Example:
        >>> from pathlib import Path
        >>> is_recorded(Store(Path("no such home")), "movies")
        False
    """
    if store.sqlite_file is None or not store.exists():
        return False
    asked = (Tag.ROLE.value, Role.STUDY.value, Tag.STUDY.value, study)
    return bool(rows_of(store, _ASKED, *asked))
