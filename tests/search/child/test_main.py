"""What the child makes of the ends of a runner's trials."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from search.child.main import _answer, _run
from search.child.messages import Done, Failed, Score, Scored, Task
from search.child.reporter import Reporter, StudyGone

TASK = Task(values={}, seed=0, epochs=1, folder=Path())


class FakeRunner:
    """Raises what it is given, or returns it."""

    def __init__(self, end: Any) -> None:
        self._end = end

    def run(self, task: Task, report: Any) -> Done:
        if isinstance(self._end, BaseException):
            raise self._end
        return self._end

    def score(self, question: Score) -> Scored:
        raise self._end


def _ended(end: Any) -> Done | Failed:
    runner: Any = FakeRunner(end)
    report: Any = None
    return _run(runner, TASK, report)


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (RuntimeError("no data"), "error", "RuntimeError: no data"),
        (MemoryError("too much"), "out_of_memory", "MemoryError: too much"),
        (ConnectionError("no net"), "error", "ConnectionError: no net"),  # a user's own
        (EOFError(), "error", "EOFError: "),
    ],
)
def test_what_a_runner_raises_fails_the_trial(error: Exception, reason: str, message: str) -> None:
    failed = _ended(error)
    assert isinstance(failed, Failed)
    assert (failed.end_reason, failed.message) == (reason, message)
    assert "Traceback" in failed.detail
    assert failed.metrics["peak_memory_mb"] > 0


@pytest.mark.parametrize("error", [StudyGone(), KeyboardInterrupt()])
def test_a_closed_pipe_and_what_is_no_exception_end_the_child(error: BaseException) -> None:
    with pytest.raises(type(error)):
        _ended(error)


def test_a_report_to_a_study_that_is_gone_ends_the_trial_whatever_the_model_catches() -> None:
    ours, theirs = multiprocessing.Pipe()
    report = Reporter(theirs, TASK)
    ours.close()
    with contextlib.suppress(Exception), pytest.raises(StudyGone), theirs:
        report(1, 0.1, {"loss": 1.0})


def test_what_a_scoring_raises_is_told_and_the_child_lives_on() -> None:
    runner: Any = FakeRunner(ValueError("no such model"))
    failed = _answer(runner, Score(model=None, part="valid"))
    assert isinstance(failed, Failed)
    assert failed.message == "ValueError: no such model"


def test_a_trial_that_ends_as_nan_has_failed() -> None:
    failed = _ended(Done(end_reason="nan", value=math.nan, metrics={}))
    assert isinstance(failed, Failed)
    assert (failed.end_reason, failed.message) == ("nan", "The loss became NaN or infinite.")
    told = _ended(Done(end_reason="nan", value=math.nan, metrics={}, message="`fit` said so"))
    assert isinstance(told, Failed)
    assert told.message == "`fit` said so"


def test_a_trial_that_ends_well_keeps_its_figures_and_gets_its_peak_memory() -> None:
    done = _ended(Done(end_reason="epochs", value=0.5, metrics={"best_epoch": 3.0}))
    assert isinstance(done, Done)
    assert done.metrics["best_epoch"] == 3.0
    assert done.metrics["peak_memory_mb"] > 0
