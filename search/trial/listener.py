"""Follows a running trial: keeps its curve, asks the pruner, and writes to both stores."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from search.child.messages import Answer, Done, Failed, Part
from search.executor.training import Listener
from search.space.parameters import Parameter
from search.storage.trial_folders import keep_epochs
from search.trial.asked import AskedValues
from search.trial.judge import Judge
from search.trial.progress import Progress
from search.trial.run import TrialRun
from tracking import EpochRecord, Recorder

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 4.0


class TrialListener(Listener):
    """Passes a trial's epochs, folds and repeats on to the pruner, Optuna, MLflow and the display.

    Epochs are written two seconds after the trial began, then every four seconds: a write costs
    the same for one epoch as for fifty, and the child may wait meanwhile.
    """

    def __init__(
        self,
        run: TrialRun,
        judge: Judge,
        recorder: Recorder,
        progress: Progress,
        asked: AskedValues | None = None,
    ) -> None:
        """Keep the receivers of the trial's epochs; nothing is written yet.

        Args:
            run: The trial, its MLflow run begun.
            judge: Asks the pruner about the trial.
            recorder: Writes the trial's epochs to MLflow.
            progress: The display that is shown them.
            asked: Chooses the values that the trial's model asks for; None where it asks for none.
        """
        self._asked = asked
        self._run = run
        self._judge = judge
        self._recorder = recorder
        self._progress = progress
        self._written = time.monotonic()
        self._pause_s = _FIRST_PAUSE_S

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Add an epoch to the trial's curve; if the child waits for an answer, ask the pruner."""
        curve = self._run.curve
        curve.add(record)
        keep_epochs(self._run.folder, [record])
        goes_on = True
        if math.isfinite(record.metrics.get(curve.monitor, math.nan)):
            if self._judge.judging.tells_epochs:
                self._judge.tell(record.epoch, curve.sign * curve.lowest)
            goes_on = not (is_asked and self._prunes())
        self._progress.epoch(self._run.record, record, curve.sign * curve.lowest)
        return goes_on

    def within(self, epoch: int, share: float) -> None:
        """Show how far a long epoch is."""
        self._progress.within(self._run.record, epoch, share)

    def part(self, part: Part) -> bool:
        """Add the value of a fold or repeat; ask the pruner, if it compares folds or repeats."""
        self._run.curve.add_part(part)
        if not self._judge.judging.tells_parts:
            return True
        self._judge.tell(part.number, part.value)
        return not (part.waits and self._prunes())

    def _prunes(self) -> bool:
        """Ask the pruner, and keep why it ends the trial."""
        prunes = self._judge.prunes()
        if prunes:
            self._run.curve.why_pruned = self._judge.why()
        return prunes

    def ask(self, parameter: Parameter) -> Answer:
        """Choose the value of a parameter that the trial's model has just declared."""
        return super().ask(parameter) if self._asked is None else self._asked.ask(parameter)

    def built(self) -> bool:
        """Store the values of a model that is built; say whether it is to be trained."""
        return self._asked is None or self._asked.built()

    def between(self) -> None:
        """Write the new epochs if the last write was long enough ago (2 s, later 4 s)."""
        if self._run.curve.unwritten and time.monotonic() - self._written > self._pause_s:
            self.write()

    def write(self) -> None:
        """Write the trial's new values to Optuna, and its new epochs to MLflow."""
        self._judge.write()
        curve, run_id = self._run.curve, self._run.record.run_id
        if curve.unwritten and run_id:
            self._recorder.epochs(run_id, curve.unwritten)
        curve.unwritten = []
        self._written = time.monotonic()
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class Trained:
    """The listener of a training, its end (None where it was stopped) and its memory in MB."""

    listener: TrialListener
    ended: Done | Failed | None
    peak_memory_mb: float | None
