"""What a person far away is told of a study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from search.notify.hearing import STREAK, Hearing, told_of_failure
from search.notify.notifier import Notifier
from search.study.result import StudyResult
from search.trial.progress import Progress, Silent
from tracking import COMPLETE, FAILED, KILLED, PRUNED, StudyRecord, Tag, TrialRecord

DONE = TrialRecord(study="m", number=0, params={"family": "gmf", "factors": 35}, state=COMPLETE)
STUDY = StudyRecord(name="m", trials=(replace(DONE, value=0.9),))


class Told:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.bests: list[str] = []
        self.others: list[str] = []
        self.last: list[str | None] = []

    def tell_best(self, text: str) -> None:
        self.bests.append(text)

    def tell(self, text: str) -> None:
        self.others.append(text)

    def close(self, last: str | None = None) -> None:
        self.last.append(last)


class Heard(Silent):
    """A progress that keeps the names of its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("message", "study", "trial", "epoch", "within", "left", "ended"):
            self.calls.append(name)
        return super().__getattribute__(name)


@pytest.fixture
def told() -> Told:
    return Told()


def _hearing(told: Told, progress: Progress | None = None) -> Hearing:
    return Hearing(progress or Silent(), cast("Notifier", told))


def _end(
    hearing: Hearing, number: int, state: str, value: float | None = None, **more: Any
) -> None:
    record = replace(DONE, number=number, state=state, value=value, **more)
    hearing.ended(record, finished=number, target=30)


def test_a_complete_trial_below_all_others_is_told(told: Told) -> None:
    hearing = _hearing(told)
    hearing.study(STUDY, finished=1, target=30)
    _end(hearing, 1, COMPLETE, 0.95)
    _end(hearing, 2, PRUNED, 0.5)
    _end(hearing, 3, COMPLETE, 0.5, tags={Tag.BEYOND: "true"})
    _end(hearing, 4, COMPLETE, 0.9)
    assert told.bests == []
    _end(hearing, 5, COMPLETE, 0.85)
    _end(hearing, 6, COMPLETE, 0.86)
    assert told.bests == [
        "A new best: best_val_rmse 0.8500 of trial 5 (gmf f35), before 0.9000. 5 of 30 trials are "
        "finished."
    ]
    assert told.others == []


def test_the_first_of_all_and_the_greatest_where_more_is_better(told: Told) -> None:
    hearing = _hearing(told)
    hearing.study(StudyRecord(name="m", direction="maximize"), finished=0, target=30)
    _end(hearing, 1, COMPLETE, 0.5, tags={Tag.BASELINE: "true"})
    _end(hearing, 2, COMPLETE, 0.4)
    _end(hearing, 3, COMPLETE, 0.6)
    assert [text.partition(" of trial ")[2].partition(" ")[0] for text in told.bests] == ["1", "3"]
    assert "(the baseline). 1 of 30" in told.bests[0]


def test_five_failures_in_a_row_are_told_once(told: Told) -> None:
    hearing = _hearing(told)
    hearing.study(STUDY, finished=1, target=30)
    for number in range(1, STREAK):
        _end(hearing, number, FAILED)
    _end(hearing, 5, PRUNED, 1.0)
    for number in range(6, 6 + STREAK - 1):
        _end(hearing, number, FAILED)
    _end(hearing, 10, KILLED)  # which is no end of its own
    assert told.others == []
    _end(hearing, 11, FAILED, message="see postgresql://me:pa55word@host/db")
    _end(hearing, 12, FAILED)
    assert told.others == [
        "5 trials in a row failed. The last one is trial 11: see postgresql://me:***@host/db"
    ]


def test_everything_is_passed_on(told: Told) -> None:
    heard = Heard()
    hearing = _hearing(told, heard)
    assert not hearing.has_begun
    hearing.message("line")
    hearing.study(STUDY, finished=0, target=1)
    hearing.trial(DONE, epochs=3)
    hearing.epoch(DONE, cast("Any", None), 0.9)
    hearing.within(DONE, 1, 0.5)
    hearing.left(3.0)
    hearing.ended(DONE, finished=1, target=1)
    assert heard.calls == ["message", "study", "trial", "epoch", "within", "left", "ended"]
    assert hearing.has_begun


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "ended after 1 trial. Best: best_val_rmse 0.9000 of trial 0 (gmf f35)."),
        ({"interrupted": True}, "was interrupted after 1 trial. Best"),
        ({"timed_out": True}, "ended as its time was over after 1 trial. Best"),
    ],
)
def test_the_end_is_told_with_the_best(how: dict[str, bool], words: str, told: Told) -> None:
    result = StudyResult(record=STUDY, tracking_uri="", **how)
    assert f"The study {words}" in _hearing(told).over(result)
    none = StudyResult(record=StudyRecord(name="m"), tracking_uri="")
    assert _hearing(told).over(none) == (
        "The study ended after 0 trials, none of which is complete."
    )


@pytest.mark.parametrize("trials", [STUDY.trials, ()])
def test_the_end_is_told_with_its_page_where_a_server_has_it(
    trials: tuple[TrialRecord, ...], told: Told
) -> None:
    record = replace(STUDY, trials=trials, experiment_id="7")
    served = StudyResult(record=record, tracking_uri="http://me:pa55word@host:5000")
    page = "http://host:5000/#/experiments/7/runs?workflowType=machine_learning"
    said = _hearing(told).over(served)
    assert f". MLflow has it at {page}&viewStateShareKey=" in said
    assert said.split()[-1] == served.url
    assert "http" not in _hearing(told).over(replace(served, tracking_uri="sqlite:////m.db"))


def test_an_exception_that_ends_a_study_is_told_once_it_has_begun(told: Told) -> None:
    hearing, gone = _hearing(told), OSError("postgresql://me:pa55word@host/db is away")
    with pytest.raises(OSError), told_of_failure(hearing, cast("Notifier", told)):
        raise gone
    hearing.study(STUDY, finished=0, target=1)
    with pytest.raises(OSError), told_of_failure(hearing, cast("Notifier", told)):
        raise gone
    with pytest.raises(KeyboardInterrupt), told_of_failure(hearing, cast("Notifier", told)):
        raise KeyboardInterrupt
    assert told.last == [
        None,
        "The study failed: postgresql://me:***@host/db is away",
        "The study was interrupted.",
    ]
