"""A rating model's trial in the child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.child.messages import Task
from search.child.rating_models.with_keras import RatingRunner
from search.config.study import StudyConfig


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
