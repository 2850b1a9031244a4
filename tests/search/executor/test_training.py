"""The loop that listens to a child: what a listener hears, and what the child is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from search.child.messages import Done, EpochEnded, Part, Task
from search.executor.training import Listener, train
from tracking import EpochRecord

TASK = Task(values={}, seed=0, epochs=3, folder=Path())
DONE = Done(end_reason="epochs", value=0.5, metrics={})


class FakeSupervisor:
    """A child that says what it is given to say, and waits for nothing."""

    def __init__(self, messages: Iterable[Any], *, loads: bool = True) -> None:
        self._messages = iter(messages)
        self._loads = loads
        self.answers: list[bool] = []

    def submit(self, task: Task, is_over: Callable[[], bool]) -> bool:
        assert task is TASK
        return self._loads

    def poll(self, timeout_s: float) -> Any:
        return next(self._messages)

    def reply(self, goes_on: bool) -> None:
        self.answers.append(goes_on)


class Hearing(Listener):
    """Notes what it hears, and ends the trial at its second part."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        self.heard.append(f"epoch {record.epoch}{' asked' if is_asked else ''}")
        return True

    def part(self, part: Part) -> bool:
        self.heard.append(f"part {part.number}")
        return part.number < 2

    def between(self) -> None:
        self.heard.append("between")


def _epoch(number: int, *, waits: bool) -> EpochEnded:
    return EpochEnded(record=EpochRecord(epoch=number, seconds=0.0, metrics={}), waits=waits)


def test_a_listener_hears_all_in_order_and_answers_only_where_the_child_waits() -> None:
    messages = [
        _epoch(1, waits=False),
        None,  # a tenth of a second without a message
        _epoch(2, waits=True),
        Part(number=1, value=0.9, waits=False),
        Part(number=2, value=0.8, waits=True),
        DONE,
    ]
    supervisor: Any = FakeSupervisor(messages)
    listener = Hearing()
    assert train(supervisor, TASK, listener) is DONE
    assert listener.heard == [
        "epoch 1", "between", "between", "epoch 2 asked", "between", "part 1", "between",
        "part 2", "between",
    ]  # fmt: skip
    assert supervisor.answers == [True, False]  # epoch 2 goes on, part 2 ends the trial


def test_where_waiting_is_over_the_message_at_hand_is_still_heard_and_nothing_after_it() -> None:
    supervisor: Any = FakeSupervisor([_epoch(1, waits=True), DONE])
    listener = Hearing()
    assert train(supervisor, TASK, listener, lambda: True) is None
    assert listener.heard == ["epoch 1 asked"]
    assert supervisor.answers == [True]


def test_where_waiting_is_over_while_the_child_loads_nothing_is_heard() -> None:
    supervisor: Any = FakeSupervisor([], loads=False)
    assert train(supervisor, TASK, Hearing(), lambda: True) is None
