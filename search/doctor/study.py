"""Examines one study, and mends what has one right answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import optuna
from optuna.trial import TrialState

from models.checks import count_of
from search.config.study import StudyConfig
from search.doctor.findings import Finding, Topic
from search.doctor.in_flight import BUSY, MENDED_NOW, is_mended, is_worked_on, old_leases, settled
from search.errors import USER_ERRORS, DiskFull
from search.executor.keeping import Keeping
from search.mending.differences import Difference, Kind, runs_of
from search.mending.reconciler import Reconciler
from search.storage.claims.lease import Lease
from search.storage.claims.leases import DOCTOR, leases_of
from search.storage.patience import StorageAway
from search.storage.queue import not_queued_again
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, run_of
from search.storage.trials import finished, orphans
from search.study.recording import Recording
from tracking import (
    Maker,
    NullRecorder,
    Recorder,
    Slip,
    left_boxes,
    require_readable,
    seen_slips,
)

_SLOW = "MLflow has not taken all of its record yet."


class Examination:
    """Examines one study.

    Of a study on which a living process works, a note says so, and only what that process will not
    do itself is told: writes that MLflow refused, leases that ran out some time ago, and trials
    without a run, or with an open one, of which nothing is under way to MLflow. Nothing of it is
    mended. While a study is mended this process has a lease on it, so that no other one mends it or
    begins to train its trials.

    Only trials that had ended when the examination began count: of others the record need not be
    whole yet.
    """

    def __init__(self, studies: Studies, study: optuna.Study, say: Callable[[str], None]) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            studies: The studies of the home.
            study: One of them.
            say: Told what is done meanwhile.
        """
        self._studies = studies
        self._study = study
        self._config: StudyConfig = config_of(study)
        self._say = say
        self._lease: Lease | None = None
        self._known: set[int] = set()

    def run(self, *, mends: bool) -> list[Finding]:
        """Look for what is wrong, and mend it if asked to.

        Args:
            mends: Whether to mend.

        Raises:
            StorageAway: Optuna's storage is away, in which the other studies are too.
            DiskFull: There is no room to mend.
        """
        if not mends:
            return self._busy() if self._is_worked_on() else self._found()
        lease = Lease(leases_of(self._study), self._study.study_name, DOCTOR)
        if not self._studies.locked(partial(self._taken, lease)):
            return self._busy()
        with contextlib.closing(lease):
            self._lease = lease
            return self._found()

    def _taken(self, lease: Lease) -> bool:
        """Take a lease, unless a living process works on the study; the caller holds the lock."""
        if self._is_worked_on():
            return False
        lease.open()
        return True

    def _busy(self) -> list[Finding]:
        """That a living process works on the study, and what that will not do itself."""
        if is_mended(self._study):
            return [self._finding(Topic.BUSY, MENDED_NOW, is_mendable=False)]
        found = [self._finding(Topic.BUSY, BUSY, is_mendable=False)]
        self._add(self._undone, found)
        return found

    def _undone(self, found: list[Finding]) -> None:
        """Add what a process that works on the study will not do itself."""
        found += self._refused()
        if gone := old_leases(self._study):
            text = f"It has {count_of(gone, 'lease')} without a living process."
            found.append(self._finding(Topic.LEASE, text))
        if self._never_recorded() or not (known := settled(self._studies, self._study)):
            return
        found += [
            self._finding(Topic.RECORD, each.text, each.number)
            for each in self._reconciler().find()
            if each.kind in (Kind.LACKING, Kind.OPEN) and each.number in known
        ]

    def _found(self) -> list[Finding]:
        """What is wrong; why not all of it could be found stands last."""
        found: list[Finding] = []
        states = (TrialState.RUNNING,) if self._lease else ()  # which are closed first
        trials = self._study.get_trials(deepcopy=False)
        self._known = {t.number for t in trials if t.state.is_finished() or t.state in states}
        self._add(self._examine, found)
        return found

    def _add(self, look: Callable[[list[Finding]], None], found: list[Finding]) -> None:
        """Add what is found, and at the end why no more could be found."""
        try:
            look(found)
        except (StorageAway, DiskFull):
            raise
        except USER_ERRORS as error:  # its record cannot be reached, that of others may
            found.append(self._finding(Topic.STUDY, str(error), is_mendable=False))

    def _examine(self, found: list[Finding]) -> None:
        """Add what is wrong, and mend it where this process has the lease."""
        found += [*self._left(), *self._interrupted()]
        if self._lease is None:
            found.extend(self._of_record())
            return
        waiting = self._deliver(self._lease) if found else ""
        is_left = {Topic.SPOOL} if waiting else set()
        found[:] = [replace(e, is_mended=e.is_mendable and e.topic not in is_left) for e in found]
        if waiting:  # what MLflow will be told later must not be mended now
            found.append(self._finding(Topic.STUDY, waiting, is_mendable=False))
            return
        for mend in (self._mended_refused, self._mended, self._closed):
            found.extend(mend())
        told = {each.text for each in found}  # a run that was made again lacks its model
        found.extend(each for each in self._of_record() if each.text not in told)

    def _finding(
        self, topic: Topic, text: str, trial: int | None = None, *, is_mendable: bool = True
    ) -> Finding:
        name = self._study.study_name
        return Finding(study=name, topic=topic, text=text, trial=trial, is_mendable=is_mendable)

    def _is_worked_on(self) -> bool:
        return is_worked_on(self._studies, self._study)

    def _left(self) -> Iterator[Finding]:
        """What processes that are no more have not delivered."""
        waiting = 0
        for box in left_boxes(self._studies.store.spool, self._study.study_name):
            waiting += len(box.slips())
            box.release()
        if waiting:
            text = f"{count_of(waiting, 'write')} of its record wait for MLflow."
            yield self._finding(Topic.SPOOL, text)

    def _refused(self) -> Iterator[Finding]:
        """What MLflow did not take, also of a process that lives."""
        _, refused = seen_slips(self._studies.store.spool, self._study.study_name)
        yield from (self._refusal(slip) for slip in refused)

    def _refusal(self, slip: Slip) -> Finding:
        why = (slip.path / "why.txt").read_text(encoding="utf-8").strip()
        return self._finding(Topic.REFUSED, f"MLflow did not take a write ({why}).")

    def _mended_refused(self) -> list[Finding]:
        """Give the trials of what MLflow did not take a run, and write them anew to it."""
        if not list(self._refused()):
            return []
        found = self._mended(runs_of)
        trials = {each.number: each for each in study_record(self._study, weighs=False).trials}
        with contextlib.closing(Keeping(self._config, self._say)) as keeping:
            reconciler = self._reconciler(keeping)
            for box in left_boxes(self._studies.store.spool, self._study.study_name):
                for slip in box.refused():
                    refusal = self._refusal(slip)
                    if is_mended := reconciler.write_anew(slip, trials):
                        slip.remove()
                    found.append(replace(refusal, is_mended=is_mended))
                box.close()
        return found

    def _interrupted(self) -> Iterator[Finding]:
        """What processes that are no more left in Optuna's storage."""
        left = orphans(self._study)
        for trial in left:
            text = f"Trial {trial.number} runs in Optuna's storage, but its process is no more."
            yield self._finding(Topic.INTERRUPTED, text, trial.number)
        for trial in not_queued_again(self._study):
            text = f"Trial {trial.number} was closed, but its configuration is not queued again."
            yield self._finding(Topic.INTERRUPTED, text, trial.number)
        rows = leases_of(self._study).rows(self._study.study_name)
        gone = sum(not row.is_alive for row in rows)
        if gone and not left:
            text = f"It has {count_of(gone, 'lease')} without a living process."
            yield self._finding(Topic.LEASE, text)

    def _of_record(self) -> Iterator[Finding]:
        """How the record differs from Optuna's storage."""
        yield from self._refused()
        if self._never_recorded():
            return
        for each in self._differences(self._reconciler()):
            yield self._finding(Topic.RECORD, each.text, each.number, is_mendable=each.is_mendable)
        if (text := self._open_run()) and (self._lease or not self._is_worked_on()):
            yield self._finding(Topic.STUDY, text)

    def _differences(self, reconciler: Reconciler) -> list[Difference]:
        """How the record of all but the trials differs that began or ended meanwhile."""
        found = reconciler.find(curves=True)
        later = {trial.number for trial in self._study.get_trials(deepcopy=False)} - self._known
        return [each for each in found if each.number not in later]

    def _mended(
        self, which: Callable[[list[Difference]], list[Difference]] = list
    ) -> list[Finding]:
        """Mend differences of the record, `which` of them."""
        if self._never_recorded():
            return []
        reconciler = self._reconciler()
        found = which(self._differences(reconciler))
        mended = set(reconciler.mend(found))
        return [
            replace(
                self._finding(Topic.RECORD, e.text, e.number, is_mendable=e.is_mendable),
                is_mended=e in mended,
            )
            for e in found
        ]

    def _closed(self) -> Iterator[Finding]:
        """The study's own run, once it is closed."""
        if not self._never_recorded() and (text := self._open_run()):
            self._close_run()
            yield replace(self._finding(Topic.STUDY, text), is_mended=True)

    def _never_recorded(self) -> bool:
        """Whether nothing of the study was ever recorded, as where it stopped at its start."""
        return not self._study.get_trials(deepcopy=False) or not (
            run_of(self._study).get("parent_run_id") or finished(self._study)
        )

    def _reconciler(self, maker: Maker | None = None) -> Reconciler:
        told = self._studies.identifiers(self._study)
        return Reconciler(self._config, self._study, self._recorder(), told, maker)

    def _recorder(self) -> Recorder:
        """Reads the record and writes it; a file that is gone is not made by reading."""
        store = self._studies.store_of(self._config)
        require_readable(store)
        if self._lease or store.sqlite_file is None or store.sqlite_file.is_file():
            store.prepare()
            return self._studies.recorder(self._config)
        return NullRecorder()

    def _open_run(self) -> str:
        """What is wrong with the study's own run, on which nobody works; empty for nothing."""
        run_id = run_of(self._study).get("parent_run_id")
        run = self._recorder().find_run(run_id) if run_id else None
        if run is not None and run["deleted"]:
            return "Its own run is in MLflow's bin."
        goes_on = run is not None and run["status"] == "RUNNING"
        return "Its own run goes on in MLflow, but no process works on it." if goes_on else ""

    def _close_run(self) -> None:
        enough = finished(self._study) >= self._config.trials
        recorder, record = self._recorder(), study_record(self._study, self._config)
        recorder.start_study(record)  # which takes it out of MLflow's bin
        recorder.finish_study(record, status="FINISHED" if enough else "KILLED")

    def _deliver(self, lease: Lease) -> str:
        """Deliver what waits, and queue interrupted trials again; return why any waits still."""
        with Recording(self._config, self._studies, self._study, lease, self._say) as recording:
            with self._studies.lock():
                recording.recorder.start_study(
                    study_record(self._study, self._config, weighs=False)
                )
                recording.take_over()
                recording.reclaim(lambda seen: [])
            recording.settle()
            delivery = recording.recorder.delivery
            return (delivery.trouble or _SLOW) if delivery.waiting else ""
