"""The figures of a study over its parameters, each with a caption that says what it shows.

Which parameters matter most is said only where the study has enough complete trials to tell.
"""

from __future__ import annotations

from tracking.figures import html
from tracking.figures.axes import CATEGORY, Axis
from tracking.figures.data import Landscape, beyond, importance_bars, landscape, words
from tracking.figures.html_space import (
    BEST,
    draw_lines,
    draw_one_slice,
    draw_surface,
    lines_width,
)
from tracking.figures.surface import Surface, surface
from tracking.records import StudyRecord
from tracking.records.study import ENOUGH
from tracking.report.figure import Figure, at_edge
from tracking.report.markup import count, number, short

_NEEDS_TWO = "It needs 2 complete trials in which a parameter differs."


def space_figures(study: StudyRecord) -> list[Figure]:
    """Importances, parallel coordinates, slices, and the two that matter most together."""
    data = landscape(study)
    return [
        _importances(study),
        _parallel(study, data),
        _together(study, data),
        *_slices(study, data),
    ]


def _importances(study: StudyRecord) -> Figure:
    title, ranked = "How much each parameter matters", len(study.ranked())
    if not study.tells_importances:
        known = f"there {'is' if ranked == 1 else 'are'} {ranked}"
        needs = f"Importances say something from {ENOUGH} complete trials on; {known}."
        if ranked >= ENOUGH:
            needs = f"The {ranked} complete trials do not tell the parameters' importances."
        return Figure(name="importances", title=title, caption=needs)
    bars = importance_bars(study)
    first = ", ".join(f"{name} {share:.0%}" for name, share in bars[:3])
    caption = (
        f"Share of the variance of the objective that each parameter explains, of {ranked} "
        f"complete trials: {first}. It is of this study's trials and space, and no law."
    )
    plot = html.draw_importances(bars, title="")
    height = 110 + 28 * max(len(bars), 3)
    return Figure(name="importances", title=title, caption=caption, plot=plot, height=height)


def _parallel(study: StudyRecord, data: Landscape) -> Figure:
    title = "Complete trials across their parameters"
    if len(data.values) < 2 or not data.axes:
        return Figure(name="parallel", title=title, caption=_NEEDS_TWO)
    best = study.trial(data.numbers[data.order[-1]])
    named = ", ".join(
        f"{axis.name} {short(best.params[axis.name])}"
        for axis in data.axes[:5]
        if best is not None and axis.name in best.params
    )
    caption = (
        f"{count(len(data.values), 'complete trial')} across {_which(study, len(data.axes))}. "
        "Choices and ranges are in the declared order and scale. "
        f"The thick dashed line is the best, trial {data.numbers[data.order[-1]]}: {named}. "
        f"{_widths(len(data.values))} A click in the legend, or a button below, hides a group."
    )
    plot = draw_lines(data, title="")
    return Figure(
        name="parallel",
        title=title,
        caption=caption,
        plot=plot,
        height=540,
        least_width=lines_width(len(data.axes)),
    )


def _widths(trials: int) -> str:
    """What the lines beside the thick one are, of two trials or more."""
    if trials > BEST:
        last = "the thin one is the last" if trials == BEST + 1 else "the thin ones are all others"
        return f"The medium lines are the others of the best ten, {last}."
    return "The medium line is the other." if trials == 2 else "The medium lines are all others."


def _which(study: StudyRecord, shown: int) -> str:
    """Which parameters are shown, in words: no more than is known of few trials."""
    differ = len(study.varied())
    if shown >= differ:
        return f"{count(shown, 'parameter')}" + (", all that differ" if differ else "")
    if study.tells_importances:
        return f"the {count(shown, 'parameter')} that matter most, of {differ} that differ"
    order = "ordered by how many trials have them, among equals those of the best trial first"
    return f"{shown} of the {differ} parameters that differ, {order}"


def _together(study: StudyRecord, data: Landscape) -> Figure:
    title = "Two parameters together"
    if study.tells_importances:
        title = "The two parameters that matter most, together"
    found = surface(data)
    if found is None:
        needs = "It needs 6 complete trials that have two parameters which differ."
        return Figure(name="together", title=title, caption=needs)
    sign = 1.0 if data.minimize else -1.0
    best = min(found.trials, key=lambda trial: sign * trial[3])
    first = "The best of them is" if found.is_written else "The star is the best of them,"
    caption = (
        f"{words(study.objective)} over {found.across.name} and {found.up.name}, of "
        f"{count(len(found.trials), 'complete trial')} that have both. {first} "
        f"trial {best[0]} with {number(best[3])}: "
        f"{_at(study, found, best[0])}. {_drawn(found)}"
    )
    plot = draw_surface(found, title="", value_label=words(study.objective))
    return Figure(name="together", title=title, caption=caption, plot=plot, height=480)


def _drawn(found: Surface) -> str:
    """What the cells or contours are of, and where their colours end."""
    if found.is_exact:
        text = "Cells show the mean of their trials; darker is better."
        text += " A pair that no trial has is blank."
    else:
        kind = (
            "Contours join places of the same value" if found.is_smooth else "Cells show the mean"
        )
        text = f"{kind}, smoothed over trials that are near; darker is better."
        text += " Where no trial is near, the place is blank."
    text += "" if found.is_written else " Dots are the trials."
    worst = found.colours[1] if found.minimize else found.colours[0]
    means = [value for row in found.values for value in row if value is not None]
    if beyond(means, found.colours):
        text += f" Values worse than {number(worst)} have its colour."
    return text


def _at(study: StudyRecord, found: Surface, number: int) -> str:
    """Which values of both parameters a trial has, in words."""
    trial = study.trial(number)
    names = (found.across.name, found.up.name)
    return " and ".join(f"{name} {short(trial.params[name])}" for name in names if trial)


def _slices(study: StudyRecord, data: Landscape) -> list[Figure]:
    if not data.values or not data.axes or data.limits is None:
        return [Figure(name="slices", title="Value by parameter", caption=_NEEDS_TWO)]
    label = words(study.objective)
    return [
        Figure(
            name=f"slice-{place}",
            title=axis.name,
            caption=_sliced(study, data, axis),
            plot=draw_one_slice(data, place, value_label=label),
            height=300,
            is_small=True,
        )
        for place, axis in enumerate(data.axes)
    ]


def _sliced(study: StudyRecord, data: Landscape, axis: Axis) -> str:
    """A slice in words: how many trials have the parameter, and which value the best one has."""
    having = sum(position is not None for position in axis.positions)
    best = study.trial(data.numbers[data.order[-1]])
    value = best.params.get(axis.name) if best is not None else None
    told = f"The best trial has {short(value)} (star)." if value is not None else ""
    if not told and best is not None:
        told = "The best trial has no such parameter."
    scale = {"log": ", on a log scale", "mirrored": ", on a log scale from the top"}
    drawn = [v for p, v in zip(axis.positions, data.values, strict=True) if p is not None]
    edge = "" if data.limits is None else at_edge(drawn, data.limits)
    first = f"{count(having, 'trial')}{scale.get(axis.kind, '')}."
    means = _means(data, axis) if axis.kind == CATEGORY else ""
    return " ".join(filter(None, [first, means, told, edge]))


def _means(data: Landscape, axis: Axis) -> str:
    """The best value at each choice, in their order."""
    sign = 1.0 if data.minimize else -1.0
    found = []
    for place, text in axis.ticks:
        values = [v for p, v in zip(axis.positions, data.values, strict=True) if p == place]
        if values:
            found.append(f"{text} {number(min(values, key=lambda value: sign * value))}")
    return f"Best value at each: {', '.join(found)}."
