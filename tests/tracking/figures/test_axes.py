from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking import ParameterRecord
from tracking.figures.axes import axis_of, robust_limits


def test_numbers_lie_on_a_straight_scale() -> None:
    axis = axis_of("dropout", [0.0, 0.1, 0.4, None])
    assert axis.kind == "linear"
    assert axis.positions == (0.0, 0.25, 1.0, None)
    assert axis.ticks == ((0.0, "0"), (0.25, "0.1"), (1.0, "0.4"))


def test_numbers_over_several_decades_lie_on_a_logarithmic_scale() -> None:
    values = [1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 7e-3, 1e-2]
    axis = axis_of("learning_rate", values)
    assert axis.kind == "log"
    assert axis.positions[0] == 0.0
    assert axis.positions[2] == pytest.approx(0.5)
    assert axis.positions[-1] == pytest.approx(1.0)
    assert [text for _, text in axis.ticks] == ["0.0001", "0.001", "0.01"]


def test_powers_of_two_are_evenly_spaced() -> None:
    axis = axis_of("size", [8, 16, 32, 64])
    assert axis.kind == "log"
    assert axis.positions == pytest.approx((0, 1 / 3, 2 / 3, 1))
    assert axis_of("layers", [1, 2, 4]).kind == "linear"


def test_words_and_truth_values_get_a_place_each() -> None:
    axis = axis_of("optimizer", ["sgd", None, "adam", "adamw"])
    assert axis.kind == "category"
    assert axis.ticks == ((0.0, "adam"), (0.5, "adamw"), (1.0, "sgd"))
    assert axis.positions == (1.0, None, 0.0, 0.5)
    assert axis_of("bias", [True, False]).ticks == ((0.0, "False"), (1.0, "True"))
    assert axis_of("mixed", [1, "auto"]).kind == "category"


def test_what_is_not_a_value_has_no_place() -> None:
    assert axis_of("x", [math.nan, 1.0, math.inf, 3.0]).positions == (None, 0.0, None, 1.0)
    assert axis_of("x", [math.nan, None]).positions == (None, None)
    assert axis_of("x", []).ticks == ()


def test_one_value_lies_in_the_middle() -> None:
    assert axis_of("x", [0.3, 0.3]).positions == (0.5, 0.5)
    assert axis_of("x", ["a"]).positions == (0.5,)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.03, 0.98, ["0.25", "0.5", "0.75"]),
        (0.02, 0.59, ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        (1.0, 10.0, ["2.5", "5", "7.5", "10"]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, ticks: list[str]) -> None:
    values = [low + (high - low) * i / 9 for i in range(10)]
    assert [text for _, text in axis_of("x", values).ticks] == ticks


@given(st.lists(st.floats(-1e9, 1e9) | st.integers(-1000, 1000) | st.none(), max_size=12))
def test_places_and_ticks_stay_on_the_scale(values: list[float | int | None]) -> None:
    axis = axis_of("x", values)
    places = [p for p in axis.positions if p is not None] + [p for p, _ in axis.ticks]
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    assert len(axis.positions) == len(values)


def test_a_first_epoch_far_away_does_not_flatten_the_rest() -> None:
    # Median 1.0, best 0.9: shown up to 1.0 + 4 * 0.1, and a margin of 6 % of 0.5 on each side.
    limits = robust_limits([3.4, 1.1, 1.0, 0.95, 0.9])
    assert limits == pytest.approx((0.9 - 0.03, 1.4 + 0.03))
    mirrored = robust_limits([-3.4, -1.1, -1.0, -0.95, -0.9], minimize=False)
    assert mirrored == pytest.approx((-1.43, -0.87))


def test_nothing_is_cut_where_nothing_is_far_away() -> None:
    assert robust_limits([1.0, 2.0, 3.0]) == pytest.approx((0.88, 3.12))


def test_a_range_holds_what_must_be_within() -> None:
    # As above up to 1.4, but the 2.9 must be there: 0.9 to 2.9, and 6 % of 2.0 on each side.
    values = [3.4, 1.1, 1.0, 0.95, 0.9]
    assert robust_limits(values, within=[2.9, math.nan]) == pytest.approx((0.78, 3.02))
    assert robust_limits(values, within=[0.4]) == pytest.approx((0.34, 1.46))
    assert robust_limits(values, within=[1.0]) == robust_limits(values)


@pytest.mark.parametrize("values", [[0.9], [0.9] * 5, [0.0], [-2.0, -2.0]])
def test_equal_values_still_have_room(values: list[float]) -> None:
    limits = robust_limits(values)
    assert limits is not None
    assert limits[0] < values[0] < limits[1]


def test_no_finite_value_has_no_limits() -> None:
    assert robust_limits([]) is None
    assert robust_limits([math.nan, math.inf]) is None


def _declared(**given: object) -> list[ParameterRecord]:
    return [ParameterRecord(name="x", **given)]  # type: ignore[arg-type]


def test_declared_choices_keep_their_order_and_others_follow() -> None:
    space = _declared(kind="choice", values=("full", "16384", "1024", "256"))
    axis = axis_of("x", ["256", "full", "1024", None], space)
    assert axis.ticks == ((0.0, "full"), (1 / 3, "16384"), (2 / 3, "1024"), (1.0, "256"))
    assert axis.positions == (1.0, 0.0, 2 / 3, None)
    numbers = axis_of("x", [7.0, 1], _declared(kind="choice", values=(7, 3, 1)))
    assert numbers.positions == (0.0, 1.0)
    beyond = axis_of("x", ["b", "z"], _declared(kind="choice", values=("b", "a")))
    assert [text for _, text in beyond.ticks] == ["b", "a", "z"]


def test_a_declared_range_keeps_its_ends_and_its_scale() -> None:
    rate = _declared(kind="float", low=1e-4, high=1e-2, log=True)
    axis = axis_of("x", [1e-3, 2e-3], rate)
    assert axis.kind == "log"
    assert axis.positions[0] == pytest.approx(0.5)
    straight = axis_of("x", [1, 2, 64], _declared(kind="int", low=0, high=128))
    assert (straight.kind, straight.positions[2]) == ("linear", 0.5)
    layers = axis_of("x", [2, 2], _declared(kind="int", low=1, high=4, step=1))
    assert [text for _, text in layers.ticks] == ["1", "2", "3", "4"]
    assert layers.positions == pytest.approx((1 / 3, 1 / 3))


def test_a_range_is_widened_by_a_baseline_beyond_it() -> None:
    axis = axis_of("x", [20, 5], _declared(kind="int", low=0, high=10))
    assert axis.positions == (1.0, 0.25)


def test_a_mirrored_range_is_logarithmic_from_its_other_end() -> None:
    # 0.1 + 1.0 - 1.0 = 0.1 is the least of the logarithmic scale, so that 1.0 lies at the top.
    space = _declared(kind="float", low=0.1, high=1.0, log=True, mirrored=True)
    axis = axis_of("x", [0.1, 1.0, 1.1 - 0.1**0.5], space)
    assert axis.kind == "mirrored"
    assert axis.positions == pytest.approx((0.0, 1.0, 0.5))
    assert axis.label == "x (log scale from the top)"
    assert [place for place, _ in axis.ticks] == pytest.approx([0.0, 0.5, 1.0])


def test_what_a_declared_scale_cannot_show_gets_one_that_fits() -> None:
    log = _declared(kind="float", low=1e-4, high=1.0, log=True)
    assert axis_of("x", [0.0, 0.5], log).kind == "linear"
    both = [*log, *_declared(kind="float", low=0.0, high=1.0)]
    assert axis_of("x", [0.1, 0.5], both).positions == (0.0, 1.0)
    fixed = _declared(kind="fixed", values=(3,))
    assert axis_of("x", [3, 4], fixed).positions == (0.0, 1.0)
