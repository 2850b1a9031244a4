"""Events of workers elsewhere: what is kept, and how they are shown as those of one run."""

from __future__ import annotations

from typing import Any

from search.engine.events import Display, Events
from search.trial.progress import Silent
from tracking import COMPLETE, KILLED, EpochRecord, TrialRecord


class Heard(Silent):
    """A progress that writes down what it hears."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def message(self, text: str) -> None:
        self.calls.append(("message", text))

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        self.calls.append(("trial", record.number, epochs))

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        self.calls.append(("epoch", trial.number, record.epoch, best))

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        self.calls.append(("ended", record.number, record.state, record.message, finished, target))


def of(number: int, state: str = "running") -> TrialRecord:
    return TrialRecord(study="s", number=number, params={}, state=state)


def epoch(number: int) -> EpochRecord:
    return EpochRecord(epoch=number, seconds=1.0, metrics={"val_rmse": 1.0})


def test_a_trial_is_told_whole_and_of_its_epochs_the_latest() -> None:
    events, heard = Events(), Heard()
    events.trial(of(3), epochs=9)
    for number in (1, 2, 3):
        events.epoch(of(3), epoch(number), 0.5)
    events.ended(of(3, COMPLETE), finished=4, target=7)
    display = Display(heard, 7)
    assert display.show(0, events.take())
    assert heard.calls == [
        ("trial", 3, 9),
        ("epoch", 3, 3, 0.5),
        ("ended", 3, "complete", "", 4, 7),
    ]
    assert (display.new, list(display.busy)) == (1, [])
    assert events.take() == []


def test_what_several_workers_say_alike_is_said_once() -> None:
    heard = Heard()
    display = Display(heard, 7)
    for worker in range(3):
        events = Events()
        events.message("The ratings have no times.")
        display.show(worker, events.take())
    assert heard.calls == [("message", "The ratings have no times.")]


def test_the_trial_of_a_lost_worker_is_shown_as_interrupted_and_not_counted() -> None:
    events, heard = Events(), Heard()
    events.trial(of(5), epochs=9)
    display = Display(heard, 7)
    assert not display.show(1, events.take())
    assert list(display.busy) == [1]
    display.lost(1)
    display.lost(1)
    assert heard.calls[1:] == [("ended", 5, KILLED, "its worker was lost", 0, 7)]
    assert (display.new, list(display.busy)) == (0, [])


def test_an_event_whose_beginning_was_lost_is_left_out() -> None:
    events, heard = Events(), Heard()
    events.epoch(of(5), epoch(2), 0.5)
    events.ended(of(5, COMPLETE), finished=1, target=7)
    Display(heard, 7).show(0, events.take())
    assert heard.calls == []
