"""What no trial beats, and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracking import BEYOND, StudyRecord, TrialRecord, draw_study
from tracking.figures import html
from tracking.figures.data import history, landscape
from tracking.figures.draw import figures_of
from tracking.figures.frontier import frontier

GOALS = ("best_val_rmse", "parameters", "seconds_train")


def _trial(number: int, value: float, **changes: object) -> TrialRecord:
    return TrialRecord(
        study="s", number=number, params={}, state="complete", value=value, **changes
    )


def _study(*figures: tuple[float, float, float], **changes: object) -> StudyRecord:
    trials = tuple(
        _trial(number, value, metrics={"parameters": parameters, "seconds_train": seconds})
        for number, (value, parameters, seconds) in enumerate(figures)
    )
    return StudyRecord(name="s", goals=GOALS, trials=trials, **changes)


def test_a_trial_that_another_beats_in_one_goal_and_equals_in_the_rest_is_left_out() -> None:
    study = _study((1.0, 10, 5), (0.9, 20, 5), (0.9, 20, 6), (1.1, 9, 4), (1.0, 11, 5))
    assert [trial.number for trial in study.frontier()] == [1, 0, 3]


def test_equal_trials_are_both_there() -> None:
    study = _study((1.0, 10, 5), (1.0, 10, 5))
    assert [trial.number for trial in study.frontier()] == [0, 1]


def test_where_more_is_better_the_objective_turns_round() -> None:
    study = _study((1.0, 10, 5), (0.9, 20, 5), direction="maximize")
    assert [trial.number for trial in study.frontier()] == [0]


def test_one_goal_has_no_frontier() -> None:
    study = StudyRecord(name="s", trials=(_trial(0, 1.0),))
    assert study.frontier() == ()


def test_what_is_beyond_a_limit_ranks_nowhere() -> None:
    trials = (_trial(0, 0.5, tags={BEYOND: "true"}), _trial(1, 0.9))
    assert [trial.number for trial in StudyRecord(name="s", trials=trials).ranked()] == [1]


def test_the_picture_shows_every_complete_trial_and_marks_the_unbeaten(tmp_path: Path) -> None:
    study = _study((1.0, 10, 5), (0.9, 20, 5), (0.95, 30, 7))
    found = frontier(study)
    assert [(p.number, p.is_frontier) for p in found.points] == [(0, True), (1, True), (2, False)]
    assert found.points[2].others == (30.0, 7.0)
    names = {path.name for path in draw_study(study, tmp_path)}
    assert "frontier.png" in names
    assert "trial 2: 0.95000" in str(figures_of(study, html)["frontier"]())
    plain = draw_study(StudyRecord(name="s", trials=study.trials), tmp_path / "plain")
    assert not any(path.name.startswith("frontier") for path in plain)


def test_a_trial_beyond_a_limit_is_drawn_as_that_and_not_as_beaten() -> None:
    figures = {"parameters": 10, "seconds_train": 5}
    trials = (_trial(0, 0.5, metrics=figures, tags={BEYOND: "true"}),)
    trials += (_trial(1, 0.9, metrics=figures), _trial(2, 0.95, metrics=figures))
    study = StudyRecord(name="s", goals=GOALS, trials=trials)
    found = frontier(study)
    assert [(p.is_beyond, p.is_frontier) for p in found.points] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    page = str(figures_of(study, html)["frontier"]())
    assert "beyond a limit" in page
    assert "circle-open" in page


def test_a_value_beyond_the_axis_is_drawn_at_its_edge_on_a_page_too() -> None:
    """The axis ends at 1.0 + 4 * 0.1 = 1.4, and 6 % of 0.5 beyond; the trial of 9.0 is there."""
    study = _study((0.9, 40, 5), (0.95, 30, 5), (1.0, 20, 5), (1.0, 20, 5), (9.0, 10, 5))
    plot = figures_of(study, html)["frontier"]()
    found = next(trace for trace in plot["data"] if trace["name"] == "not beaten")
    assert sorted(found["y"])[-1] == plot["layout"]["yaxis"]["range"][1] == pytest.approx(1.43)
    assert "trial 4: 9.00000" in found["text"]


def test_the_best_so_far_is_within_the_limits() -> None:
    trials = (_trial(0, 1.0), _trial(1, 0.5, tags={BEYOND: "true"}), _trial(2, 0.9))
    study = StudyRecord(name="s", trials=trials)
    assert history(study).best == ((0, 1.0), (2, 0.9))
    assert landscape(study).numbers == (0, 2)
