"""One trial from its proposal to its record."""

from __future__ import annotations

import contextlib
import math
import shutil
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import optuna
from optuna.trial import FrozenTrial

from search.child.messages import Done, Failed, Part, Task
from search.config.limits import Limits, limits_of
from search.config.study import StudyConfig
from search.executor.interrupts import Stop
from search.executor.supervisor import ChildDied, Supervisor
from search.pruners.factory import first_judged, has_small_batches, judges_parts, same_shape
from search.seeds import training_seed
from search.space.distributions import SpaceAdapter
from search.storage.bulk import Peers, since, stored_at_once, write_reports
from search.storage.owner import OWNER, me
from search.storage.slots import RECIPE, SLOT, slot_of
from search.storage.trials import PLAN, TRAINER, same_before, trial_record, twin_under_way
from search.trial.conclusion import Conclusion, TrialRun
from search.trial.interruption import make_folder
from search.trial.progress import Progress
from tracking import EpochRecord, Recorder, Scalar, TrialRecord

_LONGEST_PAUSE_S = 4.0
_TWIN_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Objective:
    """Runs trials of one study in the supervised child and records each.

    Attributes:
        config: The study.
        study: Its Optuna study.
        adapter: Its space.
        first: What trial 0 tries.
        supervisor: Owns the child.
        lock: Of what one worker does at a time: the end of a trial in both stores.
        recorder: Writes the record.
        progress: Is told what happens.
        stop: Is looked at between messages.
        tags: What every trial's run is tagged with.
        deadline: Monotonic time after which trials are interrupted, or None.
    """

    config: StudyConfig
    study: optuna.Study
    adapter: SpaceAdapter
    first: Mapping[str, Scalar]
    supervisor: Supervisor
    lock: threading.Lock
    recorder: Recorder
    progress: Progress
    stop: Stop
    tags: dict[str, str]
    deadline: float | None

    @property
    def conclusion(self) -> Conclusion:
        """Where a trial's end goes."""
        return Conclusion(self.config, self.study, self.recorder)

    def __call__(self, trial: optuna.Trial) -> TrialRecord:
        """Run one trial that was asked for.

        Returns:
            Its record; state "killed" when it was interrupted, and then it is queued again.
        """
        record = TrialRecord(study=self.config.name, number=trial.number, params={})
        run = TrialRun(trial, record, make_folder())
        try:
            task = self._begin(run)
            earlier = self._same_before(run, task)
            if earlier is not None:
                return self._reuse(run, earlier)
            return self._conclude(run, task)
        except BaseException as error:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self.supervisor.close()
                self.conclusion.abandon(run, error)
            raise
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)

    def _begin(self, run: TrialRun) -> Task:
        trial = run.trial
        frozen = trial._cached_frozen_trial
        slot = slot_of(self.study, frozen)
        seed = training_seed(self.config.seed, slot)
        preset = self._preset(slot)
        tags = self.tags | {"trialbook.seed": str(seed), "trialbook.slot": str(slot)}
        if recipe := trial.user_attrs.get(RECIPE):
            tags["trialbook.recipe"] = recipe
        if slot == 0:
            tags["trialbook.baseline"] = "true"
        plan: dict[str, object] = {
            "seed": seed,
            "preset": preset,
            "epochs": self.config.epochs,
            "run_id": None,
            "tags": tags,
            "folder": str(run.folder),
        }
        with stored_at_once(trial):
            trial.set_user_attr(OWNER, me())
            if SLOT not in trial.user_attrs:
                trial.set_user_attr(SLOT, slot)
            if slot == 0:
                values = dict(self.first)
                self.adapter.teach(trial, values)
            else:
                values = self.adapter.sample(trial)
            plan["values"] = values
            trial.set_user_attr(PLAN, plan)
        by_parts = judges_parts(self.config)
        if (
            slot > 0 and self.config.pruner != "none"
        ):  # the baseline is what others are held against
            run.judged_by_parts = by_parts
            if not by_parts:
                run.judged_from = first_judged(
                    self.config.pruner,
                    self.config.pruner_options,
                    small=has_small_batches(values),
                    growth=self.config.growth,
                )
        # A preset sees all rows from the start, so that its epochs are not the others'.
        run.compared = not by_parts and not (self.config.growth and preset is not None)
        record = replace(run.record, params=values, objective=self.config.value_name, tags=tags)
        run_id = self.recorder.start_trial(record)
        run.record = replace(record, run_id=run_id or None)
        trial.set_user_attr(PLAN, plan | {"run_id": run_id})
        self.progress.trial(run.record, epochs=self.config.epochs)
        return Task(
            values=values,
            preset=preset,
            seed=seed,
            epochs=self.config.epochs,
            folder=run.folder,
            keep_model=self.config.keep_models != "none",
            judged_from=run.judged_from,
            judged_by_parts=run.judged_by_parts,
            limits=Limits() if slot == 0 else limits_of(self.config),
        )

    def _same_before(self, run: TrialRun, task: Task) -> FrozenTrial | None:
        """An earlier trial of the same configuration whose value may be reused, or None.

        One that another worker trains just now is waited for.
        """
        if self.config.duplicates != "reuse":
            return None
        while twin_under_way(self.study, run.trial.number, task.values) and not self.is_over:
            time.sleep(_TWIN_PAUSE_S)
        return same_before(self.study, run.trial.number, task.values)

    def _reuse(self, run: TrialRun, same: FrozenTrial) -> TrialRecord:
        """End a trial with what an equal one came to, without training."""
        earlier = trial_record(self.config.name, same, self.config.monitor)
        self.progress.message(
            f"Trial {run.trial.number} has the configuration of trial {earlier.number}: "
            "its value is reused, nothing is trained."
        )
        # What it stands for is the earlier training, so that is what `reproduce` must repeat.
        seeded = {name: same.user_attrs[PLAN][name] for name in ("seed", "preset")}
        run.trial.set_user_attr(PLAN, run.trial.user_attrs[PLAN] | seeded)
        tags = {"trialbook.reused": str(earlier.number), "trialbook.seed": str(seeded["seed"])}
        run.record = replace(run.record, tags=dict(run.record.tags) | tags)
        run.epochs = list(earlier.epochs)
        run.unwritten = list(earlier.epochs)
        values = [e.metrics.get(self.config.monitor, math.nan) for e in earlier.epochs]
        finite = [self.config.sign * value for value in values if math.isfinite(value)]
        run.best = min(finite, default=math.inf)
        done = Done(
            end_reason=earlier.end_reason,
            value=math.nan if earlier.value is None else earlier.value,
            metrics=earlier.metrics,
            trainer=earlier.tags.get(TRAINER, "keras"),
        )
        with self.lock:
            return self.conclusion.succeed(run, done)

    def _preset(self, slot: int) -> str | None:
        if self.config.model in ("baseline", "as-written"):
            return self.config.model
        return "baseline" if slot == 0 and self.config.rates else None

    def _conclude(self, run: TrialRun, task: Task) -> TrialRecord:
        try:
            self.supervisor.submit(task)
            ended = self._listen(run)
        except ChildDied as error:
            text = str(error)
            ended = Failed(end_reason=error.end_reason, message=text[:1].upper() + text[1:])
        self._write_reports(run)
        with self.lock:
            if ended is None:
                self._flush(run)
                reason = "interrupted" if self.stop.asked else "timeout"
                return self.conclusion.interrupt(run, reason)
            if isinstance(ended, Failed):
                return self.conclusion.fail(run, ended, self.supervisor.log_tail())
            return self.conclusion.succeed(run, ended)

    @property
    def is_over(self) -> bool:
        """Whether trials under way are to be interrupted, and none is to begin."""
        late = self.deadline is not None and time.monotonic() > self.deadline
        return self.stop.asked or late

    def _listen(self, run: TrialRun) -> Done | Failed | None:
        while True:
            message = self.supervisor.poll(0.1)
            if isinstance(message, EpochRecord):
                self._epoch(run, message)
            elif isinstance(message, Part):
                self._part(run, message)
            elif isinstance(message, Done | Failed):
                return message
            if self.is_over:
                run.peak_memory_mb = self.supervisor.peak_memory_mb()
                self.supervisor.close()
                return None
            if run.unwritten and time.monotonic() - run.flushed > run.pause_s:
                self._flush(run)

    def _epoch(self, run: TrialRun, epoch: EpochRecord) -> None:
        run.note(epoch)
        goes_on = True
        is_first_part = self.config.monitor in epoch.metrics
        value = epoch.metrics.get(self.config.monitor, math.nan)
        is_judged = run.judged_from is not None and epoch.epoch >= run.judged_from and is_first_part
        if math.isfinite(value):
            run.best = min(run.best, self.config.sign * value)
            if run.compared:
                self._report(run, epoch.epoch, self.config.sign * run.best)
            goes_on = not (is_judged and self._prunes(run))
        if is_judged:
            self.supervisor.reply(goes_on)
        self.progress.epoch(run.record, epoch, self.config.sign * run.best)

    def _part(self, run: TrialRun, part: Part) -> None:
        """Take the value of a part; where the pruner compares parts, say whether to go on."""
        run.parts.append(part.value)
        run.best = self.config.sign * statistics.mean(run.parts)
        if not judges_parts(self.config):
            return
        self._report(run, part.number, part.value)
        if run.judged_by_parts:
            self.supervisor.reply(not self._prunes(run))

    def _report(self, run: TrialRun, step: int, value: float) -> None:
        """Note a value that is to be compared with other trials' at the same step."""
        run.trial._cached_frozen_trial.intermediate_values[step] = value
        run.reported[step] = value

    def _prunes(self, run: TrialRun) -> bool:
        frozen = run.trial._cached_frozen_trial
        # The signed ranks are of all reports, the others look at the last one.
        epochs = self.config.pruner == "wilcoxon" and not run.judged_by_parts
        first = (run.judged_from or 0) if epochs else 0
        if run.peers is None:
            if run.judged_by_parts:  # whose values say the same whatever the shape
                run.peers = Peers(self.study, frozen)
            else:
                alike = partial(same_shape, run.record.params)
                run.peers = Peers(self.study, frozen, alike, first)
        judged = since(frozen, first) if first else frozen
        return self.study.pruner.prune(cast("optuna.Study", run.peers), judged)

    def _write_reports(self, run: TrialRun) -> None:
        write_reports(self.study, run.trial, run.reported)
        run.reported = {}

    def _flush(self, run: TrialRun) -> None:
        self._write_reports(run)
        if run.unwritten and run.record.run_id:
            self.recorder.epochs(run.record.run_id, run.unwritten)
        run.unwritten = []
        run.flushed, run.pause_s = time.monotonic(), min(2 * run.pause_s, _LONGEST_PAUSE_S)
