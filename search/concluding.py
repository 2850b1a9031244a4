"""How a trial's end is stored: in Optuna first, as it is the truth, then in the record."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.config import StudyConfig
from search.endings import close_cut, make_folder, so_far, write_curve
from search.ledger import OUTCOME, PLAN, TRAINER, outcome_of, requeue
from search.messages import Done, Failed
from search.reports import Peers
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    EpochRecord,
    ModelFolder,
    Recorder,
    TrialRecord,
)


@dataclass(slots=True)
class TrialRun:
    """A trial under way.

    Attributes:
        trial: Optuna's.
        record: What is known of it.
        folder: Where its files are.
        epochs: All that were reported.
        unwritten: Those that are not on record yet.
        reported: Values by epoch that are not in Optuna's storage yet.
        peers: What its pruner compares it with.
        judged_from: First epoch that the pruner is asked about; None for none.
        best: Best value so far, the lower the better.
        peak_memory_mb: Of its process, where it had to be ended.
        flushed: Monotonic time of the last writing.
        pause_s: How long the next one waits.
        started: Monotonic time.
    """

    trial: optuna.Trial
    record: TrialRecord
    folder: Path
    epochs: list[EpochRecord] = field(default_factory=list)
    unwritten: list[EpochRecord] = field(default_factory=list)
    reported: dict[int, float] = field(default_factory=dict)
    peers: Peers | None = None
    judged_from: int | None = None
    best: float = math.inf
    peak_memory_mb: float | None = None
    flushed: float = field(default_factory=time.monotonic)
    pause_s: float = 0.5
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Stores the ends of one study's trials.

    Attributes:
        config: The study.
        study: Its Optuna study.
        recorder: Writes the record.
    """

    config: StudyConfig
    study: optuna.Study
    recorder: Recorder

    def interrupt(self, run: TrialRun, reason: str) -> TrialRecord:
        """Close a trial that has to stop now, and queue it again."""
        record = self._cut(run, KILLED, reason)
        requeue(self.study, self._frozen(run), record)
        close_cut(self.recorder, record, run.folder, monitor=self.config.monitor)
        return record

    def abandon(self, run: TrialRun, error: BaseException) -> None:
        """Leave nothing open behind a failure of our own, or a second Ctrl-C."""
        interrupted = isinstance(error, KeyboardInterrupt)
        record = self._cut(run, KILLED, "interrupted" if interrupted else "error")
        record = replace(record, message="" if interrupted else f"Trialbook itself failed: {error}")
        if not self._frozen(run).state.is_finished():
            requeue(self.study, self._frozen(run), record)
        self.recorder.kill_trial(record)

    def _frozen(self, run: TrialRun) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[run.trial.number]

    def _cut(self, run: TrialRun, state: str, reason: str) -> TrialRecord:
        """The record of a trial that did not come to its own end."""
        metrics = so_far(self.config, run.epochs)
        metrics["seconds_total"] = time.monotonic() - run.started
        if run.peak_memory_mb is not None:
            metrics["peak_memory_mb"] = run.peak_memory_mb
        return replace(
            run.record, state=state, end_reason=reason, metrics=metrics, epochs=tuple(run.epochs)
        )

    def fail(self, run: TrialRun, failed: Failed, log: str) -> TrialRecord:
        """Record a trial that failed, with the last of what its process printed."""
        detail = failed.detail or log
        if detail:
            (run.folder / "log.txt").write_text(detail, encoding="utf-8")
        record = self._cut(run, FAILED, failed.end_reason)
        metrics = dict(record.metrics) | dict(failed.metrics)
        record = replace(record, message=failed.message, metrics=metrics)
        return self._store(run, record, TrialState.FAIL, None)

    def succeed(self, run: TrialRun, done: Done) -> TrialRecord:
        """Record a trial that came to its end, complete or pruned."""
        pruned = done.end_reason == "pruned"
        value = self.config.sign * run.best if pruned else done.value
        metrics = dict(done.metrics)
        metrics["seconds_total"] = time.monotonic() - run.started
        metrics[self.config.value_name] = value
        record = replace(
            run.record,
            state=PRUNED if pruned else COMPLETE,
            end_reason=done.end_reason,
            value=value,
            metrics=metrics,
            tags=dict(run.record.tags) | {TRAINER: done.trainer},
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
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._store(run, record, state, model)

    def _keeps(self, value: float) -> bool:
        if self.config.keep_models != "best":
            return self.config.keep_models == "all"
        sign = self.config.sign
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return all(sign * value < sign * t.value for t in done if t.value is not None)

    def _store(
        self, run: TrialRun, record: TrialRecord, state: TrialState, model: ModelFolder | None
    ) -> TrialRecord:
        """Optuna first, as it is the truth; then the record."""
        run.trial.set_user_attr(OUTCOME, outcome_of(record))
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
        sign = self.config.sign
        best = min(done, key=lambda t: sign * (t.value or 0.0), default=None)
        return None if best is None else best.user_attrs[PLAN]["run_id"]

    def _log(self, run: TrialRun, record: TrialRecord, model: ModelFolder | None) -> None:
        write_curve(record, run.folder, monitor=self.config.monitor)
        files = make_folder()  # all but the model, which is logged as one
        try:
            for path in run.folder.iterdir():
                if path.is_file():
                    shutil.copy(path, files / path.name)
            self.recorder.finish_trial(record, folder=files, model=model)
        finally:
            shutil.rmtree(files, ignore_errors=True)
