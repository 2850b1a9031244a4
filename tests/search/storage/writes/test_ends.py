"""Ends of trials in one transaction are what Optuna itself would store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from postgres import Server
from sqlalchemy import text

from search.storage.database import open_storage
from search.storage.internals import database_of
from search.storage.writes.ends import end_running, fail_running
from search.storage.writes.on_server import store_end
from search.storage.writes.statements import stored_at_once, write_reports
from tracking import Store

Make = Callable[[int], optuna.Study]


def _made(storage: str, request: pytest.FixtureRequest, folder: Path) -> Make:
    """Makes a study with a number of goals, on a storage of a kind."""
    opened: Any = f"sqlite:///{folder}/optuna.db" if storage == "file" else None
    if storage == "server":
        opened = open_storage(Store(folder), request.getfixturevalue("postgres").database())

    def make(goals: int) -> optuna.Study:
        return optuna.create_study(storage=opened, directions=["minimize"] * goals)

    return make


@pytest.fixture(params=["file", "memory", "server"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return _made(request.param, request, tmp_path)


@pytest.fixture(params=["file", "server"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return _made(request.param, request, tmp_path)


def _fields(trial: optuna.trial.FrozenTrial) -> tuple[Any, ...]:
    return trial.state, trial.values, trial.params, trial.datetime_complete is None


@pytest.mark.parametrize(
    ("state", "values"),
    [
        (TrialState.COMPLETE, [0.5]),
        (TrialState.COMPLETE, [0.5, 1e300]),
        (TrialState.COMPLETE, [-math.inf]),
        (TrialState.FAIL, []),
    ],
)
def test_an_end_is_the_one_that_optuna_stores(
    anywhere: Make, state: TrialState, values: list[float]
) -> None:
    study = anywhere(max(1, len(values)))
    ours, theirs = study.ask(), study.ask()
    for trial in (ours, theirs):
        trial.suggest_float("x", 0.0, 0.0)
    assert end_running(study, ours, state, values, ("how", {"end": [1, 2]}))
    study.tell(theirs, values or None, state=state)
    first, second = study.get_trials()
    assert _fields(first) == _fields(second)
    assert first.user_attrs == {"how": {"end": [1, 2]}}


def test_of_two_who_end_a_trial_the_first_does(stored: Make) -> None:
    study = stored(1)
    trial = study.ask()
    assert fail_running(study, study.get_trials()[0], "how", "cut")
    assert not end_running(study, trial, TrialState.COMPLETE, [0.5], ("how", "done"))
    (ended,) = study.get_trials()
    assert (ended.state, ended.values, ended.user_attrs) == (
        TrialState.FAIL,
        None,
        {"how": "cut"},
    )


def test_an_end_whose_answer_was_lost_is_known_again(stored: Make) -> None:
    study = stored(1)
    trial = study.ask()
    for _ in range(2):
        assert end_running(study, trial, TrialState.COMPLETE, [0.5], ("how", "done"))
    assert study.get_trials()[0].values == [0.5]


def test_the_sampler_hears_of_an_end(stored: Make) -> None:
    heard: list[tuple[int, TrialState, Any]] = []

    class Hears(optuna.samplers.RandomSampler):
        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            heard.append((trial.number, state, values))

    study = stored(1)
    study.sampler = Hears()
    end_running(study, study.ask(), TrialState.COMPLETE, [0.25], ("how", "done"))
    assert heard == [(0, TrialState.COMPLETE, [0.25])]


def test_what_a_trial_is_given_and_reports_is_stored_as_optuna_stores_it(anywhere: Make) -> None:
    study = anywhere(1)
    ours, theirs = study.ask(), study.ask()

    def give(trial: optuna.Trial) -> None:
        trial.suggest_float("rate", 1e-4, 1e-4, log=True)
        trial.suggest_int("width", 8, 8)
        trial.suggest_categorical("kind", ["é \"{}'"])
        trial.suggest_categorical("none", [None])
        trial.set_user_attr("plan", {"values": [1, None, "ü"], "is_whole": True})

    with stored_at_once(ours):
        give(ours)
    give(theirs)
    reported = {1: 0.1 + 0.2, 2: math.inf, 3: -math.inf, 4: math.nan}
    write_reports(study, ours, reported)
    write_reports(study, ours, {})
    for epoch, value in reported.items():
        theirs.report(value, epoch)
    first, second = study.get_trials()
    assert list(first.params.items()) == list(second.params.items())
    assert first.distributions == second.distributions
    assert first.user_attrs == second.user_attrs
    assert repr(first.intermediate_values) == repr(second.intermediate_values)
    assert first.intermediate_values[1] == 0.1 + 0.2


def test_an_end_that_the_server_still_stores_while_it_is_told_again_is_known(
    postgres: Server, tmp_path: Path
) -> None:
    """The connection of the first call broke, and the server goes on with what it was told."""
    storage = open_storage(Store(tmp_path), postgres.database())
    study = optuna.create_study(storage=storage)
    trial, database = study.ask(), database_of(study)
    assert database is not None
    told = (trial._trial_id, TrialState.COMPLETE, [0.5], ("how", "done"))
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as first:
            assert store_end(first, *told)
            again = pool.submit(end_running, study, trial, told[1], told[2], told[3])
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while first.execute(text(waits)).scalar() == 0:
                time.sleep(0.01)
        assert again.result(60) is True
    assert study.get_trials()[0].values == [0.5]
