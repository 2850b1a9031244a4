"""What trials cost and how they ended, with values computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tracking import EpochRecord, StudyRecord, Tag, TrialRecord
from tracking.figures.axes import axis_of, robust_limits
from tracking.figures.cost import End, ends, frontier_of, seconds_of, spent, totals, unbeaten
from tracking.figures.data import Landscape
from tracking.figures.html_space import draw_surface
from tracking.figures.surface import surface

Make = Callable[..., TrialRecord]


def _trial(make: Make, number: int, value: float, seconds: float, family: str = "") -> TrialRecord:
    params = {"family": family} if family else {"size": number}
    return make(number, value, params=params, metrics={"seconds_total": seconds})


def test_the_seconds_of_a_trial_are_the_best_that_is_known(make_trial: Make) -> None:
    curve = tuple(EpochRecord(epoch=n, seconds=0.5, metrics={}) for n in (1, 2, 3))
    assert seconds_of(make_trial(0, epochs=curve)) == 1.5
    known = {"seconds_train": 2.0}
    assert seconds_of(make_trial(0, epochs=curve, metrics=known)) == 2.0
    known["seconds_total"] = 2.5
    assert seconds_of(make_trial(0, epochs=curve, metrics=known)) == 2.5
    assert seconds_of(make_trial(0, metrics=known, tags={Tag.REUSED: "1"})) == 0.0
    assert seconds_of(make_trial(0)) is None


def test_seconds_are_added_up_by_family_or_by_end(study: StudyRecord, make_trial: Make) -> None:
    trials = [
        _trial(make_trial, n, 1.0, seconds, family)
        for n, (seconds, family) in enumerate([(1.0, "mlp"), (2.5, "gmf"), (3.0, "mlp")])
    ]
    record = replace(study, trials=tuple(trials))
    assert totals(spent(record)) == (("mlp", 2, 4.0), ("gmf", 1, 2.5))
    plain = replace(study, trials=(_trial(make_trial, 0, 1.0, 2.0),))
    assert totals(spent(plain)) == (("complete", 1, 2.0),)


@pytest.mark.parametrize(("minimize", "numbers"), [(True, [1, 3]), (False, [1, 0])])
def test_none_is_both_faster_and_better_than_those_on_the_frontier(
    minimize: bool, numbers: list[int], study: StudyRecord, make_trial: Make
) -> None:
    values = [(0.95, 2.0), (0.9, 1.0), (0.91, 3.0), (0.8, 4.0), (0.8, 5.0)]
    trials = tuple(_trial(make_trial, n, v, s) for n, (v, s) in enumerate(values))
    found = frontier_of(spent(replace(study, trials=trials)), minimize=minimize)
    assert [each.number for each in found] == numbers


@pytest.mark.parametrize(("minimize", "numbers"), [(True, [3, 1, 2, 0]), (False, [0, 1])])
def test_what_no_other_beats_in_value_time_and_size(
    study: StudyRecord, make_trial: Make, minimize: bool, numbers: list[int]
) -> None:
    """By hand: (value, seconds, weights); 4 is as good as 3 and slower, 5 tells no weights."""
    costs = [(0.95, 2.0, 10), (0.9, 1.0, 30), (0.91, 3.0, 20), (0.8, 4.0, 40), (0.8, 5.0, 40)]
    trials = tuple(
        make_trial(n, value, metrics={"seconds_total": seconds, "parameters": float(weights)})
        for n, (value, seconds, weights) in enumerate(costs)
    )
    lacks = make_trial(5, 0.1, metrics={"seconds_total": 0.5})
    found = unbeaten(spent(replace(study, trials=(*trials, lacks))), minimize=minimize)
    assert [each.number for each in found] == numbers


def test_ends_are_counted_by_state_and_reason(study: StudyRecord, make_trial: Make) -> None:
    trials = (
        make_trial(0, state="failed", end_reason="nan"),
        make_trial(1, 0.9, end_reason="epochs"),
        make_trial(2, 0.9, end_reason="epochs"),
        make_trial(3),
    )
    found = ends(replace(study, trials=trials))
    assert found == (End("complete", "epochs", 2), End("failed", "nan", 1), End("running", "", 1))
    assert [each.text for each in found] == [
        "complete: all epochs trained", "failed: loss or metric is no number", "running",
    ]  # fmt: skip


def _landscape(xs: list[object], ys: list[object], values: list[float]) -> Landscape:
    axes = (axis_of("x", xs), axis_of("y", ys))  # type: ignore[arg-type]
    numbers = tuple(range(len(values)))
    limits = (min(values), max(values))
    return Landscape(numbers, tuple(values), axes, limits, numbers, minimize=True)


def test_a_surface_is_a_mean_of_near_trials_and_blank_where_there_is_none() -> None:
    xs, ys = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    found = surface(_landscape(xs, ys, [1.0, 3.0, 5.0, 7.0, 7.0, 7.0]))  # type: ignore[arg-type]
    assert found is not None
    assert found.is_smooth
    assert found.values[0][0] == pytest.approx(2.0)  # the mean of 1 and 3
    assert found.values[-1][-1] == pytest.approx(7.0)
    assert found.values[0][-1] is None
    assert found.values[15][15] is None


def test_choices_are_no_neighbours_of_each_other() -> None:
    xs, ys = ["a", "a", "b", "b", "b", "a"], ["u", "u", "v", "v", "v", "v"]
    found = surface(_landscape(xs, ys, [1.0, 3.0, 5.0, 5.0, 5.0, 2.0]))  # type: ignore[arg-type]
    assert found is not None
    assert found.values == ((2.0, None), (2.0, 5.0))


def test_a_surface_is_of_the_real_values_and_only_its_colours_are_cut() -> None:
    """The colours end at 1.43: the median 1.0, 4 * 0.1, and 6 % of 0.5."""
    values = [0.9, 0.95, 1.0, 1.0, 1.1, 9.0]
    data = _landscape(["a", "b"] * 3, ["c", "d", "c", "d", "c", "d"], values)
    found = surface(replace(data, limits=robust_limits(values)))
    assert found is not None
    assert [value for *_, value in found.trials] == values
    assert found.values == ((pytest.approx(1.0), None), (None, pytest.approx(10.95 / 3)))
    assert found.colours == pytest.approx((1.0, 1.43))
    plot = draw_surface(found, title="", value_label="RMSE")
    (cells,) = plot["data"]  # no mark hides a number
    assert cells["z"][1] == [None, pytest.approx(3.65)]
    assert (cells["zmin"], cells["zmax"]) == pytest.approx((1.0, 1.43))
    assert cells["texttemplate"] == "%{z:.4f}"


def test_marks_lie_on_contours_and_on_cells_without_numbers() -> None:
    numbers, values = [0.0, 0.1, 0.2, 0.7, 0.8, 1.0], [1.0, 3.0, 5.0, 5.0, 5.0, 2.0]
    for across in (numbers, ["a", "b"] * 3):
        found = surface(_landscape(across, numbers, values))
        assert found is not None
        plot = draw_surface(found, title="", value_label="RMSE")
        _, dots, star = plot["data"]
        assert len(dots["x"]) == 6
        assert star["text"] == ["the best, trial 0: 1.00000"]
        assert "texttemplate" not in plot["data"][0]


def test_too_few_trials_have_no_surface() -> None:
    assert surface(_landscape([0.0] * 5 + [1.0], [1.0] * 6, [1.0] * 5 + [2.0])) is None
    assert surface(_landscape([0.0, 1.0], [0.0, 1.0], [1.0, 2.0])) is None
