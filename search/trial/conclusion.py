"""Stores how a trial ended: first in Optuna, which is authoritative, then in its MLflow run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.child.messages import Done, Failed
from search.config.goals import GOALS, figures_of
from search.config.limits import exceeds, limits_of
from search.config.parts import part_kind
from search.config.study import StudyConfig
from search.errors import USER_ERRORS
from search.storage.direction import known_value_of
from search.storage.internals import as_last_read
from search.storage.queue import requeue
from search.storage.records import so_far
from search.storage.trial_attributes import run_id_of
from search.storage.trials import best_of, state_of
from search.trial.end_kinds import no_number, state_at_end, withdrawn
from search.trial.files import (
    end_of_log,
    gathered,
    is_drawn,
    picture_of,
    write_curve,
    write_log,
)
from search.trial.interruption import close_cut
from search.trial.run import TrialRun
from search.trial.telling import tell
from tracking import (
    BEYOND,
    FAILED,
    KILLED,
    REFUSED,
    EndReason,
    ModelFolder,
    Recorder,
    Tag,
    TrialRecord,
    Withdrawn,
    reference,
)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Stores how each trial of one study ended, in Optuna and in MLflow.

    Who is responsible for what: `succeed`, `fail` and `interrupt` each store one kind of end in
    both stores and return the trial's record. The caller calls one of them for a trial, under the
    lock of the workers, since which trial leads must not change meanwhile. The trial's folder is
    the caller's, who removes it.

    Order: all that the record needs is kept first, then Optuna is told, then MLflow. Where the
    record fails after that, the trial has ended all the same. `abandon` is for exceptions, also
    those of the other three: it is called without the lock, and queues the trial again only where
    Optuna does not have its end yet.

    Attributes:
        config: The study.
        study: Its Optuna study.
        recorder: Writes the record.
    """

    config: StudyConfig
    study: optuna.Study
    recorder: Recorder

    def interrupt(self, run: TrialRun, reason: str, peak_memory_mb: float | None) -> TrialRecord:
        """Close a trial that has to stop now, and queue its configuration again.

        Args:
            run: The trial.
            reason: "interrupted" or "timeout".
            peak_memory_mb: Peak memory of its process in MB, where that is known.

        Returns:
            The trial's record, its state "killed".
        """
        record = self._cut(run, KILLED, reason)
        if peak_memory_mb is not None:
            metrics = {**record.metrics, "peak_memory_mb": peak_memory_mb}
            record = replace(record, metrics=metrics)
        if not requeue(self.study, self._stored(run), record):
            raise withdrawn(run.trial.number)
        close_cut(self.recorder, record, run.folder)
        return record

    def abandon(self, run: TrialRun, error: BaseException) -> None:
        """Close and requeue a trial that something other than its training ended.

        That is a second Ctrl-C, data that cannot be had any more, or a failure of Trialbook.

        Args:
            run: The trial.
            error: What ends it: a second Ctrl-C, a failure, or a fault of the user's model that
                every trial would have.
        """
        interrupted = isinstance(error, KeyboardInterrupt)
        record = self._cut(run, KILLED, EndReason.INTERRUPTED if interrupted else EndReason.ERROR)
        ours = "" if isinstance(error, USER_ERRORS) else "Trialbook itself failed: "
        record = replace(record, message="" if interrupted else f"{ours}{error}")
        requeue(self.study, self._stored(run), record)
        if state_of(self._stored(run)) == KILLED:  # else its end is recorded
            self.recorder.kill_trial(record)

    def is_taken_over(self, run: TrialRun, error: BaseException) -> bool:
        """Whether an exception came of it that another process has taken a trial over."""
        is_closed = isinstance(error, Exception) and state_of(self._stored(run)) == KILLED
        return is_closed or isinstance(error, Withdrawn)

    def withdraw(self, run: TrialRun) -> TrialRecord:
        """Close what is known here of a trial that another process has taken over.

        Args:
            run: The trial, which that process has closed and queued again.

        Returns:
            The trial's record, its state "killed".
        """
        record = self._cut(run, KILLED, EndReason.INTERRUPTED)
        self.recorder.kill_trial(record)
        return record

    def fail(self, run: TrialRun, failed: Failed, log: str) -> TrialRecord:
        """Store a trial that failed.

        Args:
            run: The trial.
            failed: Why it failed.
            log: The last of what its process printed, kept where there is no traceback.

        Returns:
            The trial's record.
        """
        write_log(run.folder, failed.detail or log)
        record = self._cut(run, FAILED, failed.end_reason)
        metrics = dict(record.metrics) | dict(failed.metrics)
        record = replace(record, message=failed.message, metrics=metrics)
        return self._store(run, record, TrialState.FAIL, [])

    def succeed(self, run: TrialRun, done: Done) -> TrialRecord:
        """Store a trial that came to its end: complete, pruned, or refused for a limit.

        Args:
            run: The trial.
            done: Its value, figures and models.

        Returns:
            The trial's record; "failed" where its value is no finite number, or a goal of the study
            is missing in the figures.
        """
        pruned = done.end_reason in (EndReason.PRUNED, EndReason.LIMIT)
        value = run.curve.best if pruned else done.value
        if not pruned and not math.isfinite(done.value):
            return self.fail(run, no_number(self.config.monitor, done.value), "")
        metrics = {name: figure for name, figure in done.metrics.items() if math.isfinite(figure)}
        metrics["seconds_total"] = run.seconds
        if value is not None:
            metrics[self.config.value_name] = value
        missing = [goal for goal in self.config.objectives[1:] if GOALS[goal] not in metrics]
        if missing and not pruned:
            text = f"`objectives` has `{missing[0]}`, which is not known of this model."
            return self.fail(
                run, Failed(end_reason=EndReason.ERROR, message=text, metrics=metrics), ""
            )
        tags = dict(run.record.tags) | {Tag.TRAINER: done.trainer}
        if exceeds(metrics, limits_of(self.config)):
            tags[BEYOND] = "true"
        record = replace(
            run.record,
            state=state_at_end(run.curve.epochs, done),
            end_reason=done.end_reason,
            message="; ".join(filter(None, (run.curve.why_pruned, done.message))),
            value=value,
            metrics=metrics,
            tags=tags,
            epochs=tuple(run.curve.epochs),
        )
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._store(run, record, state, self._models(run, done, record))

    def refuse(self, run: TrialRun, message: str, parameters: int | None) -> TrialRecord:
        """Store a configuration that a limit keeps from being trained; it has no MLflow run.

        Args:
            run: The trial.
            message: Which limit, in words.
            parameters: Weights of its model; None where they were not counted.

        Returns:
            The trial's record, its state "refused".
        """
        done = Done.beyond(message, parameters)
        record = replace(
            run.record,
            state=REFUSED,
            end_reason=done.end_reason,
            message=message,
            metrics=done.metrics,
        )
        tell(self.study, run.trial, record, TrialState.PRUNED, None)
        return record

    def _stored(self, run: TrialRun) -> FrozenTrial:
        """The trial as it is in Optuna's storage now."""
        return self.study.get_trials(deepcopy=False)[run.trial.number]

    def _cut(self, run: TrialRun, state: str, reason: str) -> TrialRecord:
        """Make the record of a trial that was interrupted or failed, with its epochs so far."""
        epochs = run.curve.epochs
        metrics = so_far(self.config, epochs) | {"seconds_total": run.seconds}
        return replace(
            run.record, state=state, end_reason=reason, metrics=metrics, epochs=tuple(epochs)
        )

    def _models(self, run: TrialRun, done: Done, record: TrialRecord) -> list[ModelFolder]:
        """List a trial's models to keep: one, or one for each fold or repeat if there are several.

        Each of several models is stored with the name of the metric that holds its value.
        """
        if done.model_kind is None or not self._keeps(record):
            return []
        several = len(done.models) > 1
        models = []
        for number, name in enumerate(done.models, 1):
            figure = f"{done.parts or part_kind(self.config)}_{number}/{self.config.value_name}"
            models.append(
                ModelFolder(
                    path=run.folder / name,
                    kind=done.model_kind,
                    name=name,
                    figure=figure if several else None,
                    is_raw=done.raw,
                )
            )
        return models

    def _keeps(self, record: TrialRecord) -> bool:
        """Whether to keep a trial's models: the study keeps all, none, or the best trial's."""
        if record.value is None or not self._may_keep(record.value):
            return False
        return self.config.keep_models == "all" or BEYOND not in record.tags

    def may_lead(self, done: Done) -> bool:
        """Whether a training's models may replace those of the best trial, as was read last.

        The best only becomes better: one that is behind what was read last is behind by now too.
        """
        return self.config.keep_models == "best" and self._leads(
            done.value, as_last_read(self.study)
        )

    def _may_keep(self, value: float) -> bool:
        """Whether the models of a trial with such a value are kept, as the study stands now."""
        if self.config.keep_models != "best":
            return self.config.keep_models == "all"
        return self._leads(value, self.study)

    def _leads(self, value: float, study: optuna.Study) -> bool:
        best = best_of(study)
        sign = self.config.sign
        return best is None or sign * value < sign * known_value_of(best)

    def _store(
        self, run: TrialRun, record: TrialRecord, state: TrialState, models: list[ModelFolder]
    ) -> TrialRecord:
        """Store how a trial ended: first in Optuna, then in MLflow.

        If the study keeps the best model alone, the model of the previous best trial is dropped.
        """
        keeps_best = self.config.keep_models == "best" and bool(models)
        # Whether a picture is drawn is worth no reading.
        best = best_of(self.study if keeps_best else as_last_read(self.study))
        displaced = None
        if keeps_best and best is not None:
            displaced = run_id_of(best) or reference(self.config.name, best.number)
        values = None
        if state == TrialState.COMPLETE and record.value is not None:
            goals = list(self.config.objectives)
            values = figures_of(goals, record.value, record.metrics)
        drawn = is_drawn(record, self.config, None if best is None else known_value_of(best))
        write_curve(record, run.folder)
        log = end_of_log(run.folder) if record.state == FAILED else ""
        self.recorder.finish_trial(
            replace(record, picture=picture_of(self.config) if drawn else None),
            folder=gathered(run.folder),
            models=models,
            epochs=run.curve.unwritten,
            tell=partial(tell, self.study, run.trial, record, state, values, log=log),
            replaces=displaced,
        )
        return record
