"""Whose weights become Keras models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from search import StudyConfig
from search.child.messages import Done
from search.errors import SearchError
from search.trial.conclusion import Conclusion
from search.trial.models import with_models
from search.trial.run import Curve, TrialRun
from tracking import TrialRecord

DONE = Done(
    end_reason="epochs", value=0.9, metrics={}, model_kind="ratings", models=("a", "b"), raw=True
)


class Noting:
    """Stands for the keeper: keeps what it is asked for, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[str] = []
        self._error = error

    def keep(self, folder: Path, name: str) -> None:
        if self._error is not None:
            raise self._error
        self.kept.append(name)


def _with_models(keeping: Any, done: Done = DONE, said: Any = None, **given: Any) -> Done:
    study = optuna.create_study()
    study.add_trial(optuna.trial.create_trial(value=0.85))
    trial = study.ask()
    record = TrialRecord(study="s", number=trial.number, params={}, run_id="r")
    run = TrialRun(trial, record, Path("/t"), Curve(monitor="val_rmse", sign=1.0))
    conclusion = Conclusion(StudyConfig(**given), study, keeping)
    return with_models(done, run, conclusion, keeping, said or (lambda text: None))


@pytest.mark.parametrize(
    ("given", "value", "kept"),
    [
        ({"keep_models": "all"}, 0.9, ["a", "b"]),
        ({"keep_models": "best"}, 0.8, ["a", "b"]),
        ({"keep_models": "best"}, 0.9, []),
        ({"keep_models": "none"}, 0.8, []),
    ],
)
def test_the_models_that_a_study_keeps_are_made(
    given: dict[str, Any], value: float, kept: list[str]
) -> None:
    keeping = Noting()
    done = Done(
        end_reason="epochs",
        value=value,
        metrics={},
        model_kind="ratings",
        models=("a", "b"),
        raw=True,
    )
    ended = _with_models(keeping, done, **given)
    assert keeping.kept == kept
    assert ended.model_kind == ("ratings" if kept else None)


def test_a_trial_whose_model_cannot_be_made_keeps_its_value() -> None:
    said: list[str] = []
    ended = _with_models(Noting(SearchError("It differs.")), said=said.append)
    assert (ended.value, ended.model_kind) == (0.9, None)
    assert said == ["The model of trial 1 is not kept: It differs."]
