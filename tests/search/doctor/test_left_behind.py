"""A trial that a container left behind, of which this machine sees nothing but its lease."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
from calling import Here

from search import StudyConfig, run_study
from search.storage.claims.leases import leases_of
from search.storage.claims.owner import me
from search.storage.studies import Studies
from search.storage.trial_attributes import write_owner
from tracking import Store

SMALL = {"family": "gmf", "factors": [1, 2], "batch_size": "full"}


@pytest.fixture
def study(home: Path, ratings_file: Path) -> optuna.Study:
    config = StudyConfig(
        name="movies", trials=2, epochs=2, data=str(ratings_file), sampler="random", space=SMALL,
        keep_models="none", pruner="none",
    )  # fmt: skip
    run_study(config, home=home)
    return Studies(Store(home)).get("movies")


def _left_behind(study: optuna.Study) -> dict[str, Any]:
    """Begin a trial in a container of another name."""
    owner = {"id": "far", **me(), "namespace": 1, "host": "a-container", "pid": 1}
    leases_of(study).take(owner, "movies")
    write_owner(study.ask(), owner)
    return owner


def _time_goes_by(home: Path) -> None:
    with sqlite3.connect(home / "optuna.db") as connection:
        connection.execute("UPDATE trialbook_leases SET renewed = renewed - 100")


@pytest.mark.slow
def test_winner_names_doctor_and_works_once_it_has_closed_the_trial(
    study: optuna.Study, home: Path, here: Here
) -> None:
    _left_behind(study)
    winner = ["winner", "movies", "--top", "1", "--repeats", "2", "--home", str(home)]
    fix = ["doctor", "movies", "--fix", "--home", str(home)]
    here(*winner, code=2)
    assert "of movies 1 trial is under way" in here.errors
    assert "`trialbook doctor --fix` closes" in here.errors
    assert here(*fix)["busy"] == ["movies"]  # as far as one can see, its container still works
    here(*winner, code=2)
    _time_goes_by(home)
    here(*fix)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "FAIL", "WAITING"]
    assert here(*winner)["number"] in (0, 1)


@pytest.mark.slow
def test_delete_waits_for_the_lease_alone(study: optuna.Study, home: Path, here: Here) -> None:
    _left_behind(study)
    delete = ["delete", "movies", "--yes", "--home", str(home)]
    here(*delete, code=2)
    assert "process 1 on a-container runs trial 2 of `movies`" in here.errors
    _time_goes_by(home)
    here(*delete)
    assert Studies(Store(home)).find("movies") is None
