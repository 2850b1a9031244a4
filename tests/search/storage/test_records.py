"""What a stored study is as a record."""

from __future__ import annotations

import math

import optuna
import pytest
from optuna.distributions import FloatDistribution

from search.config.study import StudyConfig
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.storage.records import _published, importances, study_record
from search.storage.study_attributes import config_of, write_config
from search.storage.trials import ranking


def _study(sign: float) -> optuna.Study:
    """Near x = 1 the value is good, and there y decides; far from it x alone does."""
    study = optuna.create_study(direction="minimize" if sign > 0 else "maximize")
    ranges = dict.fromkeys("xy", FloatDistribution(0.0, 1.0))
    for place in range(40):
        x, y = (place % 8) / 7, (place * 3 % 10) / 9
        cost = 1 - x + (y if x > 0.8 else 0.0)
        study.add_trial(
            optuna.trial.create_trial(
                value=sign * cost, params={"x": x, "y": y}, distributions=ranges
            )
        )
    return study


def test_what_mattered_is_what_made_trials_good_in_either_direction() -> None:
    low, high = importances(_study(1.0)), importances(_study(-1.0))
    assert low == pytest.approx(high)
    assert low["y"] != pytest.approx(0.0, abs=0.01)


def test_a_value_that_is_no_finite_number_ranks_nowhere() -> None:
    study = optuna.create_study()
    for value in (0.5, -math.inf, 0.0, math.inf):
        study.add_trial(optuna.trial.create_trial(value=value))
    assert [trial.number for trial in ranking(study)] == [2, 0]


def test_neither_the_study_file_that_a_record_keeps_nor_the_study_has_a_password() -> None:
    config = StudyConfig(
        name="s",
        storage="sqlite:////tmp/x.db?password=hunter2",
        tracking_uri="postgresql://bob:hunter2@host/x?sslpassword=hunter3",
    )
    study = optuna.create_study(study_name="s")
    write_config(study, config)
    kept = study_record(study, config).study_file.splitlines()
    assert 'storage = "sqlite:////tmp/x.db?password=***"' in kept
    assert 'tracking_uri = "postgresql://bob:***@host/x?sslpassword=***"' in kept
    assert not [line for line in kept if "hunter" in line]
    assert "hunter" not in str(study.user_attrs)
    assert config_of(study).storage is None
    assert config_of(study).tracking_uri == "postgresql://bob:***@host/x?sslpassword=***"


def test_what_mattered_has_the_names_that_a_user_knows() -> None:
    space = [
        Parameter(name="rv", kind="Float", default=0.5, low=0.1, high=0.9, log=True, mirrored=True),
        Parameter(name="units", kind="Int", default=2, low=2, high=64, step=2, log=True),
        Parameter(name="rate", kind="Float", default=0.5, low=0.0, high=1.0),
    ]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    adapter = SpaceAdapter(space)
    for _ in range(12):
        trial = study.ask()
        values = adapter.sample(trial)
        study.tell(trial, float(values["rv"]) + float(values["units"]))  # type: ignore[arg-type]
    assert set(importances(study)) == {"rv", "units", "rate"}


def test_the_published_curve_goes_with_the_published_ratings_and_objective_alone() -> None:
    same = ["same: rows read: published 15520005, here 15520005"]
    found = _published(StudyConfig(), {"checks": same})
    assert len(found) == 84
    assert min(each.metrics["val_rmse"] for each in found) == pytest.approx(
        0.8393
    )  # the lowest of the 84 epochs
    differs = [*same, "differs: rows kept: published 8854093, here 8854092"]
    assert _published(StudyConfig(), {"checks": differs}) == ()
    assert _published(StudyConfig(), {"checks": []}) == ()
    assert _published(StudyConfig(), None) == ()
    assert (
        _published(StudyConfig(model="mine:Model", objective="val_loss:min"), {"checks": same})
        == ()
    )
