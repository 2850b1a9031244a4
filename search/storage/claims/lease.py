"""A lease of this process: taken, renewed in a thread, and given back."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

import optuna

from search.storage.claims.leases import (
    CLOSING,
    LEASE_S,
    SEARCH,
    LeaseRow,
    Leases,
    leases_of,
)
from search.storage.claims.owner import me

RENEWED_S = 10.0
"""Seconds between two renewals; six of them are missed before the lease runs out."""
_AGAIN_S = 1.0


class Lease:
    """Says to all who use a storage that this process works on a study.

    Who is responsible for what: the lease keeps itself renewed. Whoever asks for trials calls
    `owner` for each, which tells under which identifier; `holds` tells whether that identifier is
    still valid. One that ran out, say while the process was stopped, is replaced by a new one;
    the trials of the former belong to others by then.

    Threads: a thread of its own renews it; all methods may be called from any thread.

    Use it as a context manager, or call `open` and `close`.

    Example:
        >>> from search.storage.claims.leases import leases_of
        >>> storage = optuna.storages.RDBStorage("sqlite:///:memory:")
        >>> with Lease(leases_of(storage), "movies") as lease:
        ...     owner = lease.owner()
        ...     lease.holds(owner), [row.id == owner["id"] for row in leases_of(storage).rows()]
        (True, [True])
        >>> leases_of(storage).rows()
        []
    """

    def __init__(self, leases: Leases, study: str, task: str = SEARCH) -> None:
        """Keep the arguments; `open` stores the lease.

        Args:
            leases: Those of the storage.
            study: Name of the study.
            task: What this process does.
        """
        self._leases = leases
        self._study = study
        self._task = task
        self._me = me()
        self._id = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._renewed = 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Lease:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Lease:
        """Store the lease, and begin to renew it; again, it is stored again."""
        self._leases.take(self._owner(), self._study, self._task)
        self._renewed = time.monotonic()
        if self._thread is not None:
            return self
        # The thread must not keep alive a lease that nobody else has any more.
        self._thread = threading.Thread(
            target=_renew, args=(weakref.ref(self), self._end), name="trialbook-lease", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Give the lease back; where the storage is away it runs out by itself."""
        with self._lock, contextlib.suppress(Exception), self._leases.patience.at_once():
            self._end.set()
            self._leases.release(self._id)

    def _owner(self) -> dict[str, Any]:
        return {"id": self._id, **self._me}

    def owner(self) -> Mapping[str, Any]:
        """This process under an identifier whose lease is valid now."""
        with self._lock:
            if time.monotonic() - self._renewed > RENEWED_S / 2:
                self._renew()
            return self._owner()

    def holds(self, owner: Mapping[str, Any]) -> bool:
        """Whether an owner is this process under its present identifier."""
        return bool(owner.get("id") == self._id)

    def keep(self) -> None:
        """Renew the lease now."""
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        """Renew the lease, or take a new one where it ran out and others took it."""
        if self._end.is_set():
            return
        if not self._leases.renew(self._id):
            self._id = secrets.token_hex(16)
            self._leases.take(self._owner(), self._study, self._task)
        self._renewed = time.monotonic()

    @property
    def may_judge(self) -> bool:
        """Whether this process may take over what others have.

        After it was cut off from the storage it waits until all who were cut off with it had the
        time to renew their leases.
        """
        away = self._leases.patience.last_away
        return not away or time.monotonic() - away > 2 * RENEWED_S

    def others(self) -> list[LeaseRow]:
        """The leases of the other living processes that work on the study."""
        return self._leases.living(self._study, but=self._id)

    def leave(self) -> bool:
        """Say that this process begins no more trials of the study.

        The caller holds the storage's lock.

        Returns:
            Whether no other process searches, so that this one is to close the study.
        """
        self._task = CLOSING
        self._leases.renew(self._id, self._task)
        return not any(row.task == SEARCH for row in self.others())

    def end_dead(self) -> list[Mapping[str, Any]]:
        """End the leases of owners that are gone, and return these; the caller holds the lock."""
        return self._leases.end_dead() if self.may_judge else []


_STANDING: dict[tuple[int, int, str], Lease] = {}
_standing_lock = threading.Lock()


def standing_lease(study: optuna.Study) -> Lease:
    """The lease of this process on a study whose trials no call of ours runs from start to end.

    It is given back when the process ends.

    Args:
        study: The study, whose trials Keras Tuner trains.
    """
    leases = leases_of(study)
    key = os.getpid(), id(leases), study.study_name
    with _standing_lock:
        if key not in _STANDING:
            lease = _STANDING[key] = Lease(leases, study.study_name).open()
            atexit.register(lease.close)
        return _STANDING[key]


def end_standing(study: optuna.Study) -> None:
    """Give back the standing lease of a study, if there is one.

    Args:
        study: The study.
    """
    with _standing_lock:
        lease = _STANDING.pop((os.getpid(), id(leases_of(study)), study.study_name), None)
    if lease is not None:
        lease.close()


def _renew(own: weakref.ref[Lease], end: threading.Event) -> None:
    """Renew a lease again and again, until it is given back or nobody has it any more."""
    pause_s = RENEWED_S
    while not end.wait(pause_s):
        lease = own()
        if lease is None:
            return
        try:
            lease.keep()
        except BaseException:  # the database is away; it is asked again soon
            pause_s = _AGAIN_S
        else:
            pause_s = RENEWED_S
        del lease


assert RENEWED_S * 3 < LEASE_S
