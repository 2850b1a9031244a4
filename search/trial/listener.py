"""Follows a running trial: keeps its curve, asks the pruner, and writes to both stores."""

from __future__ import annotations

import math
import time

from search.child.messages import Part
from search.executor.training import Listener
from search.trial.judge import Judge
from search.trial.progress import Progress
from search.trial.run import TrialRun
from tracking import EpochRecord, Recorder

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 4.0


class TrialListener(Listener):
    """Passes a trial's epochs and parts on to the pruner, both stores and the display.

    Epochs are written half a second after the first one, then after pauses that double up to four
    seconds: a write costs the same for one epoch as for fifty.
    """

    def __init__(self, run: TrialRun, judge: Judge, recorder: Recorder, progress: Progress) -> None:
        """Write nothing yet.

        Args:
            run: The trial, its MLflow run begun.
            judge: Its pruner.
            recorder: Writes its epochs.
            progress: Is shown its epochs.
        """
        self._run = run
        self._judge = judge
        self._recorder = recorder
        self._progress = progress
        self._written = time.monotonic()
        self._pause_s = _FIRST_PAUSE_S

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Keep an epoch, and ask the pruner where the child waits for an answer."""
        curve = self._run.curve
        curve.add(record)
        goes_on = True
        if math.isfinite(record.metrics.get(curve.monitor, math.nan)):
            if self._judge.judging.tells_epochs:
                self._judge.tell(record.epoch, curve.sign * curve.lowest)
            goes_on = not (is_asked and self._judge.prunes())
        self._progress.epoch(self._run.record, record, curve.sign * curve.lowest)
        return goes_on

    def part(self, part: Part) -> bool:
        """Keep a part's value, and ask the pruner where it compares parts."""
        self._run.curve.add_part(part)
        if not self._judge.judging.tells_parts:
            return True
        self._judge.tell(part.number, part.value)
        return not (part.waits and self._judge.prunes())

    def between(self) -> None:
        """Write new epochs once the pause since the last write is over."""
        if self._run.curve.unwritten and time.monotonic() - self._written > self._pause_s:
            self.write()

    def write(self) -> None:
        """Write the epochs that neither store has yet."""
        self._judge.write()
        curve, run_id = self._run.curve, self._run.record.run_id
        if curve.unwritten and run_id:
            self._recorder.epochs(run_id, curve.unwritten)
        curve.unwritten = []
        self._written = time.monotonic()
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
