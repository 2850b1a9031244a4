"""Studies that train several trials at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import optuna
import pytest

from search import SearchError, StudyConfig, run_study
from search.storage.trial_attributes import Key


@pytest.mark.parametrize("workers", [0, -1, 257, "many", "2"])
def test_a_number_of_workers_that_is_none_is_refused(workers: int | str) -> None:
    with pytest.raises(SearchError, match=r"`workers` must be"):
        StudyConfig(workers=workers)


@pytest.mark.slow
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
    spans = sorted((t.datetime_start, t.datetime_complete) for t in trials)
    assert any(later[0] < earlier[1] for earlier, later in pairwise(spans))  # at once
    assert len({t.user_attrs[Key.PLAN]["seed"] for t in trials}) == 4
