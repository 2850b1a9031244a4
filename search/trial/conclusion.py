"""How a trial's end is stored: in Optuna first, as it is the truth, then in the record."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.child.messages import Done, Failed
from search.config.goals import GOALS, figures_of
from search.config.limits import exceeds, limits_of
from search.config.parts import part_kind
from search.config.study import StudyConfig
from search.storage.bulk import Peers
from search.storage.trials import (
    LIMIT,
    OUTCOME,
    PLAN,
    TRAINER,
    is_beyond,
    outcome_of,
    requeue,
    value_of,
)
from search.trial.interruption import close_cut, make_folder, so_far, write_curve
from tracking import (
    BEYOND,
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
        judged_by_parts: Whether the pruner is asked after each part instead.
        compared: Whether its epochs may be compared with those of other trials.
        parts: Values of the parts that came to their end.
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
    judged_by_parts: bool = False
    compared: bool = True
    parts: list[float] = field(default_factory=list)
    best: float = math.inf
    peak_memory_mb: float | None = None
    flushed: float = field(default_factory=time.monotonic)
    pause_s: float = 0.5
    started: float = field(default_factory=time.monotonic)

    def note(self, epoch: EpochRecord) -> None:
        """Keep an epoch; one of a later part is added to that of the first."""
        self.unwritten.append(epoch)
        place = epoch.epoch - 1
        if place < len(self.epochs):
            old = self.epochs[place]
            metrics = {**old.metrics, **epoch.metrics}
            self.epochs[place] = replace(old, seconds=old.seconds + epoch.seconds, metrics=metrics)
        else:
            self.epochs.append(epoch)


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
        return self._store(run, record, TrialState.FAIL, [])

    def succeed(self, run: TrialRun, done: Done) -> TrialRecord:
        """Record a trial that came to its end: complete, pruned, or beyond a limit."""
        pruned = done.end_reason in ("pruned", LIMIT)
        best = self.config.sign * run.best if math.isfinite(run.best) else None
        value = best if pruned else done.value
        metrics = {name: each for name, each in done.metrics.items() if math.isfinite(each)}
        metrics["seconds_total"] = time.monotonic() - run.started
        if value is not None:
            metrics[self.config.value_name] = value
        tags = dict(run.record.tags) | {TRAINER: done.trainer}
        missing = [goal for goal in self.config.objectives[1:] if GOALS[goal] not in metrics]
        if missing and not pruned:
            text = f"`objectives` has `{missing[0]}`, which is not known of this model."
            return self.fail(run, Failed(end_reason="error", message=text, metrics=metrics), "")
        if exceeds(metrics, limits_of(self.config)):
            tags[BEYOND] = "true"
        record = replace(
            run.record,
            state=PRUNED if pruned else COMPLETE,
            end_reason=done.end_reason,
            message=done.message,
            value=value,
            metrics=metrics,
            tags=tags,
            epochs=tuple(run.epochs),
        )
        models: list[ModelFolder] = []
        keeps = value is not None and self._keeps(value, within=BEYOND not in tags)
        if done.model_kind is not None and keeps:
            models = [self._model(run, done, number) for number in range(len(done.models))]
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._store(run, record, state, models)

    def _model(self, run: TrialRun, done: Done, number: int) -> ModelFolder:
        """One of the models that a trial left, with the figure that is its own."""
        user, movie = done.id_types
        several = len(done.models) > 1
        own = f"{part_kind(self.config)}_{number + 1}/" if several else ""
        assert done.model_kind is not None
        return ModelFolder(
            path=run.folder / done.models[number],
            kind=done.model_kind,
            user_id_type=user,
            movie_id_type=movie,
            name=done.models[number],
            figure=own + self.config.value_name if several else None,
        )

    def _keeps(self, value: float, *, within: bool) -> bool:
        if self.config.keep_models != "best":
            return self.config.keep_models == "all"
        sign = self.config.sign
        earlier = [value_of(t) for t in self._ranking()]
        return within and all(sign * value < sign * each for each in earlier if each is not None)

    def _ranking(self) -> list[FrozenTrial]:
        """Complete trials within the limits."""
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [trial for trial in done if not is_beyond(trial)]

    def _store(
        self, run: TrialRun, record: TrialRecord, state: TrialState, models: list[ModelFolder]
    ) -> TrialRecord:
        """Optuna first, as it is the truth; then the record."""
        run.trial.set_user_attr(OUTCOME, outcome_of(record))
        keeps_best = self.config.keep_models == "best" and bool(models)
        earlier = self._best_run() if keeps_best else None
        values = None
        if state == TrialState.COMPLETE and record.value is not None:
            goals = list(self.config.objectives)
            values = figures_of(goals, record.value, record.metrics)
        self.study.tell(run.trial, values, state=state)
        self._log(run, record, models)
        if earlier:
            self.recorder.drop_model(earlier)
        return record

    def _best_run(self) -> str | None:
        """The run of the best complete trial within the limits so far."""
        sign = self.config.sign
        best = min(self._ranking(), key=lambda t: sign * (value_of(t) or 0.0), default=None)
        return None if best is None else best.user_attrs[PLAN]["run_id"]

    def _log(self, run: TrialRun, record: TrialRecord, models: list[ModelFolder]) -> None:
        write_curve(record, run.folder, monitor=self.config.monitor)
        files = make_folder()  # all but the model, which is logged as one
        try:
            for path in run.folder.iterdir():
                if path.is_file():
                    shutil.copy(path, files / path.name)
            self.recorder.finish_trial(record, folder=files, models=models, epochs=run.unwritten)
        finally:
            shutil.rmtree(files, ignore_errors=True)
