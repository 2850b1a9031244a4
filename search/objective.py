"""One trial from its proposal to its record."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from search.adapter import SpaceAdapter
from search.config import StudyConfig
from search.interrupts import Stop
from search.ledger import OUTCOME, PLAN, pack_curve, requeue
from search.messages import Done, Failed, Task
from search.ownership import OWNER, me
from search.progress import Progress
from search.samplers import training_seed
from search.slots import SLOT, slot_of
from search.space import baseline_values
from search.supervisor import ChildDied, Supervisor
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    EpochRecord,
    ModelFolder,
    Recorder,
    TrialRecord,
    draw_trial,
)

_FLUSH_S = 0.5


def first_values(config: StudyConfig, adapter: SpaceAdapter) -> dict[str, Any]:
    """What trial 0 tries: the published baseline, or a user's own model at its defaults."""
    return baseline_values() if config.model == "ratings" else adapter.defaults()


@dataclass(slots=True)
class _Run:
    """A trial under way."""

    trial: optuna.Trial
    record: TrialRecord
    folder: Path
    epochs: list[EpochRecord] = field(default_factory=list)
    unwritten: list[EpochRecord] = field(default_factory=list)
    best: float = math.inf
    flushed: float = 0.0
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Objective:
    """Runs trials of one study in the supervised child and records each.

    Attributes:
        config: The study.
        study: Its Optuna study.
        adapter: Its space.
        supervisor: Owns the child.
        recorder: Writes the record.
        progress: Is told what happens.
        stop: Is looked at between messages.
        tags: What every trial's run is tagged with.
        deadline: Monotonic time after which trials are interrupted, or None.
    """

    config: StudyConfig
    study: optuna.Study
    adapter: SpaceAdapter
    supervisor: Supervisor
    recorder: Recorder
    progress: Progress
    stop: Stop
    tags: dict[str, str]
    deadline: float | None

    def __call__(self, trial: optuna.Trial) -> TrialRecord:
        """Run one trial that was asked for.

        Returns:
            Its record; state "killed" when it was interrupted, and then it is queued again.
        """
        run, task = self._begin(trial)
        try:
            return self._conclude(run, task)
        finally:
            shutil.rmtree(run.folder, ignore_errors=True)

    def _begin(self, trial: optuna.Trial) -> tuple[_Run, Task]:
        trial.set_user_attr(OWNER, me())
        frozen = trial._cached_frozen_trial
        slot = slot_of(self.study, frozen)
        seed = training_seed(self.config.seed, slot)
        preset = self._preset(slot)
        values = first_values(self.config, self.adapter) if slot == 0 else None
        if values is None:
            values = self.adapter.sample(trial)
        else:
            self.adapter.teach(trial, values)
        folder = Path(tempfile.mkdtemp(prefix="trialbook-"))
        tags = self.tags | {"trialbook.seed": str(seed), "trialbook.slot": str(slot)}
        if slot == 0:
            tags["trialbook.baseline"] = "true"
        record = TrialRecord(
            study=self.config.name,
            number=trial.number,
            params=values,
            objective=self.config.value_name,
            tags=tags,
        )
        run_id = self.recorder.start_trial(record)
        record = replace(record, run_id=run_id or None)
        plan = {"values": values, "seed": seed, "preset": preset, "run_id": run_id, "tags": tags}
        trial.set_user_attr(SLOT, slot)
        trial.set_user_attr(PLAN, plan | {"epochs": self.config.epochs})
        self.progress.trial(record, epochs=self.config.epochs)
        task = Task(
            values=values,
            preset=preset,
            seed=seed,
            epochs=self.config.epochs,
            folder=folder,
            keep_model=self.config.keep_models != "none",
        )
        return _Run(trial, record, folder), task

    def _preset(self, slot: int) -> str | None:
        if self.config.model in ("baseline", "as-written"):
            return self.config.model
        return "baseline" if slot == 0 and self.config.rates else None

    def _conclude(self, run: _Run, task: Task) -> TrialRecord:
        try:
            self.supervisor.submit(task)
            ended = self._listen(run)
        except ChildDied as error:
            text = str(error)
            ended = Failed(end_reason=error.end_reason, message=text[:1].upper() + text[1:])
        if ended is None:
            return self._interrupt(run)
        if isinstance(ended, Failed):
            return self._fail(run, ended)
        return self._succeed(run, ended)

    def _listen(self, run: _Run) -> Done | Failed | None:
        while True:
            message = self.supervisor.poll(0.1)
            if self.stop.asked or (self.deadline and time.monotonic() > self.deadline):
                self.supervisor.close()
                return None
            if isinstance(message, EpochRecord):
                self._epoch(run, message)
            elif isinstance(message, Done | Failed):
                self._flush(run)
                return message
            if run.unwritten and time.monotonic() - run.flushed > _FLUSH_S:
                self._flush(run)

    def _epoch(self, run: _Run, epoch: EpochRecord) -> None:
        run.epochs.append(epoch)
        run.unwritten.append(epoch)
        goes_on = True
        value = epoch.metrics.get(self.config.monitor)
        if value is not None and math.isfinite(value):
            sign = 1.0 if self.config.direction == "minimize" else -1.0
            run.best = min(run.best, sign * value)
            run.trial.report(sign * run.best, epoch.epoch)
            goes_on = not self._prunes(run.trial)
        self.supervisor.reply(goes_on)
        self.progress.epoch(epoch, run.best if self.config.direction == "minimize" else -run.best)

    def _prunes(self, trial: optuna.Trial) -> bool:
        """Ask the pruner; the baseline is never pruned, since others are held against it."""
        is_baseline = slot_of(self.study, trial._cached_frozen_trial) == 0
        return not is_baseline and trial.should_prune()

    def _flush(self, run: _Run) -> None:
        if run.unwritten and run.record.run_id:
            self.recorder.epochs(run.record.run_id, run.unwritten)
        run.unwritten = []
        run.flushed = time.monotonic()

    def _interrupt(self, run: _Run) -> TrialRecord:
        self._flush(run)
        frozen = self.study.get_trials(deepcopy=False)[run.trial.number]
        reason = "interrupted" if self.stop.asked else "timeout"
        requeue(self.study, frozen, reason)
        if run.record.run_id:
            self.recorder.kill_trial(run.record.run_id)
        return replace(run.record, state=KILLED, end_reason=reason)

    def _fail(self, run: _Run, failed: Failed) -> TrialRecord:
        self._flush(run)
        detail = failed.detail or self.supervisor.log_tail()
        if detail:
            (run.folder / "log.txt").write_text(detail, encoding="utf-8")
        record = replace(
            run.record,
            state=FAILED,
            end_reason=failed.end_reason,
            message=failed.message,
            metrics=failed.metrics,
            epochs=tuple(run.epochs),
        )
        return self._store(run, record, TrialState.FAIL, None)

    def _succeed(self, run: _Run, done: Done) -> TrialRecord:
        pruned = done.end_reason == "pruned"
        sign = 1.0 if self.config.direction == "minimize" else -1.0
        value = sign * run.best if pruned else done.value
        metrics = dict(done.metrics)
        metrics["seconds_total"] = time.monotonic() - run.started
        metrics[self.config.value_name] = value
        record = replace(
            run.record,
            state=PRUNED if pruned else COMPLETE,
            end_reason=done.end_reason,
            value=value,
            metrics=metrics,
            epochs=tuple(run.epochs),
        )
        model = None
        if done.model_kind is not None and self._keeps(value):
            user, movie = done.id_types
            model = ModelFolder(
                path=run.folder / "model",
                kind=done.model_kind,
                user_id_type=user,
                movie_id_type=movie,
            )
        draw_trial(record, run.folder / "learning_curve.png", monitor=self.config.monitor)
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._store(run, record, state, model)

    def _keeps(self, value: float) -> bool:
        if self.config.keep_models != "best":
            return self.config.keep_models == "all"
        sign = 1.0 if self.config.direction == "minimize" else -1.0
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return all(sign * value < sign * t.value for t in done if t.value is not None)

    def _store(
        self, run: _Run, record: TrialRecord, state: TrialState, model: ModelFolder | None
    ) -> TrialRecord:
        """Optuna first, as it is the truth; then the record."""
        run.trial.set_user_attr(
            OUTCOME,
            {
                "state": record.state,
                "end_reason": record.end_reason,
                "message": record.message,
                "metrics": dict(record.metrics),
                "curve": pack_curve(record.epochs),
            },
        )
        complete = state == TrialState.COMPLETE
        keeps_best = self.config.keep_models == "best" and model is not None
        earlier = self._best_run() if keeps_best else None
        self.study.tell(run.trial, record.value if complete else None, state=state)
        self._log(run, record, model)
        if earlier:
            self.recorder.drop_model(earlier)
        return record

    def _best_run(self) -> str | None:
        """The run of the best complete trial so far."""
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        sign = 1.0 if self.config.direction == "minimize" else -1.0
        best = min(done, key=lambda t: sign * (t.value or 0.0), default=None)
        return None if best is None else best.user_attrs[PLAN]["run_id"]

    def _log(self, run: _Run, record: TrialRecord, model: ModelFolder | None) -> None:
        files = Path(tempfile.mkdtemp(prefix="trialbook-"))
        try:
            for path in run.folder.iterdir():
                if path.is_file():
                    shutil.copy(path, files / path.name)
            self.recorder.finish_trial(record, folder=files, model=model)
        finally:
            shutil.rmtree(files, ignore_errors=True)
