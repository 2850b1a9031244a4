"""Says in words which studies there are where one is not found, or that a home lost them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from search.storage.database import is_there
from tracking import Store, held_studies

_MOST_LISTED = 10
OUT = (
    "A study of another storage is named with `--storage`. If optuna.db was lost or replaced, move "
    "it away, with the files of the same name that end in -wal and -shm, and put a backup in its "
    "place. The record stays readable: `trialbook ui`."
)


def listed(names: Sequence[str], wanted: str = "") -> str:
    """List studies with a full stop: of many those whose names are near a wanted one, or the first.

    Args:
        names: The studies, sorted.
        wanted: The name that no study has.
    """
    if len(names) <= _MOST_LISTED:
        return f"{', '.join(names) or 'none'}."
    shown = get_close_matches(wanted, names, 5) or names[:_MOST_LISTED]
    return f"{', '.join(shown)} and {len(names) - len(shown):,} more: see `trialbook studies`."


def lost_studies(store: Store, known: Collection[str] = (), wanted: str = "") -> str:
    """Say which studies a home's Optuna database has lost, by its record; empty where none.

    Args:
        store: Gives the home.
        known: The studies that the database holds.
        wanted: The one that was looked for; others are told only where the database holds none.
    """
    held = only_recorded(store, known)
    if not held or (wanted and known and wanted not in held):
        return ""
    state = loss_of(store) or "does not hold them"
    return f"The home's mlflow.db has the record of {listed(held)} Its optuna.db {state}. {OUT}"


def only_recorded(store: Store, known: Collection[str]) -> list[str]:
    """The studies of which a home's MLflow database has the record, but Optuna's nothing, sorted.

    Args:
        store: Gives the home.
        known: The studies that Optuna's database holds.
    """
    return [name for name in held_studies(store.home / "mlflow.db") if name not in known]


def loss_of(store: Store) -> str:
    """What became of a home's Optuna database, in words; empty where it is there.

    Args:
        store: Gives the home.
    """
    if not store.optuna_db.exists():
        return "is gone"
    return "" if is_there(store, None) else "is empty (0 bytes)"
