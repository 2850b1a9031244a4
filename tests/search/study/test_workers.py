"""A machine shared out to a study's trials, and several trials at once."""

from __future__ import annotations

import threading
from pathlib import Path

import optuna
import pytest

from search import SearchError, StudyConfig, run_study
from search.child.allotment import Allotment, allot
from search.executor.fork_client import environment
from search.executor.interrupts import Stop
from search.executor.pool import work_side_by_side
from search.storage.trial_attributes import Key


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


@pytest.mark.parametrize("workers", [0, -1, 257, "many", "2"])
def test_a_number_of_workers_that_is_none_is_refused(workers: int | str) -> None:
    with pytest.raises(SearchError, match=r"`workers` must be"):
        StudyConfig(workers=workers)


def test_work_side_by_side_adds_up() -> None:
    both = threading.Barrier(2, timeout=60)

    def task() -> int:
        return both.wait() + 1

    assert work_side_by_side([task, task], Stop()) == 3


def test_a_failure_stops_the_others_and_is_told() -> None:
    stop = Stop()

    def wait() -> int:
        while not stop.asked:
            pass
        return 0

    def fail() -> int:
        raise RuntimeError("told to fail")

    with pytest.raises(RuntimeError, match="told to fail"):
        work_side_by_side([wait, fail], stop)


def test_a_child_may_be_shown_one_device_only() -> None:
    assert environment(1)["CUDA_VISIBLE_DEVICES"] == "1"


def test_any_number_of_workers_tries_the_same_configurations(
    ratings_file: Path, home: Path
) -> None:
    config = StudyConfig(
        trials=4, epochs=3, data=str(ratings_file), sampler="random", pruner="none",
        threads=1, keep_models="best", space={"layers": {"min": 1, "max": 2}},
    )  # fmt: skip
    tried = []
    for workers in (1, 3):
        result = run_study(config.at(name=f"by {workers}", workers=workers), home=home)
        assert [t.number for t in result.record.trials] == [0, 1, 2, 3]
        assert {t.state for t in result.record.trials} == {"complete"}
        tried.append([dict(t.params) for t in result.record.trials])
        assert len(list(home.rglob("model.keras"))) == workers // 3 + 1  # the best's, a study
    assert tried[0] == tried[1]
    storage = f"sqlite:///{home}/optuna.db"
    trials = optuna.load_study(study_name="by 3", storage=storage).trials
    assert trials[1].datetime_start < trials[0].datetime_complete  # at once
    assert trials[2].datetime_start < trials[0].datetime_complete
    assert len({t.user_attrs[Key.PLAN]["seed"] for t in trials}) == 4
