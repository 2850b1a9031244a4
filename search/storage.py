"""Optuna's storage: `optuna.db` in the home folder, or whatever address is given."""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path

import optuna
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError

from search.errors import SearchError
from tracking import Store

_BUSY_S = 60


def open_storage(store: Store, url: str | None) -> optuna.storages.BaseStorage:
    """Open, or create without races, the storage of studies.

    Args:
        store: Gives the home folder.
        url: Address of another storage; None for `optuna.db` in the home folder.

    Raises:
        SearchError: The address is MLflow's own, or no storage can be opened there.
    """
    address = url or f"sqlite:///{store.optuna_db}"
    if address == store.tracking_uri:
        raise SearchError(
            f"`storage` and `tracking_uri` must be two databases, but both are {address}."
        )
    connect = {"timeout": _BUSY_S} if address.startswith("sqlite") else {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with home_lock(store), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _write_ahead(address)
            return optuna.storages.RDBStorage(address, engine_kwargs={"connect_args": connect})
    except (SQLAlchemyError, sqlite3.Error, ValueError, RuntimeError, ImportError) as error:
        line = " ".join(str(error).split())[:200].rstrip(".")
        raise SearchError(
            f"`storage` must be a database that Optuna can open, but {address} is not: {line}."
        ) from error


def home_lock(store: Store) -> FileLock:
    """The lock that guards what must be done by one process at a time."""
    folder: Path = store.optuna_db.parent
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / ".optuna.lock", timeout=120)


def _write_ahead(address: str) -> None:
    if not address.startswith("sqlite:///"):
        return
    connection = sqlite3.connect(address.removeprefix("sqlite:///"), timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
