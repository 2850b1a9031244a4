"""A rating model's trial in the child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from search.child.allotment import Allotment
from search.child.messages import Task
from search.child.rating_models.with_keras import RatingRunner
from search.config.study import StudyConfig
from search.errors import SearchError


class Slow:
    """A study that takes an hour to hear of a repeat, by its own account."""

    seconds, beyond, end_reason = 0.0, "", "pruned"

    def begin(self, kind: str, number: int) -> None:
        assert kind == "repeat"

    def __call__(self, epoch: int, seconds: float, metrics: Any) -> bool:
        return True

    def within(self, epoch: int, share: float, seconds: float) -> bool:
        return True

    def part(self, number: int, value: float) -> bool:
        self.seconds += 3600.0
        return True


def test_what_a_trial_waits_for_between_its_repeats_is_no_time_of_training(
    ratings_file: Path, tmp_path: Path
) -> None:
    config = StudyConfig(data=str(ratings_file), model="baseline", repeats=2, trainer="keras")
    task = Task(values={}, preset="baseline", seed=1, epochs=1, folder=tmp_path, keep_model=False)
    done = RatingRunner.load(config).run(task, Slow())  # type: ignore[arg-type]
    assert 0.0 < done.metrics["seconds_train"] < 600.0
    assert done.metrics["seconds_report"] == 7200.0


@pytest.mark.parametrize(
    ("space", "accepted"),
    [({"l2_embedding": {"min": 0.002}}, True), ({"l2_embedding": {"min": 0.9}}, False),
     ({"factors": {"min": 900}}, False)],
)  # fmt: skip
def test_a_penalty_of_the_space_is_held_against_the_scores(
    space: dict, accepted: bool, ratings_file: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(ratings_file)
    frame["rating"] *= 20  # from 20 to 100: the greatest penalty is 0.32
    frame.to_csv(wide := tmp_path / "wide.csv", index=False)
    config = StudyConfig(data=str(wide), space=space)
    if accepted:
        ready = RatingRunner.load(config).ready(Allotment(1, 1))
        (known,) = [p for p in ready.space if p.name == "l2_embedding"]
        assert (known.low, known.high) == (0.002, 0.32)
    else:
        with pytest.raises(SearchError, match=r"min at most max"):
            RatingRunner.load(config)
