"""Runs one study in one process: creates or resumes it, runs it to its target, closes it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import optuna

from search.child.messages import ALONE, Ready
from search.config.study import StudyConfig
from search.cost.outlook import Outlook
from search.errors import SearchError
from search.executor.garbage import rarely_collected
from search.executor.interrupts import Stop
from search.executor.pool import work_side_by_side
from search.executor.supervisor import Supervisor
from search.space.distributions import SpaceAdapter
from search.storage.claims.lease import Lease
from search.storage.claims.leases import leases_of
from search.storage.creation import read_ahead
from search.storage.internals import read_together
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import widened_at
from search.storage.trials import finished, running, under_way_or_done
from search.study.asking import Asking
from search.study.best import Place
from search.study.choice import Chosen, choose, plain_dataset
from search.study.crew import Crew, Shift
from search.study.joining import once_mended
from search.study.opening import open_study, settled
from search.study.recording import Recording
from search.study.request import Request
from search.study.result import StudyResult
from search.study.stopping import Ends
from search.trial.asked import GrowingSpace
from search.trial.objective import Objective
from search.trial.progress import Progress
from search.trial.refusals import Refusals
from search.trial.tags import trial_tags
from tracking import KILLED, REFUSED, StudyRecord, import_ahead

_LATER = ("sklearn.ensemble", "optuna.importance")  # for a forest that proposes, and the end


class Session:
    """Runs one study in this process, once; only its child processes import Keras.

    Who is responsible for what: `choose` and `open_study` create the study or resume it; this class
    starts and ends the workers, asks for trials, and closes the study's record; an `Objective` runs
    each trial. The caller owns the first supervisor and closes it; the others are owned here.

    Threads: `run` is called once, and the first worker works in its thread, where Ctrl-C arrives;
    each other worker has a thread of its own, which has ended when `run` returns.

    Locks: trials are asked for, and those of dead processes queued again, under the storage's lock.
    Ends of trials that may lead are stored under a lock of the workers. No code takes both at once.
    """

    def __init__(
        self,
        config: StudyConfig,
        studies: Studies,
        supervisor: Supervisor,
        progress: Progress,
        stop: Stop,
        request: Request = Request(),  # noqa: B008 (frozen)
    ) -> None:
        """Keep the arguments; `run` is the first to read or write anything.

        Args:
            config: The study.
            studies: The studies of the home.
            supervisor: Owns the first worker's child, which may be loading already.
            progress: Hears what happens.
            stop: Set by Ctrl-C or SIGTERM, and by a worker that fails.
            request: Configurations to try first, and whether the space may have changed.
        """
        self._config = config
        self._studies = studies
        self._supervisor = supervisor
        self._progress = progress
        self._stop = stop
        self._request = request
        timeout_s = config.timeout_s
        self._deadline = time.monotonic() + timeout_s if timeout_s else None

    def run(self) -> StudyResult:
        """Run the study until it has its target of finished trials or has to stop."""
        self._studies.heed(self._progress.message, lambda: self._stop.asked, self._is_late)
        ready = self._ready()
        chosen = choose(self._config, self._studies, ready, self._request)
        ready = replace(ready, space=chosen.space.parameters)
        store, say = self._studies.store, self._progress.message
        if away := store.check():
            say(f"{away} The record waits in {store.spool}.")
        if backup := store.upgrade():
            say(f"MLflow's tables were of an earlier version, and are upgraded. Before: {backup}")
        joins, alone = self._request.joins, self._request.owns_process
        storage = read_ahead(self._studies.storage, self._config.name, owns_process=alone)
        self._lease = Lease(leases_of(storage), self._config.name)

        def begin() -> optuna.Study:
            opened = open_study(self._config, storage, ready, chosen, joins=joins)
            self._lease.open()
            return opened

        study = once_mended(self._studies, self._config.name, begin, self._stop, say)
        with (
            contextlib.closing(self._lease),
            Recording(
                self._config, self._studies, study, self._lease, say, self._stop
            ) as recording,
        ):
            return self._run(study, recording, ready, chosen)

    def _run(
        self, study: optuna.Study, recording: Recording, ready: Ready, chosen: Chosen
    ) -> StudyResult:
        """Run a study that is open, unless it is done."""
        self._ends = Ends(self._config, study, ready.space)
        record = study_record(study, self._config, weighs=False)
        if self._is_done(study, recording, record):
            return self._result(study_record(study, self._config))
        self._studies.locked(lambda: recording.begin(record))
        self._studies.locked(lambda: recording.reclaim(lambda seen: []))
        for line in (*chosen.lines(), *ready.warnings):
            self._progress.message(line)
        self._progress.study(record, finished=(done := finished(study)), target=self._config.trials)
        if self._stop.asked:
            return self._closed(recording, 0)
        self._outlook = Outlook(self._config, ready, self._deadline)
        if self._request.crew is None:
            self._tell_left(done)

        def will_draw() -> bool:  # of several processes the last one does
            return self._outlook.is_half_over and len(leases_of(study).living(record.name)) <= 1

        soon = _LATER[:1] if self._config.sampler == "local" else ()
        later = import_ahead(soon, _LATER, will_draw)
        with recording.closed_on_failure(), later, rarely_collected():
            return self._train(study, recording, ready, chosen)

    def _is_late(self) -> bool:
        """Whether the time of this run is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _loaded(self) -> Ready:
        """Wait until the first child has its data; a timeout that comes before is refused."""
        ready = self._supervisor.ready_unless(lambda: self._stop.asked or self._is_late())
        if self._stop.asked:
            raise KeyboardInterrupt
        if ready is None or self._is_late():
            raise SearchError(
                "`timeout` must leave time to load the data and the model, but loading them takes "
                f"longer than {self._config.timeout_s:g} s. Use a longer `--timeout`."
            )
        return ready

    def _ready(self) -> Ready:
        """Wait until the child has read the ratings, by the rules of the study if it is stored.

        The child began with the newest rules: it is started again where the study has others.
        """
        guessed = (self._config.options.rules_in_force, self._config.trainer)
        self._config = settled(self._config, self._studies, self._request.unnamed)
        if (self._config.options.rules, self._config.trainer) != guessed:
            self._supervisor.change(self._config)
        ready = self._loaded()
        self._warnings = ready.warnings
        return ready

    def _train(
        self, study: optuna.Study, recording: Recording, ready: Ready, chosen: Chosen
    ) -> StudyResult:
        """Train trials with all workers, until the study has ended or this run must stop."""
        if self._request.crew is not None:
            return self._train_elsewhere(study, recording, self._request.crew)
        first = Objective(
            config=self._config,
            study=study,
            adapter=SpaceAdapter(ready.space),
            first=ready.first,
            growing=GrowingSpace(study, ready.space, widened_at(study)) if ready.grows else None,
            supervisor=self._supervisor,
            lease=self._lease,
            lock=threading.Lock(),
            recorder=recording.recorder,
            make_folder=recording.recorder.make_folder,
            progress=self._progress,
            stop=self._stop,
            tags=trial_tags(ready),
            deadline=self._deadline,
            refusals=Refusals(chosen.weights, self._outlook, self._progress.message),
            warm_up=chosen.warm_up,
        )
        keeps = self._supervisor.role == ALONE and self._config.keep_models != "none"
        with recording.begun_soon(keeps=keeps), self._others(ready, study) as others:
            members = [first, *(replace(first, supervisor=other) for other in others)]
            return self._loop(study, members, recording)

    def _train_elsewhere(
        self, study: optuna.Study, recording: Recording, crew: Crew
    ) -> StudyResult:
        """Have trials trained in other processes; the child was there to read the ratings."""
        self._supervisor.close()
        asking = Asking(self._config, self._studies, study, self._lease, recording, self._ends)
        shift = Shift(
            config=self._config, studies=self._studies, progress=self._progress, stop=self._stop,
            deadline=self._deadline, lacking=asking.lacking, is_done=lambda: self._ends.enough,
        )  # fmt: skip
        with recording.begun_soon(keeps=False):
            return self._closed(recording, crew.work(shift))

    def _is_done(self, study: optuna.Study, recording: Recording, record: StudyRecord) -> bool:
        """Whether the study has nothing left to run, and an earlier call closed its MLflow run."""
        return self._ends.enough and not running(study) and recording.is_closed(record)

    def _result(
        self,
        record: StudyRecord,
        new_trials: int = 0,
        *,
        interrupted: bool = False,
        timed_out: bool = False,
    ) -> StudyResult:
        return StudyResult(
            record=record,
            tracking_uri=self._studies.store.tracking_uri,
            interrupted=interrupted,
            timed_out=timed_out,
            new_trials=new_trials,
            reasons=tuple(self._ends.reasons()),
            warnings=self._warnings,
            place=Place(self._studies.store, self._studies.address),
        )

    @contextlib.contextmanager
    def _others(self, ready: Ready, study: optuna.Study) -> Iterator[list[Supervisor]]:
        """Start the supervisors of all workers but the first; close them when the block ends."""
        left = self._config.trials - under_way_or_done(study)
        gpus, say = ready.devices.count("GPU"), self._progress.message
        # What the first made of `auto`: another one, that sees one device of several, would not.
        config = replace(self._config, workers=ready.workers, threads=ready.threads)
        others = [
            Supervisor(config, number % gpus if gpus else None, plain_dataset(ready), ALONE, say)
            for number in range(1, min(ready.workers, left))
        ]
        try:
            for other in others:
                other.start()
            yield others
        finally:
            for other in others:
                other.close()

    def _loop(
        self, study: optuna.Study, members: Sequence[Objective], recording: Recording
    ) -> StudyResult:
        """Run all workers to their end, then close the study's MLflow run and return the result."""
        asking = Asking(self._config, self._studies, study, self._lease, recording, self._ends)
        tasks = [partial(self._work, study, member, asking) for member in members]
        return self._closed(recording, work_side_by_side(tasks, self._stop))

    def _closed(self, recording: Recording, new: int) -> StudyResult:
        """Close the study's MLflow run, where nobody else works on it, and return the result."""
        late = self._is_late() and not (self._stop.asked or self._ends.enough)
        for line in self._ends.reasons():
            self._progress.message(line)
        interrupted = self._stop.asked and not self._ends.enough
        record = recording.close(interrupted=interrupted)
        result = self._result(record, new, interrupted=interrupted, timed_out=late)
        return replace(result, waiting=recording.recorder.delivery.waiting)

    def _work(self, study: optuna.Study, member: Objective, asking: Asking) -> int:
        """Train one trial after another; return how many ended without being interrupted."""
        new, seen = 0, None
        while not member.is_over and (trial := asking.next(seen)) is not None:
            record = member(trial)
            seen = read_together(study)
            if record.state == REFUSED and record.run_id is None:
                continue  # it never began, so that nobody was told of it
            done = finished(seen)
            self._progress.ended(record, finished=done, target=self._config.trials)
            self._outlook.ended(record)
            self._tell_left(done)
            new += record.state != KILLED
        return new

    def _tell_left(self, done: int) -> None:
        """Tell about how long this run still takes, where that is known."""
        seconds = self._outlook.left_s(self._config.trials - done)
        if seconds is not None:
            self._progress.left(seconds)
