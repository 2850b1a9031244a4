"""What is left of a study, and which proposals would take too much of its time."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search import StudyConfig, run_study
from search.child.messages import Ready
from search.cost import epochs
from search.cost.outlook import BESIDE_S, Outlook, cost_of, spread
from search.space.parameters import Parameter
from search.trial.progress import Silent
from tracking import COMPLETE, REFUSED, DatasetRecord, EpochRecord, Tag, TrialRecord

PROFILE = {"train_rows": 50_000, "valid_rows": 12_000, "user_rows": 600, "movie_rows": 9_000}
GMF = {"family": "gmf", "factors": 8, "batch_size": "256", "optimizer": "adam"}
SPACE = tuple(Parameter(name=name, kind="Fixed", default=value) for name, value in GMF.items())


def _ready(**changed: Any) -> Ready:
    dataset = DatasetRecord(name="r", content_hash="0", synthetic=False, profile=PROFILE, checks=())
    usual = {
        "space": SPACE, "first": GMF, "dataset": dataset, "workers": 1, "threads": 1,
        "warnings": (), "devices": ("CPU",),
    }  # fmt: skip
    return Ready(**(usual | changed))


def _ended(epochs: int, seconds: float, **tags: str) -> TrialRecord:
    curve = tuple(EpochRecord(epoch=n + 1, seconds=seconds, metrics={}) for n in range(epochs))
    return TrialRecord(
        study="s", number=0, params=GMF, state=COMPLETE, epochs=curve,
        metrics={"seconds_total": epochs * seconds + 1}, tags=tags,
    )  # fmt: skip


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row costs 20 microseconds, and nothing else anything: an epoch takes a second."""
    monkeypatch.setattr(epochs, "TRAIN_NS", dict.fromkeys(epochs.TRAIN_NS, 0.0) | {"row": 2e4})
    monkeypatch.setattr(epochs, "VALID_NS", dict.fromkeys(epochs.VALID_NS, 0.0))


@pytest.mark.parametrize(
    ("config", "ready"),
    [
        ({"trainer": "keras"}, {}),
        ({"model": "mine:Model"}, {}),
        ({"model": "baseline"}, {}),
        ({}, {"devices": ("CPU", "GPU")}),
        ({}, {"dataset": None}),
    ],
)
def test_only_the_compiled_trainers_epochs_are_known(
    config: dict[str, Any], ready: dict[str, Any]
) -> None:
    assert cost_of(StudyConfig(**config), _ready(**ready)) is None
    assert cost_of(StudyConfig(), _ready()) is not None


@pytest.mark.usefixtures("one_second")
def test_what_is_left_is_of_all_epochs_then_of_as_many_as_trials_had() -> None:
    outlook = Outlook(StudyConfig(epochs=30, trials=9), _ready(workers=2), None)
    assert outlook.left_s(8) == pytest.approx(8 * (30 * 1.0 + BESIDE_S) / 2)
    outlook.ended(_ended(10, 2.0, **{Tag.TRAINER: "compiled"}))
    assert outlook.left_s(7) == pytest.approx(7 * (10 * 2.0 + BESIDE_S) / 2)
    outlook.ended(_ended(20, 2.0, **{Tag.TRAINER: "compiled"}))
    assert outlook.left_s(6) == pytest.approx(6 * (15 * 2.0 + BESIDE_S) / 2)
    outlook.ended(_ended(90, 2.0, **{Tag.REUSED: "0"}))  # nothing was trained
    assert outlook.left_s(6) == pytest.approx(6 * (15 * 2.0 + BESIDE_S) / 2)


def test_of_other_models_it_is_known_once_trials_have_ended() -> None:
    outlook = Outlook(StudyConfig(model="mine:Model", trials=9), _ready(dataset=None), None)
    assert outlook.left_s(9) is None
    outlook.ended(_ended(4, 2.0))
    outlook.ended(_ended(6, 2.0))
    assert outlook.left_s(5) == pytest.approx(5 * (9.0 + 13.0) / 2)


@pytest.mark.usefixtures("one_second")
def test_no_more_is_left_than_the_time() -> None:
    outlook = Outlook(StudyConfig(timeout_s=60.0), _ready(), time.monotonic() + 50)
    left = outlook.left_s(9)
    assert left is not None
    assert 40 < left <= 50


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize(
    ("config", "left_s", "why"),
    [
        ({"timeout_s": 20.0, "trials": 10}, 20.0, ""),  # two seconds a trial
        ({"timeout_s": 20.0, "trials": 40}, 20.0, "share of the time is 0.5 s"),
        ({"timeout_s": 60.0, "trials": 9_999}, 60.0, ""),  # a fiftieth is the least
        ({"timeout_s": 40.0, "trials": 9_999}, 40.0, "share of the time is 0.8 s"),
        ({"timeout_s": 20.0, "trials": 10}, 0.5, "where 0.5 s are left"),
        ({"timeout_s": 20.0, "trials": 40, "growth": [[0.25, 5]]}, 20.0, ""),
        ({"trials": 40}, None, ""),
    ],
)
def test_a_first_epoch_may_take_a_trials_share_of_the_time(
    config: dict[str, Any], left_s: float | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.cost.outlook.time.monotonic", lambda: 100.0)
    deadline = None if left_s is None else 100.0 + left_s
    refusal = Outlook(StudyConfig(**config), _ready(), deadline).refusal(GMF)
    assert bool(refusal) == bool(why)
    assert why in refusal
    assert not refusal or refusal.startswith("about 1 s for its first epoch")


def test_what_needs_more_memory_than_the_limit_is_not_trained_once_that_is_known() -> None:
    """A trial of 8 factors and 9,600 ids took 500 MB; 184 more factors of 24 bytes take 42 MB."""
    outlook = Outlook(StudyConfig(max_memory_mb=530.0), _ready(), None)
    large = GMF | {"factors": 192}
    assert not outlook.refusal(large)  # nothing is known yet
    ended = _ended(1, 1.0, **{Tag.TRAINER: "compiled"})
    outlook.ended(replace(ended, metrics=dict(ended.metrics) | {"peak_memory_mb": 500.0}))
    assert outlook.refusal(large) == "about 542 MB of memory, where 530 MB may be"
    assert not outlook.refusal(GMF | {"factors": 128})
    free = Outlook(StudyConfig(), _ready(), None)
    free.ended(replace(ended, metrics=dict(ended.metrics) | {"peak_memory_mb": 500.0}))
    assert not free.refusal(large)


def test_the_spread_is_of_the_space() -> None:
    values = ("32", "1024", "full")
    batch = Parameter(name="batch_size", kind="Choice", default="full", values=values)
    cost = cost_of(StudyConfig(), _ready())
    assert cost is not None
    each = [cost.seconds(GMF | {"batch_size": value}) for value in values]
    of_all = spread(cost.seconds, [*(p for p in SPACE if p.name != "batch_size"), batch])
    assert of_all.low == min(each)
    assert of_all.high == max(each)
    assert min(each) < of_all.mean < max(each)


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seconds: list[float] = []

    def message(self, text: str) -> None:
        self.lines.append(text)

    def left(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_proposals_that_would_take_too_long_are_not_trained_and_the_study_says_so(
    ratings_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was wished and the baseline are trained: everything takes an hour an epoch."""
    monkeypatch.setattr(epochs, "TRAIN_NS", dict.fromkeys(epochs.TRAIN_NS, 0.0) | {"row": 1e12})
    monkeypatch.setattr("search.study.stopping._IN_VAIN", 3)
    monkeypatch.setattr(epochs.EpochCost, "learn", lambda *_: None)
    config = StudyConfig(
        name="late", trials=9, epochs=2, data=str(ratings_file), timeout_s=600.0, pruner="none",
        sampler="random", keep_models="none",
    )  # fmt: skip
    told = Told()
    wished = {"family": "gmf", "factors": 4}
    result = run_study(config, home=home, progress=told, enqueue=[wished])
    states = [trial.state for trial in result.record.trials]
    assert states == [COMPLETE, COMPLETE, REFUSED, REFUSED, REFUSED]
    assert result.record.trials[1].params["factors"] == 4
    refused = [line for line in told.lines if "is not trained: about" in line]
    assert [line.split(" is")[0] for line in refused] == ["Trial 2", "Trial 3", "Trial 4"]
    why = "3 configurations in a row were beyond a limit, or would take too much"
    assert [why in line for line in told.lines].count(True) == 1
    assert told.seconds
    assert all(0 < seconds <= 600 for seconds in told.seconds)


def test_half_is_over_by_trials_or_by_time() -> None:
    outlook = Outlook(StudyConfig(trials=9), _ready(), deadline=None)
    assert outlook.is_half_over  # nothing is known of what is left
    outlook.left_s(9)
    assert not outlook.is_half_over
    outlook.left_s(5)
    assert not outlook.is_half_over
    outlook.left_s(4)
    assert outlook.is_half_over
    soon = Outlook(StudyConfig(trials=9), _ready(), deadline=time.monotonic() + 0.2)
    soon.left_s(9)
    late = Outlook(StudyConfig(trials=9), _ready(), deadline=time.monotonic() + 3600)
    late.left_s(9)
    time.sleep(0.15)
    assert soon.is_half_over
    assert not late.is_half_over
