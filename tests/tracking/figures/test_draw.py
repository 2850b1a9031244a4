from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tracking import (
    EpochRecord,
    ParameterRecord,
    StudyRecord,
    TrialRecord,
    draw_study,
    draw_trial,
    reproduction_figure,
)
from tracking.figures import html, png_curve, style
from tracking.figures.data import (
    Curve,
    HistoryPoint,
    best_curves,
    beyond,
    curve,
    curve_limits,
    history,
    importance_bars,
    landscape,
    words,
)
from tracking.figures.draw import figures_of
from tracking.figures.html_canvas import edged
from tracking.figures.html_space import draw_surface
from tracking.figures.surface import surface
from tracking.report.plots import history_figure

Make = Callable[..., TrialRecord]
NAMES = ("history", "importances", "parallel_coordinates", "slice", "learning_curves")


def test_history_keeps_every_trial_and_the_best_complete_one_so_far(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = (
        make_trial(3, 0.8, state="pruned"),
        make_trial(0, 0.95, tags={"trialbook.baseline": "true"}),
        make_trial(1, state="failed"),
        make_trial(2, 0.99),
        make_trial(4, 0.9),
        make_trial(5, math.nan, state="failed"),
    )
    found = history(replace(study, trials=trials))
    assert found.points[:3] == (
        HistoryPoint(0, 0.95, "complete"),
        HistoryPoint(1, None, "failed"),
        HistoryPoint(2, 0.99, "complete"),
    )
    assert found.points[5] == HistoryPoint(5, None, "failed")
    assert found.best == ((0, 0.95), (2, 0.95), (4, 0.9))
    assert found.baseline == 0.95
    best = history(replace(study, trials=trials, direction="maximize")).best
    assert best == ((0, 0.95), (2, 0.99), (4, 0.99))


@pytest.mark.parametrize("draws", ["html", "png"])
def test_what_lies_between_the_others_and_a_far_baseline_is_drawn_at_its_value(
    study: StudyRecord, make_trial: Make, draws: str
) -> None:
    """The axis ends at 1.0 + 4 * 0.1 = 1.4, but the baseline's 3.0 widens it by 6 % beyond."""
    values = [0.9, 0.95, 1.0, 1.0, 2.0]
    trials = (
        make_trial(0, 3.0, tags={"trialbook.baseline": "true"}),
        *(make_trial(number, value) for number, value in enumerate(values, start=1)),
        make_trial(6, 9.0, state="pruned"),
    )
    record = replace(study, trials=trials)
    module = import_module(f"tracking.figures.{draws}")
    figure = figures_of(record, module)["history"]()
    if draws == "html":
        marks = [t for t in figure["data"] if t["mode"] == "markers"]
        drawn = {t["name"]: t["y"] for t in marks}
        assert [t["marker"]["symbol"] for t in marks] == ["circle", ["arrow-up"]]
        limits = figure["layout"]["yaxis"]["range"]
    else:
        (axes,) = figure.axes
        complete, without_one, arrow = axes.collections
        drawn = {complete.get_label(): [y for _, y in complete.get_offsets()]}
        assert (len(without_one.get_offsets()), without_one.get_label()) == (0, "pruned (1)")
        drawn["pruned (1)"] = [y for _, y in arrow.get_offsets()]
        assert arrow.get_paths()[0].vertices.tolist()[4] == [0.0, 0.5]  # its tip is above
        limits = axes.get_ylim()
        assert [t.get_text() for t in axes.texts] == ["1 of 7 values lie beyond the axis (arrows)"]
    assert limits == pytest.approx((0.9 - 0.126, 3.0 + 0.126))
    assert drawn["complete (6)"] == pytest.approx([3.0, *values])
    edge = 3.126 - (0 if draws == "html" else 0.025 * 2.352)
    assert drawn["pruned (1)"] == pytest.approx([edge])
    caption = history_figure(record).caption
    assert "1 value beyond the axis is drawn at its edge, as an arrow." in caption


def _places_of_arrows(figure: Any) -> list[tuple[float, float]]:
    """Where each arrow of a picture lies, of all its panels."""
    # Matplotlib fits a marker into a square of the side 1.
    arrows = [[(x / 2, y / 2) for x, y in each] for each in style.MPL_ARROWS.values()]
    return [
        (round(float(x), 3), round(float(y), 3))
        for axes in figure.axes
        for each in axes.collections
        if [tuple(corner) for corner in each.get_paths()[0].vertices.tolist()] in arrows
        for x, y in each.get_offsets()
    ]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_arrows_at_the_edge_of_slices_and_goals_mark_what_is_beyond(
    study: StudyRecord, make_trial: Make, sign: float
) -> None:
    """The axis is 0.87 to 1.43: up to 1.4, and 6 % of 0.5; the baseline's 9.0 lies beyond it."""
    from tracking.figures import html, png

    values = [0.9, 0.95, 1.0, 1.0, 1.1, 9.0]
    trials = tuple(
        make_trial(
            n, sign * v, params={"size": n}, metrics={"parameters": 10.0 * (n + 1)},
            tags={"trialbook.baseline": "true"} if n == 5 else {},
        )
        for n, v in enumerate(values)
    )  # fmt: skip
    record = replace(
        study, trials=trials, goals=("best_val_rmse", "parameters"),
        direction="minimize" if sign > 0 else "maximize",
    )  # fmt: skip
    pages, pictures = figures_of(record, html), figures_of(record, png)
    arrow = "arrow-up" if sign > 0 else "arrow-down"
    (trace,) = pages["slice"]()["data"]
    assert trace["marker"]["symbol"] == ["circle"] * 5 + [arrow]
    assert trace["y"][-1] == pytest.approx(sign * 1.43)
    assert _places_of_arrows(pictures["slice"]()) == [(1.0, sign * 1.402)]  # 5 % inside
    goals = pages["frontier"]()["data"]
    (far,) = [t for t in goals if 60.0 in t["x"]]
    assert far["marker"]["symbol"] == ["circle"] * 4 + [arrow]  # the first one is not beaten
    picture = pictures["frontier"]()
    assert _places_of_arrows(picture) == [(60.0, sign * 1.416)]  # 2.5 % inside
    assert picture.get_supxlabel() == (
        "coloured: no trial is better in one goal without being worse in another"
    )


def test_the_legend_has_the_usual_mark_where_the_first_value_lies_beyond(
    make_trial: Callable[..., TrialRecord],
) -> None:
    """Plotly shows the mark of a trace's first point."""
    values = [9.0, *(3.0 + number / 100 for number in range(8))]
    trials = tuple(
        make_trial(number, value, state="pruned" if number in (0, 4) else "complete")
        for number, value in enumerate(values)
    )
    figure = html.draw_history(
        history(StudyRecord(name="s", trials=trials)), title="t", value_label="v"
    )
    (pruned,) = [t for t in figure["data"] if t["name"] == "pruned (2)"]
    assert pruned["x"] == [4, 0]
    assert pruned["marker"]["symbol"] == ["triangle-down", "arrow-up"]


def test_a_hollow_mark_beyond_the_axis_has_a_hollow_arrow() -> None:
    limits = (0.0, 1.0)
    symbols = ["circle", "circle-open", "diamond", "circle-open", "circle"]
    found = edged(symbols, [0.5, 2.0, -1.0, 1.0, None], limits)
    assert found == ["circle", "arrow-up-open", "arrow-down", "circle-open", "circle"]
    assert edged("star", [0.1, 0.2], limits) == "star"
    assert edged("star", [0.1, 1.2], limits) == ["star", "arrow-up"]


@pytest.mark.parametrize(
    ("choices", "ends"),
    # Two cells are centred at 0 and 1, each 1 wide; three are 0.5 wide, six 0.2.
    [(2, (-0.5, 1.5)), (3, (-0.25, 1.25)), (6, (-0.1, 1.1))],
)
def test_the_outer_cells_of_choices_are_seen_whole(
    study: StudyRecord, make_trial: Make, choices: int, ends: tuple[float, float]
) -> None:
    trials = tuple(
        make_trial(n, 1.0 + n / 10, params={"a": "uvwxyz"[n % choices], "b": n}) for n in range(12)
    )
    found = surface(landscape(replace(study, trials=trials)))
    assert found is not None
    layout = draw_surface(found, title="", value_label="RMSE")["layout"]
    assert layout["xaxis"]["title"]["text"] == "a"
    assert layout["xaxis"]["range"] == pytest.approx(ends)
    assert layout["yaxis"]["range"] == [-0.08, 1.08]  # of a number: 30 cells


def test_importances_are_sorted_and_finite(study: StudyRecord) -> None:
    given = {"a": 0.2, "b": 0.7, "c": math.nan, "d": 0.2}
    assert importance_bars(replace(study, importances=given)) == (
        ("b", 0.7),
        ("a", 0.2),
        ("d", 0.2),
    )


def test_the_landscape_holds_complete_trials_and_what_differs(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = (
        make_trial(0, 0.9, params={"rate": 0.1, "fixed": 1, "opt": "adam"}),
        make_trial(1, 0.8, params={"rate": 0.3, "fixed": 1, "opt": "sgd", "momentum": 0.5}),
        make_trial(2, state="pruned", params={"rate": 0.9, "fixed": 1, "opt": "sgd"}),
    )
    record = replace(study, trials=trials, importances={"opt": 0.9, "rate": 0.1})
    found = landscape(record)
    assert found.numbers == (0, 1)
    assert found.values == (0.9, 0.8)
    assert [axis.name for axis in found.axes] == ["rate", "opt", "momentum"]
    assert [axis.positions for axis in found.axes] == [(0.0, 1.0), (0.0, 1.0), (None, 0.5)]
    more = tuple(replace(trials[1], number=number) for number in range(3, 21))
    enough = landscape(replace(record, trials=(*trials, *more)))
    assert [axis.name for axis in enough.axes] == ["opt", "rate", "momentum"]


def test_with_few_trials_the_parameters_of_most_are_drawn_first(
    study: StudyRecord, make_trial: Make
) -> None:
    """Then those of the best trial, then as declared; not the first twelve as declared."""
    deep = {f"units_{n:02}": n for n in range(14)}
    space = [*deep, "factors", "rate"]
    trials = (
        make_trial(0, 0.9, params={"factors": 1, "rate": 0.1}),  # the best
        make_trial(1, 1.0, params={**deep, "rate": 0.2}),
        make_trial(2, 0.8, state="pruned", params={**deep, "rate": 0.3}),
    )
    declared = tuple(ParameterRecord(name=name, kind="float", low=0, high=20) for name in space)
    found = landscape(replace(study, trials=trials, space=declared))
    assert [a.name for a in found.axes] == ["rate", "factors", *sorted(deep)[:10]]


def test_of_equal_trials_the_first_is_drawn_as_the_best(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = tuple(make_trial(n, value) for n, value in enumerate([0.9, 0.8, 0.8, 0.8]))
    record = replace(study, trials=trials)
    assert record.best is trials[1]
    assert landscape(record).order == (0, 3, 2, 1)
    turned = replace(record, direction="maximize")
    assert landscape(turned).order == (3, 2, 1, 0)


def test_a_curve_marks_the_epoch_that_was_kept(make_trial: Make) -> None:
    trial = make_trial(1, 0.9)
    found = curve(trial, monitor="val_rmse")
    assert found.validation == ((1.0, 1.1), (2.0, 0.9), (3.0, 1.0))
    assert [epoch for epoch, _ in found.train] == [1.0, 2.0, 3.0]
    assert [value for _, value in found.train] == pytest.approx([1.0, 0.8, 0.9])
    assert found.best == (2.0, 0.9)
    third = replace(trial, metrics={"best_epoch": 3.0})
    assert curve(third, monitor="val_rmse").best == (3.0, 1.0)
    assert curve(replace(trial, metrics={}), monitor="val_rmse").best == (2.0, 0.9)
    assert curve(trial, monitor="rmse").train == ()


def test_the_best_five_curves_are_shown_best_first(study: StudyRecord, make_trial: Make) -> None:
    trials = tuple(make_trial(i, 1.0 - 0.01 * i) for i in range(8))
    labels = [found.label for found in best_curves(replace(study, trials=trials))]
    assert labels[0] == "trial 7: 0.9300"
    assert len(labels) == 5


def test_the_baselines_curve_follows_the_best_where_it_is_none_of_them(
    study: StudyRecord, make_trial: Make
) -> None:
    base = make_trial(0, 1.5, tags={"trialbook.baseline": "true"})
    record = replace(study, trials=(base, *(make_trial(i, 1.0 - 0.01 * i) for i in (1, 2, 3))))
    found = best_curves(record, at_most=2)
    assert [(c.label, c.is_baseline) for c in found] == [
        ("trial 3: 0.9700", False), ("trial 2: 0.9800", False), ("baseline: 1.5000", True),
    ]  # fmt: skip
    assert len(best_curves(record, at_most=4)) == 4


def test_a_picture_of_several_curves_has_validation_alone_and_the_baseline_in_grey(
    study: StudyRecord, make_trial: Make
) -> None:
    from tracking.figures import png

    base = make_trial(0, 1.5, tags={"trialbook.baseline": "true"})
    record = replace(study, trials=(base, *(make_trial(i, 1.0 - 0.01 * i) for i in range(1, 8))))
    (axes,) = figures_of(record, png)["learning_curves"]().axes
    lines = {line.get_label(): line for line in axes.lines if len(line.get_xdata()) > 1}
    assert set(lines) == {*(f"trial {n}: {1 - n / 100:.4f}" for n in (7, 6, 5, 4, 3)),
                          "baseline: 1.5000"}  # fmt: skip
    colours = {label: line.get_color() for label, line in lines.items()}
    assert [label for label, colour in colours.items() if colour == style.GREY] == [
        "baseline: 1.5000"
    ]
    assert len(set(colours.values())) == 6
    looks = {(line._unscaled_dash_pattern, line.get_linewidth()) for line in lines.values()}
    assert len({str(look) for look in looks}) == 6  # told apart without colour too
    low, high = axes.get_ylim()
    assert low < 0.93
    assert high < 2.0  # training values and the baseline's first epochs do not widen it


@pytest.mark.parametrize("draws", ["html", "png"])
def test_a_far_baseline_has_a_line_within_the_axis(
    study: StudyRecord, make_trial: Make, draws: str
) -> None:
    """Its kept epoch is there, 3.0, though the others' axis would end near 1.4."""
    base = make_trial(0, 3.0, tags={"trialbook.baseline": "true"})
    record = replace(study, trials=(base, *(make_trial(i, 1.0 - 0.01 * i) for i in range(1, 8))))
    figure = figures_of(record, import_module(f"tracking.figures.{draws}"))["learning_curves"]()
    html = draws == "html"
    limits = figure["layout"]["yaxis"]["range"] if html else figure.axes[0].get_ylim()
    # From the best value 0.93 to 3.0, and 6 % of 2.07 on each side.
    assert limits == pytest.approx((0.93 - 0.1242, 3.0 + 0.1242))


def _line(values: list[float], *, is_baseline: bool = False) -> Curve:
    points = tuple((float(n), value) for n, value in enumerate(values, start=1))
    return Curve("x", (), points, min(points, key=lambda p: p[1]), is_baseline=is_baseline)


def test_the_baselines_last_third_is_seen_where_the_others_keep_half_of_the_axis() -> None:
    """Others have 0.9 to 1.1; without the rule the axis ends at 0.95 + 4 * 0.05, with 6 % more."""
    others = [_line([1.1, 0.95, 0.9]) for _ in range(3)]
    near = _line([9.0, 0.95, 1.2], is_baseline=True)  # 0.3 to be shown, of which they have 0.2
    limits = curve_limits([*others, near])
    assert limits is not None
    assert limits == pytest.approx((0.9 - 0.018, 1.2 + 0.018))
    far = _line([9.0, 0.95, 1.5], is_baseline=True)  # they would have a third
    limits = curve_limits([*others, far])
    assert limits is not None
    assert limits[1] == pytest.approx(1.15 + 0.015)
    up = [replace(c, validation=tuple((e, -v) for e, v in c.validation)) for c in (*others, near)]
    kept = [replace(c, best=max(c.validation, key=lambda p: p[1])) for c in up]
    mirrored = curve_limits(kept, minimize=False)
    assert mirrored is not None
    assert mirrored[0] == pytest.approx(-1.218)


@pytest.mark.parametrize("minimize", [True, False])
def test_a_hopeless_trials_kept_value_does_not_widen_the_axis_and_the_baselines_does(
    minimize: bool,
) -> None:
    """Kept are 0.80 to 0.83 and 2.5; their median 0.82 is 0.02 from the best: up to 0.90.

    Of all fifteen values 1.0 is the median: up to 1.0 + 4 * 0.2 = 1.8, and 6 % of 1.0.
    """
    sign = 1.0 if minimize else -1.0
    good = [[1.2, 1.0, 0.80], [1.2, 1.0, 0.81], [1.2, 1.0, 0.82], [1.2, 0.95, 0.83]]

    def limits(last: list[float], *, is_baseline: bool) -> tuple[float, ...]:
        curves = [_line(values) for values in good]
        curves.append(_line(last, is_baseline=is_baseline))
        turned = [
            replace(
                each,
                validation=tuple((e, sign * v) for e, v in each.validation),
                best=each.best and (each.best[0], sign * each.best[1]),
            )
            for each in curves
        ]
        found = curve_limits(turned, minimize=minimize)
        assert found is not None
        return tuple(sorted(sign * end for end in found))

    assert limits([9.0, 4.0, 2.5], is_baseline=False) == pytest.approx((0.74, 1.86))
    # From 0.80 to 2.5, and 6 % of 1.7 on each side.
    assert limits([9.0, 4.0, 2.5], is_baseline=True) == pytest.approx((0.698, 2.602))


def test_training_curves_have_a_panel_of_their_own(study: StudyRecord, make_trial: Make) -> None:
    from tracking.figures import html

    base = make_trial(0, 1.5, tags={"trialbook.baseline": "true"})
    record = replace(study, trials=(base, make_trial(1, 0.9)))
    curves = best_curves(record)
    plot = html.draw_curves(curves, title="", value_label="RMSE", limits=(0.0, 2.0))
    lines = [trace for trace in plot["data"] if trace["mode"] == "lines"]
    first, second = ([t for t in lines if t["yaxis"] == axis] for axis in ("y", "y2"))
    assert [trace["y"] for trace in first] == [[1.1, 0.9, 1.0], [1.7, 1.5, 1.6]]
    assert [trace["y"][0] for trace in second] == pytest.approx([1.0, 1.6])
    grey = {trace["line"]["color"] for trace in lines if "baseline" in trace["name"]}
    assert grey == {"#767676"}
    assert plot["layout"]["yaxis"]["title"]["text"] == "Validation: RMSE"
    assert plot["layout"]["yaxis2"]["title"]["text"] == "Training: RMSE"


@pytest.mark.parametrize("count", [2, 3, 6])
def test_no_tick_lies_between_two_epochs_or_two_trials(
    study: StudyRecord, make_trial: Make, count: int
) -> None:
    from tracking.figures import html, png

    epochs = tuple(
        EpochRecord(epoch=n, seconds=1.0, metrics={"val_rmse": 1 / n}) for n in range(1, count + 1)
    )
    trials = tuple(make_trial(n, 1.0 + n, epochs=epochs) for n in range(count))
    record = replace(study, trials=trials)
    pages, pictures = figures_of(record, html), figures_of(record, png)
    for name in ("learning_curves", "history"):
        across = pages[name]()["layout"]["xaxis"]
        assert (across["tick0"], across["dtick"]) == (0, 1)
        ticks = pictures[name]().axes[0].get_xticks()
        assert [tick for tick in ticks if tick != int(tick)] == []
    many = replace(study, trials=tuple(make_trial(n, 1.0 + n) for n in range(30)))
    assert "dtick" not in figures_of(many, html)["history"]()["layout"]["xaxis"]


@pytest.mark.parametrize("scales", [3, 6, 7, 12])
def test_no_text_in_a_picture_runs_into_another(
    study: StudyRecord, make_trial: Make, scales: int
) -> None:
    """Choices and names of parallel coordinates, and the ticks of slices."""
    from tracking.figures import png

    optimizers = ("adam", "adamw", "nadam", "rmsprop", "lazy_adam", "rowwise_adagrad")
    names = [f"{letter}_embedding_size" for letter in "abcdefghijkl"[:scales]]
    trials = tuple(
        make_trial(n, 0.9 + n, params=dict.fromkeys(names, each))
        for n, each in enumerate(optimizers)
    )
    pictures = figures_of(replace(study, trials=trials), png)
    lines, slices = pictures["parallel_coordinates"](), pictures["slice"]()
    for figure in (lines, slices):
        figure.draw_without_rendering()
    assert _crossed(lines.axes[0].texts) == []
    for axes in (lines.axes[0], *slices.axes):
        assert _crossed(axes.get_xticklabels()) == []


def _crossed(texts: Sequence[Any]) -> list[tuple[str, str]]:
    """Which texts lie across another; turned ones lie one above the other along their slope."""
    boxes = []
    for text in texts:
        turn = math.radians(text.get_rotation())
        box = text.get_window_extent()
        # The height of the letters, and how far the texts' ends are apart across their slope.
        height = text.get_fontsize() * text.figure.dpi / 72
        boxes.append((text.get_text(), box, turn, height))
    return [
        (name, other)
        for place, (name, a, turn, height) in enumerate(boxes)
        for other, b, _, _ in boxes[place + 1 :]
        if (abs(a.x1 - b.x1) * math.sin(turn) < height if turn else a.overlaps(b))
    ]


def test_labels_carry_units() -> None:
    assert words("best_val_rmse") == "Best validation RMSE (rating points)"
    assert words("accuracy") == "Accuracy"
    assert beyond([1.0, 2.0, 3.0], (1.5, 2.5)) == 2


def _degenerate(make: Make) -> dict[str, dict[str, object]]:
    nan = EpochRecord(epoch=1, seconds=0.1, metrics={"rmse": math.nan, "val_rmse": math.nan})
    one_epoch = make(0, 0.9).epochs[:1]
    many = {f"parameter_with_a_long_name_{i}": i for i in range(20)}
    return {
        "no trial": {"trials": ()},
        "one complete": {"trials": (make(0, 0.9),), "importances": {"size": 1.0}},
        "only failures": {"trials": (make(0, state="failed"), make(1, state="failed"))},
        "only pruned": {"trials": (make(0, 0.9, state="pruned"),)},
        "running": {"trials": (make(0),)},
        "all equal": {"trials": tuple(make(i, 0.9) for i in range(3))},
        "no parameters": {"trials": tuple(make(i, 0.9 + i, params={}) for i in range(3))},
        "one parameter": {"trials": tuple(make(i, 0.9 + i, params={"x": i}) for i in range(3))},
        "fixed parameter": {"trials": tuple(make(i, 0.9 + i, params={"x": 1}) for i in range(3))},
        "NaN parameters": {
            "trials": tuple(
                make(i, 0.9 + i, params={"x": math.nan, "y": (None, 1.0, math.inf)[i]})
                for i in range(3)
            )
        },
        "NaN values": {"trials": (make(0, math.nan), make(1, math.inf), make(2, 0.9))},
        "NaN epochs": {"trials": (make(0, 0.9, epochs=(nan,)), make(1, 0.8, epochs=(nan,)))},
        "one epoch": {"trials": (make(0, 0.9, epochs=one_epoch),)},
        "no training metric": {"trials": (make(0, 0.9),), "monitor": "rmse"},
        "one outlier": {"trials": tuple(make(i, 0.9 + 100 * (i == 3)) for i in range(6))},
        "many parameters": {
            "trials": tuple(make(i, 0.9 + i, params=dict.fromkeys(many, i)) for i in range(4)),
            "importances": dict.fromkeys(many, 0.05),
        },
        "zero importances": {"trials": (make(0, 0.9),), "importances": {"x": 0.0, "y": 0.0}},
        "maximise": {
            "trials": tuple(make(i, 0.9 + i) for i in range(4)),
            "direction": "maximize",
            "objective": "accuracy",
        },
        "markup in names": {
            "trials": tuple(make(i, 0.9 + i, params={"$x_1$ <b>": f"${i}"}) for i in range(3)),
            "name": "a $study$ <i>",
        },
    }


@pytest.mark.parametrize(
    "case", sorted(_degenerate(lambda *a, **k: TrialRecord(study="x", number=0, params={})))
)
def test_every_study_has_pictures_whatever_it_holds(
    case: str,
    study: StudyRecord,
    make_trial: Make,
    tmp_path: Path,
) -> None:
    from tracking.figures import html
    from tracking.figures.draw import figures_of

    record = replace(study, **_degenerate(make_trial)[case])  # type: ignore[arg-type]
    written = draw_study(record, tmp_path / "plots")
    assert [path.name for path in written] == [f"{name}.png" for name in NAMES]
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")
    plots = figures_of(record, html)
    assert tuple(plots) == NAMES
    for draw in plots.values():
        assert html.notebook_figure(draw()).to_json()
    for trial in record.trials[:2]:
        draw_trial(trial, tmp_path / "trial.png", monitor=record.monitor)
        assert (tmp_path / "trial.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_without_enough_trials_says_what_it_needs(
    study: StudyRecord, make_trial: Make
) -> None:
    from tracking.figures import html, png
    from tracking.figures.draw import figures_of

    record = replace(study, trials=(make_trial(0, 0.9),))
    figure = figures_of(record, png)["parallel_coordinates"]()
    assert [text.get_text() for text in figure.axes[0].texts] == ["needs 2 complete trials"]
    nineteen = tuple(make_trial(i, 0.9 + i / 100) for i in range(19))
    few = replace(study, trials=nineteen, importances={"size": 0.7})
    page = figures_of(few, html)["importances"]()
    assert page["layout"]["annotations"][0]["text"] == "needs 20 complete trials"
    enough = replace(few, trials=(*nineteen, make_trial(19, 0.5)))
    assert figures_of(enough, html)["importances"]()["data"][0]["x"] == [0.7]


@pytest.mark.parametrize("varied", [1, 2])
def test_of_many_trials_the_hundred_best_lines_are_clear(
    study: StudyRecord, make_trial: Make, varied: int
) -> None:
    from tracking.figures import png

    params = ({"a": i / 10, "b": i % 7 / 10} for i in range(131))
    trials = tuple(
        make_trial(i, 1 - i / 1000, params=dict(list(own.items())[:varied]))
        for i, own in enumerate(params)
    )
    figure = figures_of(replace(study, trials=trials), png)["parallel_coordinates"]()
    (lines,) = figure.axes[0].collections
    opaque = lines.get_edgecolor()[:, 3]
    assert opaque.tolist() == [0.06] * 30 + [0.75] * 100  # and the best one by itself
    assert [line.get_linewidth() for line in figure.axes[0].lines].count(2.6) == 1


def test_pictures_touch_nothing_global(
    study: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    record = replace(study, trials=tuple(make_trial(i, 0.9 + i) for i in range(3)))
    draw_study(record, tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_the_size_of_a_picture_is_known(study: StudyRecord, tmp_path: Path) -> None:
    draw_study(study, tmp_path)
    header = (tmp_path / "history.png").read_bytes()[16:24]
    size = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")
    assert size == (900, 560)


@pytest.mark.parametrize(
    ("published", "reproduced", "expected"),
    [
        ([(1, 3.4), (2, 1.0), (3, 0.9)], [(1, 3.3), (2, 1.1), (3, 0.91)], 0.9),
        ([], [(1, 1.0)], None),
        ([(1, math.nan)], [], 0.9),
        ([], [], 0.9),
        ([], [], None),
    ],
)
def test_two_curves_lie_in_one_picture(
    published: list[tuple[int, float]],
    reproduced: list[tuple[int, float]],
    expected: float | None,
    tmp_path: Path,
) -> None:
    curves = {"published": published, "reproduced": reproduced}
    path = reproduction_figure(curves, tmp_path / "new" / "x.png", expected=expected)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("minimize", "best"), [(True, 0.6), (False, 0.9)])
def test_the_best_value_of_a_curve_goes_by_its_direction(
    minimize: bool, best: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the legend of a reproduction, and in the title of a trial's picture."""
    from tracking.figures import draw, png

    drawn = []
    monkeypatch.setattr(png, "save", lambda figure, path: drawn.append(figure))
    points = [(1, 0.6), (2, 0.9), (3, 0.8)]
    curves = {"recorded": points, "reproduced": points}
    reproduction_figure(curves, tmp_path / "x.png", metric="val_acc", minimize=minimize)
    (figure,) = drawn
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == [f"recorded (best {best:.4f})", f"reproduced (best {best:.4f})"]
    lower, upper = figure.axes[0].lines
    assert (lower.get_linestyle(), upper.get_linestyle()) == ("-", "--")  # both are seen
    assert lower.get_linewidth() > upper.get_linewidth()

    titles = []
    monkeypatch.setattr(draw, "save_curve", lambda *_, title, **__: titles.append(title))
    epochs = [EpochRecord(epoch=e, seconds=0.1, metrics={"val_acc": v}) for e, v in points]
    trial = TrialRecord(study="s", number=3, params={}, epochs=tuple(epochs))
    draw_trial(trial, tmp_path / "t.png", monitor="val_acc", minimize=minimize)
    assert f": {best:.4f})" in titles[0]


def test_a_trials_picture_does_not_depend_on_the_one_before(tmp_path: Path) -> None:
    """It is drawn on a sheet that is kept: the same bytes as on a new one."""

    def trial(number: int, values: list[float]) -> TrialRecord:
        metrics = [{"rmse": value - 0.1, "val_rmse": value} for value in values]
        epochs = [EpochRecord(epoch=e, seconds=0.1, metrics=m) for e, m in enumerate(metrics, 1)]
        return TrialRecord(study="s", number=number, params={}, epochs=tuple(epochs))

    short = trial(7, [1.2, 1.1, 0.9, 0.95])
    long = trial(1, [40.0] + [3.0 * 0.9**epoch for epoch in range(30)])  # one lies beyond the axis
    png_curve._SHEETS.clear()
    draw_trial(short, tmp_path / "new.png")
    png_curve._SHEETS.clear()
    draw_trial(long, tmp_path / "before.png")
    draw_trial(short, tmp_path / "kept.png")
    assert (tmp_path / "kept.png").read_bytes() == (tmp_path / "new.png").read_bytes()
    assert (tmp_path / "kept.png").read_bytes() != (tmp_path / "before.png").read_bytes()
