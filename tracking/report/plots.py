"""The figures of a study over its trials, each with a caption that says what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracking.figures import html
from tracking.figures.cost import Spent, ends, frontier_of, spent, totals, unbeaten, value_limits
from tracking.figures.data import (
    Curve,
    Limits,
    Points,
    best_curves,
    beyond,
    curve_limits,
    history,
    words,
)
from tracking.figures.frontier import Frontier, frontier
from tracking.figures.html_cost import (
    draw_ends,
    draw_seconds,
    draw_totals,
    draw_value_against_seconds,
)
from tracking.records import StudyRecord
from tracking.report.figure import Figure, at_edge
from tracking.report.markup import count, duration, number

_CURVES = 10
_ROW = 34
"""Pixels for each bar."""


def history_figure(study: StudyRecord) -> Figure:
    """Every trial's value, the best so far, and the baseline."""
    data, title = history(study), "Value by trial, and the best so far"
    if data.limits is None:
        return Figure(name="history", title=title, caption="No trial has a value yet.")
    values = [point.value for point in data.points if point.value is not None]
    parts = [f"{count(len(values), 'trial')} of {len(data.points)} with a value."]
    best = study.best
    if best is not None:
        parts.append(f"Best value {number(best.value)} at trial {best.number}.")
        gains = len({value for _, value in data.best}) - 1
        times = {0: "did not improve", 1: "improved once"}.get(gains, f"improved {gains} times")
        parts.append(f"After the first value it {times}.")
    if data.baseline is not None:
        parts.append(f"The dashed line is the baseline, {number(data.baseline)}.")
    parts += filter(None, [at_edge(values, data.limits)])
    if len(values) < len(data.points):
        parts.append("Those without a value lie at the bottom.")
    parts.append("Shapes and colours say how a trial ended.")
    plot = html.draw_history(data, title="", value_label=words(study.objective))
    return Figure(name="history", title=title, caption=" ".join(parts), plot=plot, height=460)


def curves_figure(study: StudyRecord) -> Figure:
    """Validation curves of the best ten trials with the baseline, training curves below."""
    curves, title = best_curves(study, at_most=_CURVES), "Value by epoch"
    if not curves:
        needs = "No complete trial has a curve to show yet."
        return Figure(name="curves", title=title, caption=needs)
    own = [curve for curve in curves if not curve.is_baseline]
    shown = [f"of the {_best(len(own))}"] if own else []
    shown += ["of the baseline in thick grey"] if len(own) < len(curves) else []
    parts = [f"{words(study.monitor)} by epoch, {', and '.join(shown)}."]
    ended = [c.best for c in own if c.best is not None]
    if ended:
        first, last = min(e for e, _ in ended), max(e for e, _ in ended)
        between = f"epoch {first:.0f}" if first == last else f"epochs {first:.0f} to {last:.0f}"
        parts.append(f"Marks show the epoch whose weights were kept: {between}.")
    has_train = any(curve.train for curve in curves)
    if has_train:
        parts.append("The lower panel has the same trials' values on the train part.")
    limits, trained = _panels(curves, minimize=study.minimize)
    if _leaves(limits, [c.validation for c in curves]) or _leaves(
        trained, [c.train for c in curves]
    ):
        parts.append("A line leaves a panel where its values are far beyond the others'.")
    parts += _unseen(curves, limits, trained)
    label = words(study.monitor.removeprefix("val_"))
    plot = html.draw_curves(curves, title="", value_label=label, limits=limits)
    if trained is not None:
        plot["layout"]["yaxis2"]["range"] = list(trained)
    height = 720 if has_train else 460
    return Figure(name="curves", title=title, caption=" ".join(parts), plot=plot, height=height)


def _panels(curves: Sequence[Curve], *, minimize: bool) -> tuple[Limits | None, Limits | None]:
    """The vertical ranges of the validation curves and of the training curves."""
    validation = [replace(curve, train=()) for curve in curves]
    train = [replace(curve, validation=()) for curve in curves]
    return curve_limits(validation, minimize=minimize), curve_limits(train, minimize=minimize)


def _leaves(limits: Limits | None, lines: Sequence[Points]) -> bool:
    """Whether a line has a value outside its panel."""
    return limits is not None and any(beyond([v for _, v in line], limits) for line in lines)


def _unseen(curves: Sequence[Curve], limits: Limits | None, trained: Limits | None) -> list[str]:
    """Names the curves that end outside their panels, with their last values."""
    upper = "upper panel" if trained is not None else "panel"
    found = []
    for name, room, lines in (
        (upper, limits, [(curve.label, curve.validation) for curve in curves]),
        ("lower panel", trained, [(curve.label, curve.train) for curve in curves]),
    ):
        ends = [(label.partition(":")[0], line[-1][1]) for label, line in lines if line]
        told = [f"{label} {number(v)}" for label, v in ends if room and beyond([v], room)]
        found += [f"Last values outside the {name}: {', '.join(told)}."] if told else []
    return found


def tradeoff_figures(study: StudyRecord) -> list[Figure]:
    """Value against seconds, sized by weights; with several goals also these against each other."""
    found = [_goals_figure(study)] if len(study.goals) > 1 else []
    title = "Value against time, sized by the model's weights"
    known = tuple(each for each in spent(study) if each.value is not None and each.seconds > 0)
    if not known:
        needs = "No complete trial has a value and a time yet."
        return [*found, Figure(name="tradeoff", title=title, caption=needs)]
    front = frontier_of(known, minimize=study.minimize)
    parts = [f"{count(len(known), 'complete trial')}."]
    lie = "is" if len(front) == 1 else "are"
    parts.append(f"{_listed(front)} {lie} on the dotted line: none is both faster and better.")
    weights = [each.weights for each in known if each.weights is not None]
    if weights:
        parts.append(f"Areas are of {min(weights):,.0f} to {max(weights):,.0f} weights.")
    if ringed := unbeaten(known, minimize=study.minimize):
        marked = f"A ring marks {_listed(ringed).lower()}"
        parts.append(f"{marked}: none is better, faster and smaller at once.")
    if (limits := value_limits(known, minimize=study.minimize)) is not None:
        values = [e.value for e in known if e.value is not None]
        base = [e.value for e in known if e.is_baseline and e.value is not None]
        parts += ["The star is the baseline."] if len(base) > beyond(base, limits) else []
        parts += filter(None, [at_edge(values, limits)])
    plot = draw_value_against_seconds(
        known, title="", value_label=words(study.objective), minimize=study.minimize
    )
    figure = Figure(name="tradeoff", title=title, caption=" ".join(parts), plot=plot, height=480)
    return [*found, figure]


def _goals_figure(study: StudyRecord) -> Figure:
    data, title = frontier(study), "The goals against each other"
    if not data.points or data.limits is None:
        needs = "No complete trial has a value for every goal yet."
        return Figure(name="goals", title=title, caption=needs)
    front = study.frontier()
    numbers = ", ".join(str(trial.number) for trial in front[:8])
    more = f" and {len(front) - 8} more" if len(front) > 8 else ""
    caption = (
        f"{words(study.objective)} against {' and '.join(words(goal) for goal in data.goals)}, of "
        f"{count(len(data.points), 'complete trial')}. No trial beats {count(len(front), 'trial')} "
        f"in one goal without losing in another: {numbers}{more}. They are large and red. "
        f"{_marks_of(data, data.limits)}"
        f"{at_edge([point.value for point in data.points], data.limits)}"
    )
    label = words(study.objective)
    plot = html.draw_frontier(data, title="", value_label=label)
    return Figure(name="goals", title=title, caption=caption.strip(), plot=plot, height=440)


def _marks_of(data: Frontier, limits: Limits) -> str:
    """What the marks of some points of several goals mean, if there are any."""
    base = any(p.is_baseline and not beyond([p.value], limits) for p in data.points)
    text = "The diamond is the baseline. " if base else ""
    hollow = any(point.is_beyond for point in data.points)
    return text + ("Hollow marks are beyond a limit. " if hollow else "")


def cost_figures(study: StudyRecord) -> list[Figure]:
    """Seconds of each trial, and of all trials of a family."""
    known, title = spent(study), "Time of each trial"
    if not known:
        return [Figure(name="seconds", title=title, caption="No trial has ended yet.")]
    seconds = sorted(each.seconds for each in known)
    longest = max(known, key=lambda each: each.seconds)
    caption = (
        f"{count(len(known), 'trial')} took {duration(sum(seconds))} in all, median "
        f"{duration(seconds[len(seconds) // 2])}; the longest was trial {longest.number} with "
        f"{duration(longest.seconds)}. Trials that run side by side count each."
    )
    plot = draw_seconds(known, title="")
    rows = totals(known)
    by = "model family" if any(each.family for each in known) else "how trials ended"
    told = "; ".join(
        f"{name} {duration(total)} in {count(trials, 'trial')}, {duration(total / trials)} each"
        for name, trials, total in rows
    )
    return [
        Figure(name="seconds", title=title, caption=caption, plot=plot, height=380),
        Figure(
            name="totals",
            title=f"Time by {by}",
            caption=f"{told}.",
            plot=draw_totals(rows, title=""),
            height=110 + _ROW * max(len(rows), 2),
        ),
    ]


def ends_figure(study: StudyRecord) -> Figure:
    """How many trials ended in which way."""
    found, title = ends(study), "How trials ended"
    if not found:
        return Figure(name="ends", title=title, caption="There is no trial yet.")
    told = "; ".join(f"{each.count} {each.text}" for each in found)
    height = 110 + 44 * max(len(found), 2)
    plot = draw_ends(found, title="")
    return Figure(name="ends", title=title, caption=f"{told}.", plot=plot, height=height)


def _best(number: int) -> str:
    return "best trial" if number == 1 else f"best {number} trials"


def _listed(front: tuple[Spent, ...]) -> str:
    numbers = [str(each.number) for each in front]
    if len(numbers) == 1:
        return f"Trial {numbers[0]}"
    shown = ", ".join(numbers[:8])
    return f"Trials {shown}{f' and {len(numbers) - 8} more' if len(numbers) > 8 else ''}"
