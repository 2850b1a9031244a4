"""The record of one run of a study: what earlier processes left of it, its end, what waits."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial

import optuna

from models.checks import count_of
from search.config.study import StudyConfig
from search.executor.interrupts import Stop, unless
from search.executor.keeping import Keeping
from search.mending.at_start import is_whole, mend_at_start
from search.mending.reconciler import Reconciler
from search.storage.claims.lease import Lease
from search.storage.claims.lock import StillHeld
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import run_of
from search.storage.trials import state_of
from search.storage.views import snapshot_of
from search.trial.interruption import Lost, reclaim
from tracking import SpoolRecorder, StudyRecord, TrialRecord, in_a_second

GOES_ON_ELSEWHERE = "Another process goes on with this study and will close it."
LEFT_OPEN = "The study is not closed, since another process holds a lock; the same command does so."
_AWAY_S = 10.0
_SILENT_S = 2.0
_HURRIED_S = 0.6
"""How long after a Ctrl-C the record is waited for; after `_RESULTS_S` it gets no leaderboard."""
_AT_LEAST_S, _RESULTS_S = 0.2, 1.0
_LAST_S = 5.0


class Recording:
    """Begins and ends the record of a study, and says what of it waits.

    The `SpoolRecorder` keeps what it is told and delivers it; this class decides how long anyone
    waits for that. It is made once a study is open, and owns its recorder: use it as a context
    manager.

    Attributes:
        recorder: Writes the record; trials of any worker write to it.
        keeping: Makes Keras models of what trials were trained to without Keras, behind them.
    """

    def __init__(
        self,
        config: StudyConfig,
        studies: Studies,
        study: optuna.Study,
        lease: Lease,
        say: Callable[[str], None],
        stop: Stop | None = None,
    ) -> None:
        """Make the recorder; nothing is written to MLflow yet.

        Args:
            config: The study's settings.
            studies: The studies of the home.
            study: The study.
            lease: Says to others that this process works on the study.
            say: Tells the user a line.
            stop: Whether someone asked to stop; None where nobody can.
        """
        self.keeping = Keeping(config, say)
        self.recorder: SpoolRecorder = studies.spooled(config, study, self.keeping)
        self._lease = lease
        self._studies = studies
        self._inner = studies.recorder(config)
        told = studies.identifiers(study)
        self._reconciler = Reconciler(config, study, self._inner, told, self.keeping)
        self._waits_since: float | None = None
        self._draws_since = -math.inf
        self._latest = 0.0
        self._is_closer: bool | None = None
        self._why_open = GOES_ON_ELSEWHERE
        self._hurries = self._has_told = False
        self._stop = stop or Stop()
        self._config, self._study = config, study
        self._say = say
        self._spool = studies.store.spool

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        if self._hurries:
            self.keeping.close()
        self.recorder.close(0.0 if self._hurries else _LAST_S)
        self.keeping.close()

    @contextlib.contextmanager
    def begun_soon(self, *, keeps: bool) -> Iterator[None]:
        """Load MLflow, and Keras for the models, in a second: the first trials begin before.

        Args:
            keeps: Whether models will have to be made.
        """

        def begin() -> None:
            self.recorder.begin()
            if keeps:
                self.keeping.start()

        with in_a_second(begin):
            yield

    def begin(self, record: StudyRecord) -> None:
        """Begin the study's record, or go on with it, and have delivered what others left of it.

        The caller holds the storage's lock, and queues interrupted trials again only afterwards.
        What is wrong in the record of trials that have ended by now is mended behind the trials,
        where no other process works on the study.

        Args:
            record: The study as Optuna holds it.
        """
        known = self._ended()
        alone = not self._lease.others() and not self.recorder.others_work()
        self.recorder.start_study(record)
        self.take_over()
        if known and alone:
            self.recorder.delivery.add_work(lambda: self._mend(known))

    def _ended(self) -> set[int]:
        trials = self._study.get_trials(deepcopy=False)
        return {trial.number for trial in trials if trial.state.is_finished()}

    def is_closed(self, record: StudyRecord) -> bool:
        """Whether the study's run in MLflow is finished, and nothing waits or is to be mended.

        Args:
            record: The study.
        """
        if self.recorder.has_left():
            return False
        try:
            run = self._inner.find_run(record.parent_run_id) if record.parent_run_id else None
            is_finished = run is not None and not run["deleted"] and run.get("status") == "FINISHED"
            return is_finished and is_whole(self._reconciler, self._ended())
        except Exception:  # it cannot be reached now
            return False

    def take_over(self) -> None:
        """Have delivered what processes that are no more left of this study's record.

        The caller holds the storage's lock, and queues interrupted trials again only afterwards.
        """
        boxes = self.recorder.left()
        if not boxes:
            return
        trials = self._study.get_trials(deepcopy=False)

        def counts(told: TrialRecord) -> bool:
            own = told.study == self._study.study_name and told.number < len(trials)
            return own and state_of(trials[told.number]) == told.state

        waiting = self.recorder.take_over(boxes, counts)
        if waiting:
            self._say(
                f"An earlier process left {count_of(waiting, 'write')} of the record, which "
                "MLflow gets now."
            )

    def reclaim(self, lost: Lost) -> optuna.Study:
        """Close and requeue dead processes' trials and lost ones; the caller holds the lock.

        Returns:
            The study as it stands now, read once.
        """
        self._lease.end_dead()
        seen = snapshot_of(self._study)
        closed = reclaim(seen, self._config, self.recorder, self._spool, lost=lost(seen))
        for number in closed:
            self._say(f"Trial {number} was interrupted earlier; its configuration is queued again.")
        return snapshot_of(self._study) if closed else seen

    def _mend(self, known: Collection[int]) -> None:
        if said := mend_at_start(self._reconciler, known, self.recorder.refused()):
            self._say(said)

    @contextlib.contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """On an exception, close the study's MLflow run, unless another process runs its trials."""
        try:
            yield
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                if self._is_last():
                    self._end(status)
                    self.settle(hurries=status == "KILLED")
                self._tell_waiting()
            raise

    def close(self, *, interrupted: bool) -> StudyRecord:
        """Close the study's run in MLflow with its results, unless another process runs trials.

        Args:
            interrupted: Whether someone asked to stop, and waits for this process to end.

        Returns:
            The study as it stands now, with the runs that are known.
        """
        record = None
        if not self._is_last():
            self._say(self._why_open)
            self.settle(hurries=interrupted)
        elif interrupted or not (record := self._drawn()):
            self._end("KILLED")  # first, since there may be no time for the results
            record = study_record(self._study, self._config, weighs=False)
            if time.monotonic() < (self._stop.signalled_at or math.inf) + _RESULTS_S:
                self.recorder.finish_study(record, status="KILLED")  # else the next process does
            self.settle(hurries=True)
        self._tell_waiting()
        return record or study_record(self._study, self._config, weighs=not self._hurries)

    def _drawn(self) -> StudyRecord | None:
        """Close a study with its plots; None where someone asks to stop before they are begun."""
        self.settle()
        knows_runs = not self.recorder.delivery.waiting
        self._say("Drawing plots and writing the leaderboard.")
        self._draws_since = time.monotonic()
        weigh = partial(study_record, self._study, self._config)
        record = unless(lambda: self._stop.asked, weigh)  # a forest for the importances takes long
        if record is None:
            self._say("The plots are left for later: the same command draws them.")
            return None
        self.recorder.finish_study(record, status="FINISHED")
        self.settle()
        return record if knows_runs else weigh()

    def _is_last(self) -> bool:
        """Whether no other process runs trials of the study, so that this one closes it.

        Each process asks once, under the storage's lock, when it begins no more trials.
        """
        if self._is_closer is None:
            try:
                self._is_closer = self._studies.locked(self._lease.leave, briefly=True)
            except StillHeld:  # so that this process ends, and whoever comes next closes it
                self._is_closer, self._why_open = False, LEFT_OPEN
        return self._is_closer

    def _end(self, status: str) -> None:
        self.recorder.end_study(run_of(self._study).get("parent_run_id") or "", status=status)

    def settle(self, *, hurries: bool = False) -> None:
        """Wait until MLflow has what it was told, but not for long where it is away.

        Args:
            hurries: Whether someone waits for this process to end.
        """
        if self._waits_since is None:
            self._waits_since = time.monotonic()
        silent = max(self._waits_since, self._draws_since) + _SILENT_S
        latest = self._waits_since + _AWAY_S

        def is_over() -> bool:
            now = time.monotonic()
            if hurries or self._stop.asked:
                return now > self._hurried_until(now)
            if not self._has_told and now > silent:
                self._say(
                    "Waiting until MLflow has all of the record. Ctrl-C ends at once; the next "
                    "`trialbook search` then writes the rest."
                )
                self._has_told = True
            return bool(self.recorder.delivery.trouble) and now > latest

        self.recorder.delivery.flush(is_over)

    def _hurried_until(self, now: float) -> float:
        """When to end waiting, where someone waits for this process to end."""
        if not self._hurries:
            self._hurries = True
            asked = self._stop.signalled_at or now
            self._latest = max(asked + _HURRIED_S, now + _AT_LEAST_S)
        return self._latest

    def _tell_waiting(self) -> None:
        waiting = self.recorder.delivery.waiting
        if not waiting:
            return
        trouble = self.recorder.delivery.trouble
        why = f" ({trouble.rstrip('.')})" if trouble else ""
        self._say(
            f"{count_of(waiting, 'write')} of the record could not be made in MLflow yet{why}. "
            f"They are kept in {self._spool}: the next `trialbook search` of this study makes "
            "them, and so does `trialbook doctor --fix`."
        )
