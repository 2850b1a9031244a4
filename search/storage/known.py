"""Says in words which studies there are where one is not found, or that a home lost them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from search.storage.database import is_there
from tracking import Store, held_studies

_MOST_LISTED = 10
OUT = (
    "Put a backup of optuna.db in its place, or name the storage of the studies with `--storage`. "
    "The record stays readable: `trialbook ui`."
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


def lost_studies(store: Store) -> str:
    """Say that a home has no studies since its Optuna database is lost; empty where it is not.

    Args:
        store: Gives the home.
    """
    held = [] if is_there(store, None) else held_studies(store.home / "mlflow.db")
    if not held:
        return ""
    state = "empty (0 bytes)" if store.optuna_db.exists() else "gone"
    return f"The home's optuna.db is {state}, but its mlflow.db holds {listed(held)} {OUT}"
