"""Notifications are sent from a thread of their own, and delay nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from search.notify.notifier import Notifier, Pace

SECRET = "json://me:pa55word@host"
LONG_S = 30.0


@dataclass
class Place:
    """An address that keeps what it is sent; it may wait, refuse or fail."""

    works: bool = True
    fails: bool = False
    waits_for: threading.Event | None = None
    sent: list[str] = field(default_factory=list)
    got: threading.Event = field(default_factory=threading.Event)

    def send(self, title: str, text: str) -> bool:
        assert title == "Trialbook: movies"
        if self.waits_for is not None:
            self.waits_for.wait(LONG_S)
        self.sent.append(text)
        self.got.set()
        if self.fails:
            raise OSError(f"{SECRET} does not answer")
        return self.works


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """What a place waits for; it is set at the test's end, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def _notifier(place: Place, said: list[str], *more: Place, pace: Pace = Pace()) -> Notifier:  # noqa: B008
    return Notifier("Trialbook: movies", [place, *more], said.append, pace)


def test_all_is_sent_in_order_to_every_address(said: list[str]) -> None:
    one, other = Place(), Place()
    notifier = _notifier(one, said, other)
    notifier.tell("first")
    notifier.tell("second")
    notifier.close("last")
    assert one.sent == other.sent == ["first", "second", "last"]
    assert said == []


def test_a_new_best_is_told_at_once_and_then_the_last_one_of_a_minute(said: list[str]) -> None:
    place = Place()
    notifier = _notifier(place, said, pace=Pace(every_s=0.5))
    notifier.tell_best("1.0")
    assert place.got.wait(LONG_S)
    began = time.monotonic()
    place.got.clear()
    for value in ("0.9", "0.8", "0.7"):
        notifier.tell_best(value)
    assert place.got.wait(LONG_S)
    assert time.monotonic() - began > 0.3
    notifier.close()
    assert place.sent == ["1.0", "0.7"]


def test_other_news_do_not_wait_for_the_minute_and_the_end_takes_the_place_of_a_best(
    said: list[str],
) -> None:
    place = Place()
    notifier = _notifier(place, said)
    notifier.tell_best("1.0")
    assert place.got.wait(LONG_S)
    notifier.tell_best("0.9")
    notifier.tell("five failed")
    notifier.close("the end")
    assert place.sent == ["1.0", "five failed", "the end"]


@pytest.mark.parametrize("place", [Place(works=False), Place(fails=True)], ids=["refuses", "fails"])
def test_a_failure_is_one_line_without_the_address_and_others_are_sent(
    place: Place, said: list[str]
) -> None:
    other = Place()
    notifier = _notifier(place, said, other)
    notifier.tell("first")
    notifier.tell("second")
    notifier.close("last")
    assert other.sent == ["first", "second", "last"]
    (line,) = said
    assert line.startswith("A notification could not be sent; the study is not touched by that.")
    assert "pa55word" not in line


def test_an_address_that_hangs_is_given_up_and_delays_no_other(
    blocked: threading.Event, said: list[str]
) -> None:
    stuck, other = Place(waits_for=blocked), Place()
    notifier = _notifier(stuck, said, other, pace=Pace(limit_s=0.1))
    notifier.tell("first")
    notifier.tell("second")
    notifier.close("last")
    assert other.sent == ["first", "second", "last"]
    assert stuck.sent == []
    assert len(said) == 1


def test_the_end_waits_no_longer_than_it_may(blocked: threading.Event, said: list[str]) -> None:
    notifier = _notifier(Place(waits_for=blocked), said, pace=Pace(closes_s=0.2))
    began = time.monotonic()
    notifier.tell("first")
    assert time.monotonic() - began < 5
    notifier.close("last")
    assert time.monotonic() - began < LONG_S / 2
    assert said == [
        "A notification could not be sent in 0.2 s; the study is not touched by that. Check the "
        "addresses of `--notify`."
    ]
