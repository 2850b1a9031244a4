"""The leases of a storage's workers: who works on which study, and who still renews its lease.

Each process that works on a study has a random identifier and one row of a table beside Optuna's
own. It renews that row every few seconds. One whose row is older than a minute counts as gone, and
whoever needs its trials may take them over.

Which clock says how old a row is depends on the database. PostgreSQL's own clock judges rows there,
so that the clocks of machines need not agree. On SQLite all workers are on one machine, whose
monotonic clock they share: it goes on evenly when the time of day is set. Only rows of before a
restart of the machine are judged by the time of day.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import optuna
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import (
    Engine,
    Executable,
    Row,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError, ProgrammingError

from search.storage.claims.owner import Sight, boot, seen
from search.storage.claims.table import TABLE, has_table, make_table
from search.storage.internals import database_of
from search.storage.patience import Patience, patience_of

LEASE_S = 60.0
"""Seconds without a renewal after which a worker counts as gone."""

SEARCH, CLOSING, WINNER, DOCTOR = "search", "closing", "winner", "doctor"
"""What an owner does: runs trials, writes a study's results, chooses its winner, or mends it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseRow:
    """A lease as it is stored.

    Attributes:
        id: The owner's random identifier.
        study: Name of the study that it works on.
        task: What it does: one of the words above.
        owner: The process, as `search.storage.claims.owner.me` describes it, with its `id`.
        renewed: When it was renewed, by the clock that judges it.
        age_s: Seconds since then.
    """

    id: str
    study: str
    task: str
    owner: Mapping[str, Any]
    renewed: float
    age_s: float

    @property
    def is_alive(self) -> bool:
        """Whether its owner counts as living: it renews the lease, and nobody sees it gone."""
        return self.age_s <= LEASE_S and seen(self.owner) is not Sight.GONE


class Leases:
    """The leases in one storage.

    A storage that is no database has none: there an owner lives as long as its process.

    Example:
        >>> storage = optuna.storages.RDBStorage("sqlite:///:memory:")
        >>> leases = leases_of(storage)
        >>> leases.take({"id": "a", "host": "far", "boot": "x", "namespace": 1}, "movies")
        >>> [row.task for row in leases.rows("movies")], leases.renew("a"), leases.renew("b")
        (['search'], True, False)
        >>> leases.release("a")
        >>> leases.rows()
        []
    """

    def __init__(self, engine: Engine | None, patience: Patience) -> None:
        """Keep the arguments; nothing is read or written yet.

        Args:
            engine: The database; None where the storage is none.
            patience: How long to wait for it.
        """
        self._engine = engine
        self.patience = patience

    @property
    def _is_on_server(self) -> bool:
        return self._engine is not None and self._engine.dialect.name == "postgresql"

    def _now(self) -> Any:
        """The time by the clock that judges leases, in seconds."""
        return func.extract("epoch", func.clock_timestamp()) if self._is_on_server else _here_s()

    def take(self, owner: Mapping[str, Any], study: str, task: str = SEARCH) -> None:
        """Store a new lease.

        Args:
            owner: The process, with its `id`.
            study: Name of the study that it works on.
            task: What it does.
        """
        if self._engine is None:
            return
        engine = self._engine
        self.patience.through(lambda: make_table(engine))
        row = {
            "owner": owner["id"],
            "study": study,
            "task": task,
            "about": json.dumps(dict(owner)),
            "renewed": self._now(),
            "time_of_day": time.time(),
        }
        own = delete(TABLE).where(TABLE.c.owner == owner["id"])
        self._change(own, insert(TABLE).values(**row))

    def renew(self, owner_id: str, task: str | None = None) -> bool:
        """Renew a lease; return whether there still was one to renew.

        Args:
            owner_id: Whose.
            task: What the owner does now; None for what it did.
        """
        if self._engine is None:
            return True
        values = {"renewed": self._now(), "time_of_day": time.time()}
        values |= {} if task is None else {"task": task}
        change = update(TABLE).where(TABLE.c.owner == owner_id).values(**values)
        return bool(self._change(change))

    def release(self, owner_id: str) -> None:
        """Delete a lease, if it is there."""
        self._change(delete(TABLE).where(TABLE.c.owner == owner_id))

    def rows(self, study: str | None = None) -> list[LeaseRow]:
        """List the leases, those that ran out among them.

        Args:
            study: Name of the study that is worked on; None for all.
        """
        return [row for row in self._all() if study in (None, row.study)]

    def living(self, study: str, *, but: str = "") -> list[LeaseRow]:
        """List the leases of living owners that work on a study.

        Args:
            study: Its name.
            but: The identifier of an owner that is left out.
        """
        return [row for row in self.rows(study) if row.is_alive and row.id != but]

    def lives(self, owner: Mapping[str, Any]) -> bool:
        """Whether an owner of a trial still lives.

        One without an identifier is of an earlier version, which stored no leases.
        """
        owner_id = owner.get("id")
        if owner_id is None or self._engine is None:
            return seen(owner) is Sight.ALIVE
        return any(row.is_alive for row in self._all() if row.id == owner_id)

    def end_dead(self) -> list[Mapping[str, Any]]:
        """Delete the leases of owners that are gone, and return these owners.

        One that renews its lease at the same moment keeps it; one that renews it later is told so.
        """
        if self._engine is None:
            return []
        ended = []
        for row in self._all():
            if row.is_alive:
                continue
            own = (TABLE.c.owner == row.id) & (TABLE.c.renewed == row.renewed)
            if self._change(delete(TABLE).where(own)):
                ended.append(row.owner)
        return ended

    def _change(self, *statements: Executable) -> int:
        """Change rows in one transaction; return how many the last statement changed."""
        if self._engine is None:
            return 0
        engine = self._engine

        def change() -> int:
            changed = 0
            with engine.begin() as connection:
                for statement in statements:
                    changed = connection.execute(statement).rowcount
            return changed

        return self.patience.through(change)

    def _stored(self, engine: Engine) -> Sequence[Row[Any]]:
        """The rows of the table, each with the server's time where a server judges them."""
        now = self._now() if self._is_on_server else text("NULL")
        try:
            with engine.connect() as connection:
                return connection.execute(select(TABLE, now)).all()
        except (OperationalError, ProgrammingError):
            if has_table(engine):
                raise
            return []  # nobody has worked here yet

    def _all(self) -> Iterator[LeaseRow]:
        if self._engine is None:
            return
        engine = self._engine
        stored = self.patience.through(lambda: self._stored(engine))
        for row in stored:
            owner_id, study, task, about, renewed, time_of_day, now_s = tuple(row)
            owner = json.loads(about)
            age_s = (
                float(now_s) - renewed
                if self._is_on_server
                else _age_here_s(owner, renewed, time_of_day)
            )
            yield LeaseRow(
                id=owner_id, study=study, task=task, owner=owner, renewed=renewed, age_s=age_s
            )


def _here_s() -> float:
    """Seconds since the machine started, by a clock that all its processes share."""
    return time.monotonic()


def _age_here_s(owner: Mapping[str, Any], renewed: float, time_of_day: float) -> float:
    """How old a lease of this machine is; one of before its restart is as old as can be."""
    if owner.get("boot") == boot():
        return _here_s() - renewed
    if owner.get("host") == socket.gethostname():
        return float("inf")
    return time.time() - time_of_day


_KNOWN: WeakKeyDictionary[RDBStorage, Leases] = WeakKeyDictionary()


def leases_of(storage: BaseStorage | optuna.Study) -> Leases:
    """The leases in a study's storage.

    Args:
        storage: Optuna's storage, or a study in it.
    """
    database, patience = database_of(storage), patience_of(storage)
    if database is None:
        return Leases(None, patience)
    return _KNOWN.setdefault(database, Leases(database.engine, patience))


def owners(rows: Sequence[LeaseRow]) -> set[str]:
    """The identifiers of the owners of leases."""
    return {row.id for row in rows}
