"""Runs one trial: the sampler chooses a configuration, a child trains it, the end is stored."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from search.child.messages import Done, Failed
from search.config.limits import Limits, limits_of
from search.config.study import StudyConfig
from search.errors import SearchError, disk_full
from search.executor.death import ChildDied
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from search.executor.training import train
from search.pruners.warm_up import WarmUp
from search.space.distributions import SpaceAdapter
from search.storage.claims.lease import Lease
from search.storage.internals import frozen
from search.storage.records import trial_record
from search.storage.slots import slot_of
from search.storage.trial_attributes import (
    TrialPlan,
    owner_of_trial,
    plan_of,
    write_plan,
    write_slot,
)
from search.storage.trials import best_of
from search.storage.writes.statements import stored_at_once
from search.trial.asked import AskedValues, GrowingSpace, Hearers, met_in_words
from search.trial.conclusion import Conclusion
from search.trial.end_kinds import withdrawn
from search.trial.judge import Judge, Judging, judging_of
from search.trial.listener import Trained, TrialListener
from search.trial.progress import Progress
from search.trial.proposal import NotProposed, new_plan, proposed
from search.trial.refusals import Refusals
from search.trial.run import Curve, TrialRun
from search.trial.task import task_of
from search.trial.twins import awaited_twin, ended_as
from tracking import EndReason, Recorder, Scalar, Tag, TrialRecord


@dataclass(frozen=True, slots=True)
class Objective:
    """Runs trials of one study in a child process, and records each.

    Who is responsible for what: the `Supervisor` owns the child process; the `Judge` speaks with
    the pruner; the `TrialListener` hears the child; the `Conclusion` stores the end. This class
    puts them together for one trial. It makes the trial's folder and removes it, and leaves no
    MLflow run open, whatever happens.

    Threads: one of these belongs to one worker, and is called in that worker's thread, one trial at
    a time. Workers share study, recorder, progress, stop and lock; each has its own supervisor.

    Exceptions: a trial that fails is a record. An exception is a failure of Trialbook itself, or a
    second Ctrl-C: the child is ended, the trial queued again, and the exception goes on.

    Attributes:
        config: The study.
        study: Its Optuna study.
        adapter: Its space.
        first: The values that trial 0 tries.
        growing: The parameters of a user's own model, which asks for its values; else None.
        supervisor: Owns the child.
        lease: Says whether the trials are still this process's.
        lock: Held by one worker at a time, while it stores a trial that may lead the study.
        recorder: Writes the record.
        make_folder: Makes the folder of a trial's files.
        progress: Hears what happens.
        stop: Looked at between messages; once it is set, trials are interrupted.
        tags: The tags that the runs of all trials share.
        deadline: Monotonic time after which trials are interrupted, or None.
        refusals: Decides which proposals are not trained.
        warm_up: Before which epoch no trial with mini-batches is ended.
    """

    config: StudyConfig
    study: optuna.Study
    adapter: SpaceAdapter
    first: Mapping[str, Scalar]
    growing: GrowingSpace | None
    supervisor: Supervisor
    lease: Lease
    lock: threading.Lock
    recorder: Recorder
    make_folder: Callable[[], Path]
    progress: Progress
    stop: Stop
    tags: dict[str, str]
    deadline: float | None
    refusals: Refusals
    warm_up: WarmUp

    @property
    def conclusion(self) -> Conclusion:
        """The object that stores how a trial ended, in Optuna and in MLflow."""
        return Conclusion(self.config, self.study, self.recorder)

    @property
    def is_over(self) -> bool:
        """Whether the run must stop now: someone asked to stop, or its time is over."""
        late = self.deadline is not None and time.monotonic() > self.deadline
        return self.stop.asked or late

    @property
    def _why_over(self) -> str:
        return EndReason.INTERRUPTED if self.stop.asked else EndReason.TIMEOUT

    def _must_stop(self, trial: optuna.Trial) -> bool:
        """Whether a trial must stop now; also where it is no longer this process's."""
        return self.is_over or not self.lease.holds(owner_of_trial(frozen(trial)) or {})

    def __call__(self, trial: optuna.Trial) -> TrialRecord:
        """Run one trial that Optuna has just created: choose, train, store.

        Args:
            trial: A running trial without parameters yet.

        Returns:
            Its record; the state is "killed" where it was interrupted, and then its configuration
            is queued again, and "refused" where its model has too many weights to be trained.
        """
        record = TrialRecord(study=self.config.name, number=trial.number, params={})
        curve = Curve(monitor=self.config.monitor, sign=self.config.sign)
        run = TrialRun(trial, record, self.make_folder(), curve)
        try:
            slot = slot_of(self.study, frozen(trial))
            plan = self._propose(run, slot)
            if beyond := self.refusals.why(trial, slot, plan.values):
                return self._refuse(run, plan, beyond)
            run = self._begin_run(run, plan)
            judging = judging_of(self.config, slot, plan, self.warm_up)
            if self.growing is not None:
                return self._train_asking(run, plan, judging, self.growing)
            earlier = self._same_before(run, run.record.params)
            if earlier is not None:
                return self._reuse(run, plan, earlier)
            return self._conclude(run, self._train(run, plan, judging))
        except NotProposed:
            return self.conclusion.interrupt(run, self._why_over, None)
        except BaseException as error:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                if self.conclusion.is_taken_over(run, error):
                    self.progress.message(str(withdrawn(trial.number)))
                    return self.conclusion.withdraw(run)
                self.supervisor.close()
                self.conclusion.abandon(run, error)
            raise
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)

    def _propose(self, run: TrialRun, slot: int) -> TrialPlan:
        """Let the sampler choose a configuration, and store the trial's plan."""
        trial, plan = run.trial, new_plan(self.config, run, slot, self.tags)
        with stored_at_once(trial):
            write_slot(trial, slot)
            if self.growing is not None:
                plan = replace(plan, is_whole=False)
            elif slot == 0:
                plan = replace(plan, values=dict(self.first))
                self.adapter.teach(trial, plan.values)
            else:
                plan = replace(plan, values=proposed(self.adapter, trial, lambda: self.is_over))
            write_plan(trial, plan)
        return plan

    def _refuse(self, run: TrialRun, plan: TrialPlan, beyond: str) -> TrialRecord:
        """End a trial before it begins, since its model exceeds a limit."""
        refused = replace(run, record=self._planned(run, plan))
        return self.conclusion.refuse(refused, beyond, self.refusals.count(plan.values))

    def _planned(self, run: TrialRun, plan: TrialPlan) -> TrialRecord:
        name = self.config.value_name
        return replace(run.record, params=plan.values, objective=name, tags=plan.tags)

    def _begin_run(self, run: TrialRun, plan: TrialPlan) -> TrialRun:
        """Begin the trial's MLflow run."""
        record = self._planned(run, plan)
        run_id = self.recorder.start_trial(record)
        begun = replace(run, record=replace(record, run_id=run_id or None))
        self.progress.trial(begun.record, epochs=self.config.epochs)
        return begun

    def _same_before(self, run: TrialRun, values: Mapping[str, Scalar]) -> FrozenTrial | None:
        """An earlier trial of the same configuration whose value may be reused, or None."""
        if self.config.duplicates != "reuse":
            return None
        return awaited_twin(self.study, run.trial.number, values, lambda: self.is_over)

    def _reuse(self, run: TrialRun, plan: TrialPlan, same: FrozenTrial) -> TrialRecord:
        """End a trial untrained, with the value of an earlier trial of the same configuration."""
        earlier = trial_record(self.config.name, same, self.config.monitor)
        self.progress.message(
            f"Trial {run.trial.number} has the configuration of trial {earlier.number}: "
            "its value is reused, nothing is trained."
        )
        # What it stands for is the earlier training, so that is what `reproduce` must repeat.
        trained = plan_of(same)
        write_plan(run.trial, replace(plan, seed=trained.seed, preset=trained.preset))
        tags = {Tag.REUSED: str(earlier.number), Tag.SEED: str(trained.seed)}
        run = replace(run, record=replace(run.record, tags=dict(run.record.tags) | tags))
        for epoch in earlier.epochs:
            run.curve.add(epoch)
        return self._succeed(run, ended_as(earlier))

    def _succeed(self, run: TrialRun, done: Done) -> TrialRecord:
        """Store a training's result; of those that may lead the study, one at a time."""
        with self.lock if self.conclusion.may_lead(done) else contextlib.nullcontext():
            return self.conclusion.succeed(run, done)

    def _train_asking(
        self, run: TrialRun, plan: TrialPlan, judging: Judging, growing: GrowingSpace
    ) -> TrialRecord:
        """Train a user's own model, which asks for its values while it is built and trained."""
        run_id, number = run.record.run_id or "", run.trial.number
        stored: dict[str, Scalar] = {}

        def store(values: Mapping[str, Scalar]) -> None:
            new = {key: value for key, value in values.items() if key not in stored}
            write_plan(run.trial, replace(plan, values=dict(values), is_whole=True))
            if new and run_id:
                self.recorder.parameters(run_id, new)
            stored.update(new)

        hearers = Hearers(
            new=lambda met: self.progress.message(met_in_words(met, number, self.config.sampler)),
            store=store,
            twin=lambda values: self._same_before(run, values),
            say=self.progress.message,
        )
        is_first = Tag.BASELINE in plan.tags
        asked = AskedValues(run.trial, growing, hearers, at_defaults=is_first)
        trained = self._train(run, plan, judging, asked)
        asked.end()
        run = replace(run, record=replace(run.record, params=dict(asked.values)))
        if asked.twin is not None:
            return self._reuse(
                run, replace(plan, values=dict(asked.values), is_whole=True), asked.twin
            )
        return self._conclude(run, trained)

    def _train(
        self, run: TrialRun, plan: TrialPlan, judging: Judging, asked: AskedValues | None = None
    ) -> Trained:
        """Train a trial in the child."""
        task = task_of(
            plan,
            run.folder,
            keep_model=self.config.keep_models != "none",
            judged_from=judging.first,
            judged_by_parts=judging.by_parts,
            limits=Limits() if Tag.BASELINE in plan.tags else limits_of(self.config),
        )
        values = plan.values if asked is None else asked.values
        judge = Judge(self.config, self.study, run.trial, judging, values)
        listener = TrialListener(run, judge, self.recorder, self.progress, asked)
        peak_memory_mb = None
        try:
            ended = train(self.supervisor, task, listener, lambda: self._must_stop(run.trial))
            if ended is None:
                peak_memory_mb = self.supervisor.peak_memory_mb()
                self.supervisor.close()
        except ChildDied as error:
            text = str(error)
            ended = Failed(end_reason=error.end_reason, message=text[:1].upper() + text[1:])
        judge.write()
        return Trained(listener, ended, peak_memory_mb)

    def _conclude(self, run: TrialRun, trained: Trained) -> TrialRecord:
        """Store how a trial's training ended.

        Raises:
            SearchError: A disk is full. Or the user's model is at fault whatever the configuration,
                as far as the study has seen: none of its trials is complete.
        """
        ended = trained.ended
        if isinstance(ended, Failed) and ended.is_disk_full:
            raise disk_full(run.folder)
        if isinstance(ended, Failed) and ended.is_for_all and best_of(self.study) is None:
            raise SearchError(ended.message)
        if ended is None:
            trained.listener.write()
            return self.conclusion.interrupt(run, self._why_over, trained.peak_memory_mb)
        if isinstance(ended, Failed):
            return self.conclusion.fail(run, ended, self.supervisor.log_tail())
        return self._succeed(run, ended)
