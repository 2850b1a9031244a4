"""How often Python searches for unreachable objects while workers work."""

from __future__ import annotations

import gc
import weakref
from contextlib import ExitStack

from search.executor.garbage import rarely_collected
from search.executor.interrupts import Stop
from search.executor.pool import work_side_by_side


class _Ring:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_out_until_the_block_ends() -> None:
    there = _Ring()
    left = weakref.ref(there)
    with rarely_collected():
        del there
        gc.collect()
        assert left() is not None
        made = weakref.ref(_Ring())
        gc.collect()
        assert made() is None
    gc.collect()
    assert left() is None


def test_blocks_that_overlap_leave_everything_as_it_was() -> None:
    before = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(rarely_collected())
    within = gc.get_threshold()
    second.enter_context(rarely_collected())
    first.close()
    assert gc.get_threshold() == within != before
    assert gc.get_freeze_count() > 0
    second.close()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_workers_are_spared() -> None:
    before = gc.get_threshold()
    assert work_side_by_side([gc.get_freeze_count], Stop()) > 1000
    assert gc.get_threshold() == before


def test_what_a_program_set_itself_stays() -> None:
    before = gc.get_threshold()
    gc.freeze()
    try:
        gc.set_threshold(0)  # searches for nothing
        with rarely_collected():
            assert gc.get_threshold()[0] == 0
        assert gc.get_threshold()[0] == 0
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
