"""A machine shared out to the workers of a study."""

from __future__ import annotations

import pytest

from search import StudyConfig
from search.child.allotment import Allotment, allot


@pytest.mark.parametrize(
    ("given", "rows", "gpus", "expected"),
    [
        ({}, 56_000, 0, Allotment(workers=8, threads=1)),
        ({}, 5_000_000, 0, Allotment(workers=1, threads=8)),
        ({}, None, 0, Allotment(workers=1, threads=8)),
        ({}, 5_000_000, 4, Allotment(workers=4, threads=2)),
        ({"trials": 1}, 56_000, 0, Allotment(workers=1, threads=8)),
        ({"trials": 2}, 56_000, 0, Allotment(workers=8, threads=1)),
        ({"threads": 3}, 56_000, 0, Allotment(workers=2, threads=3)),
        ({"threads": 16}, 56_000, 0, Allotment(workers=1, threads=16)),
        ({"workers": 3}, None, 0, Allotment(workers=3, threads=2)),
        ({"workers": 12}, 56_000, 0, Allotment(workers=12, threads=1)),
        ({"workers": 3, "threads": 4}, 56_000, 2, Allotment(workers=3, threads=4)),
    ],
)
def test_a_machine_of_eight_cores_is_shared_out(
    given: dict, rows: int | None, gpus: int, expected: Allotment
) -> None:
    assert (
        allot(StudyConfig(**({"workers": "auto"} | given)), rows=rows, cores=8, gpus=gpus)
        == expected
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"trials": 20}, Allotment(workers=8, threads=8)),
        ({"trials": 160}, Allotment(workers=20, threads=3)),
        ({"trials": 20, "sampler": "random"}, Allotment(workers=20, threads=3)),
        ({"trials": 900, "sampler": "qmc"}, Allotment(workers=64, threads=1)),
        ({"trials": 20, "workers": 30}, Allotment(workers=30, threads=2)),
    ],
)
def test_a_sampler_that_learns_is_left_something_to_learn_from(
    given: dict, expected: Allotment
) -> None:
    config = StudyConfig(**({"workers": "auto"} | given))
    assert allot(config, rows=56_000, cores=64) == expected
