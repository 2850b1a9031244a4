"""Asks for a study's trials, so that several processes never begin one too many."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import Counter

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.config.study import StudyConfig
from search.storage.claims.lease import Lease
from search.storage.claims.leases import leases_of
from search.storage.claims.lock import StillHeld
from search.storage.internals import read_together, trial_of
from search.storage.new_attributes import attributes_of_begun
from search.storage.queue import begin_next, not_queued_again
from search.storage.studies import Studies
from search.storage.trial_attributes import owner_of_trial
from search.storage.trials import orphans, tally_of, under_way_or_done
from search.storage.views import later_of, snapshot_of
from search.storage.writes.beginning import Beginning, begin_at_once
from search.study.recording import Recording
from search.study.stopping import Ends

_LOOKS_EVERY_S = 5.0
_LOST_S = 3.0
_SETTLES_S = 0.1
_SETTLES_WITHIN_S = 5.0


class _Unsettled(Exception):
    """A trial was closed just now and is not queued again yet, or it is not known who has one."""


class Asking:
    """Gives workers their next trials.

    Trials are counted and begun under the storage's lock. What takes long is done before the lock
    is taken: the study is read, and whether there is a reason to end it is decided. Under the lock
    there is one question of how many trials there are of each state.

    Before a worker is told that nothing is left, and where it looks as if a process that is gone
    had left something, it is thorough: under the lock the study is read anew, and what such
    processes left is closed and queued again.

    Threads: any number of workers ask at once.
    """

    def __init__(
        self,
        config: StudyConfig,
        studies: Studies,
        study: optuna.Study,
        lease: Lease,
        recording: Recording,
        ends: Ends,
    ) -> None:
        """Keep the arguments.

        Args:
            config: The study's settings.
            studies: Where it is kept; gives the lock.
            study: The study.
            lease: Under which this process works on it.
            recording: Takes over what others left of the record.
            ends: Knows whether there is a reason to end the study.
        """
        self._config = config
        self._studies = studies
        self._study = study
        self._lease = lease
        self._recording = recording
        self._ends = ends
        self._looked_at = -math.inf
        self._given: set[int] = set()
        self._missed: dict[int, float] = {}
        self._beginning: dict[int, float] = {}
        self._declared: set[int] = set()
        self._lock = threading.Lock()

    def next(self, seen: optuna.Study | None = None) -> optuna.Trial | None:
        """Begin the next trial; None if finished and running trials reach the target.

        Also None where there is another reason to end the study, or where someone asked to stop
        while another process holds the lock.

        Args:
            seen: The study as it was read a moment ago; None to read it.
        """
        try:
            begun = self._begun(seen)
            if begun is None:
                return None
            trial = trial_of(self._study, begun)
            self._given.add(trial.number)
            return trial
        except StillHeld:
            return None
        finally:
            self._beginning.pop(threading.get_ident(), None)

    def _begun(self, seen: optuna.Study | None) -> int | None:
        """Begin the next trial; return its identifier."""
        seen = read_together(self._study) if seen is None else seen
        if not (self._is_due() and self._is_left(seen)):
            with contextlib.suppress(_Unsettled):
                begun = self._quickly(seen)
                if begun is not None:
                    return begun
        return self._settled()

    def _is_due(self) -> bool:
        """Whether to look for what others left; of several workers that ask then one does."""
        with self._lock:
            is_due = time.monotonic() - self._looked_at >= _LOOKS_EVERY_S
            if is_due:
                self._looked_at = time.monotonic()
            return is_due

    def _is_left(self, seen: optuna.Study) -> bool:
        """Whether a process that is gone has left something, as it looks without the lock."""
        rows = leases_of(self._study).rows(self._study.study_name)
        gone = any(not row.is_alive for row in rows) or bool(self._lost(seen))
        return gone or bool(orphans(seen)) or self._recording.recorder.has_left()

    def _lost(self, seen: optuna.Study) -> list[FrozenTrial]:
        """This process's trials that no worker was given: the answer was lost with a connection.

        None is one that a worker may be just about to be given. Those that were closed for it
        before, and are not queued again, are among them.
        """
        missed = {
            trial.number: trial
            for trial in seen.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            if trial.number not in self._given and self._lease.holds(owner_of_trial(trial) or {})
        }
        now = time.monotonic()
        with self._lock:
            self._missed = {number: self._missed.get(number, now) for number in missed}
            since = dict(self._missed)
        me = threading.get_ident()
        first = min((at for who, at in list(self._beginning.items()) if who != me), default=now)
        lost = [t for n, t in missed.items() if since[n] < first and now - since[n] >= _LOST_S]
        self._declared |= {trial.number for trial in lost}
        return [*lost, *(t for t in not_queued_again(seen) if t.number in self._declared)]

    def lacking(self) -> int:
        """Count the trials that are neither done nor under way, after clearing up as `next` does.

        Returns:
            How many; 0 where there is a reason to end the study.
        """

        def count() -> int:
            seen = self._cleared()
            free = self._config.trials - under_way_or_done(seen)
            return 0 if self._ends.reasons(seen) else max(0, free)

        return self._studies.locked(count)

    def _settled(self) -> int | None:
        """Begin a trial, once those that are closed now are queued again."""
        latest = time.monotonic() + _SETTLES_WITHIN_S
        while True:
            try:
                return self._studies.locked(self._thoroughly)
            except _Unsettled:
                if time.monotonic() > latest:  # its process stands still, and has it later
                    return None
                time.sleep(_SETTLES_S)

    def _quickly(self, seen: optuna.Study) -> int | None:
        """Begin a trial where all is as usual; None where it has to be looked at closely."""
        if not_queued_again(seen) or self._ends.reasons(seen):
            return None
        tally = tally_of(seen)
        if not tally.by_state[TrialState.WAITING]:
            attributes, slot_key = attributes_of_begun(self._lease.owner())
            after, later = later_of(seen)
            wanted = Beginning(
                tally=tally, later=Counter(trial.state for trial in later), after=after,
                target=self._config.trials, attributes=attributes, slot_key=slot_key,
            )  # fmt: skip
            self._beginning[threading.get_ident()] = time.monotonic()
            begun = begin_at_once(self._study, wanted, self._studies.lock)
            if begun.is_as_known:
                return begun.identifier

        def ask() -> int | None:
            return self._after(snapshot_of(self._study))

        return self._studies.locked(ask)

    def _cleared(self) -> optuna.Study:
        """Clear up after processes that are gone, and read the study; under the lock."""
        self._recording.take_over()
        return self._recording.reclaim(self._lost)

    def _thoroughly(self) -> int | None:
        """Clear up after processes that are gone, and begin a trial."""
        seen = self._cleared()
        self._looked_at = time.monotonic()
        return self._after(seen)

    def _after(self, seen: optuna.Study) -> int | None:
        """Begin a trial of a study that was read just now, under the lock.

        One that was closed and is not queued again yet has its place all the same, and so has one
        of which it is not known who has it.
        """
        free = self._config.trials - under_way_or_done(seen)
        is_full = free <= 0 and not self._missed
        if is_full or self._ends.reasons(seen):
            return None
        if free <= len(not_queued_again(seen)):
            raise _Unsettled
        self._beginning[threading.get_ident()] = time.monotonic()
        return begin_next(self._study, seen, self._lease.owner())
