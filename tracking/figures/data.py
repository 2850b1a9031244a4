"""Computes the contents of the figures from records; `png` and `html` draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tracking.figures.axes import Axis, axis_of, robust_limits
from tracking.records import StudyRecord, TrialRecord, sign_of
from tracking.states import COMPLETE

_MAX_PARAMS = 12
_MAX_BARS = 15

Limits = tuple[float, float]
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class HistoryPoint:
    """One trial as a point of the history figure.

    Attributes:
        number: Number of the trial.
        value: The trial's objective, or None where there is no finite one.
        state: One of `State`.
    """

    number: int
    value: float | None
    state: str


@dataclass(frozen=True)
class History:
    """The objectives of a study's trials, ordered by trial number, for the history figure.

    Attributes:
        points: Every trial by number.
        best: Number of every complete trial within the limits, and the best value up to it.
        baseline: Value of the baseline trial, or None.
        limits: Range of the vertical axis, which holds the baseline; None where there is no value.
    """

    points: tuple[HistoryPoint, ...]
    best: Points
    baseline: float | None
    limits: Limits | None


@dataclass(frozen=True)
class Landscape:
    """A study's complete trials and a scale per parameter, for parallel coordinates and slices.

    Trials beyond a limit of the study are left out.

    Attributes:
        numbers: Numbers of the trials.
        values: Their objectives, in the same order.
        axes: A scale for each parameter, the most important one first.
        limits: Range of values that colours or heights tell apart, or None without trials.
        order: Indices into `values`, the worst trial first and the best one last.
        minimize: Whether a lower value is better.
    """

    numbers: tuple[int, ...]
    values: tuple[float, ...]
    axes: tuple[Axis, ...]
    limits: Limits | None
    order: tuple[int, ...]
    minimize: bool


@dataclass(frozen=True)
class Curve:
    """The learning curve of one trial.

    Attributes:
        label: The curve's name in the legend.
        train: Epoch and value of the training metric; empty where there is none.
        validation: Epoch and value of the monitored metric.
        best: Epoch and value of the weights that the trial kept, or None.
        is_baseline: Whether it is of the baseline.
    """

    label: str
    train: Points
    validation: Points
    best: tuple[float, float] | None
    is_baseline: bool = False


def history(study: StudyRecord) -> History:
    """Compute the history figure: each trial's objective, the best so far and the baseline's."""
    trials = sorted(study.trials, key=lambda trial: trial.number)
    points = tuple(HistoryPoint(t.number, finite(t.value), t.state) for t in trials)
    best: list[tuple[float, float]] = []
    for point, trial in zip(points, trials, strict=True):
        if point.state == COMPLETE and point.value is not None and not trial.is_beyond:
            leads = not best or study.better(point.value, than=best[-1][1])
            best.append((point.number, point.value if leads else best[-1][1]))
    fits = study.baseline is not None and not study.baseline_misfit
    base = finite(study.baseline.value) if study.baseline and fits else None
    values = [point.value for point in points if point.value is not None]
    done = [p.value for p in points if p.value is not None and p.state == COMPLETE]
    limits = robust_limits(
        done if len(done) > 1 else values,
        minimize=study.minimize,
        within=() if base is None else (base,),
    )
    return History(points, tuple(best), base, limits)


def importance_bars(study: StudyRecord) -> tuple[tuple[str, float], ...]:
    """Rank the parameters by the share of the objective's variance that each one explains.

    Shares that are not finite are left out; at most 15 are returned.
    """
    known = [(n, float(s)) for n, s in study.importances.items() if math.isfinite(s)]
    return tuple(sorted(known, key=lambda pair: (-pair[1], pair[0]))[:_MAX_BARS])


def landscape(study: StudyRecord) -> Landscape:
    """Compute parallel coordinates: each complete trial's place on each varying parameter's axis.

    Where no parameter differs, every parameter gets a scale. There are 12 scales at most, the most
    important ones first. With too few trials to tell that, those of most trials are first, of
    equals those that the best trial has, and then as declared.
    """
    done = [t for t in study.trials if t.state == COMPLETE and finite(t.value) is not None]
    trials = [t for t in done if not t.is_beyond]  # the best is marked, and those are not ranked
    values = tuple(float(t.value) for t in trials if t.value is not None)
    names = study.varied() or sorted({name for t in trials for name in t.params})
    scales = [axis_of(name, [t.params.get(name) for t in trials], study.space) for name in names]
    numbers = tuple(t.number for t in trials)
    if not study.tells_importances and study.best is not None:
        best = numbers.index(study.best.number)
        scales.sort(key=lambda a: (-_having(a), a.positions[best] is None))
    axes = tuple(each for each in scales if _having(each))[:_MAX_PARAMS]
    limits = robust_limits(values, minimize=study.minimize)
    # Of equal ones the first is the best, as in `StudyRecord.ranked`.
    worst = [(-study.sign * value, -n) for value, n in zip(values, numbers, strict=True)]
    order = sorted(range(len(values)), key=lambda place: worst[place])
    return Landscape(numbers, values, axes, limits, tuple(order), study.minimize)


def _having(axis: Axis) -> int:
    """How many trials have the parameter."""
    return sum(position is not None for position in axis.positions)


def curve(trial: TrialRecord, *, monitor: str, minimize: bool = True, label: str = "") -> Curve:
    """Read the learning curve of one trial from its epochs.

    Args:
        trial: The trial.
        monitor: Name of the validation metric; the training metric is the same without `val_`.
        minimize: Whether a lower value is better.
        label: The curve's name in the legend; "trial 7" unless given.
    """
    validation = _points(trial, monitor)
    train = _points(trial, monitor.removeprefix("val_")) if monitor.startswith("val_") else ()
    sign = sign_of(minimize=minimize)
    best = min(validation, key=lambda point: sign * point[1], default=None)
    kept = finite(trial.metrics.get("best_epoch"))
    if kept is not None:
        best = next((point for point in validation if point[0] == kept), best)
    named = label or f"trial {trial.number}"
    return Curve(named, train, validation, best, is_baseline=trial.is_baseline)


def best_curves(study: StudyRecord, *, at_most: int = 5) -> tuple[Curve, ...]:
    """Get the learning curves of the best complete trials that have epochs, best first.

    The baseline's curve follows them where it is none of them.

    Args:
        study: The study.
        at_most: So many trials beside the baseline.
    """
    shown = [t for t in study.ranked() if _points(t, study.monitor)][:at_most]
    base = study.baseline
    if base is not None and base not in shown and _points(base, study.monitor):
        shown.append(base)
    return tuple(
        curve(t, monitor=study.monitor, minimize=study.minimize, label=_named(t)) for t in shown
    )


def curve_limits(curves: Sequence[Curve], *, minimize: bool = True) -> Limits | None:
    """Choose one vertical range that fits several curves, or None where no curve has a value.

    It holds the kept epoch of each validation curve, so that a part of the curve is seen. But a
    kept value that is far worse than the others' widens nothing, unless it is the baseline's:
    beside a trial that learnt nothing the best ones would look alike. The range holds the last
    third of the baseline's curve too where the other curves still have half of it.

    Args:
        curves: The curves; their training values count where they have some.
        minimize: Whether a lower value is better.
    """
    limits = _limits(curves, minimize=minimize)
    others = _limits([each for each in curves if not each.is_baseline], minimize=minimize)
    ends = [value for curve in curves if curve.is_baseline for value in _last_third(curve)]
    wide = _limits(curves, minimize=minimize, within=ends)
    if wide is None or others is None:
        return limits
    return wide if others[1] - others[0] >= (wide[1] - wide[0]) / 2 else limits


def _limits(
    curves: Sequence[Curve], *, minimize: bool, within: Sequence[float] = ()
) -> Limits | None:
    values = [v for c in curves for points in (c.train, c.validation) for _, v in points]
    kept = [(c.best[1], c.is_baseline) for c in curves if c.best is not None and c.validation]
    # The best kept value is within: a robust range begins there.
    room = robust_limits([value for value, _ in kept], minimize=minimize)
    near = [v for v, is_base in kept if is_base or (room is not None and not beyond([v], room))]
    return robust_limits(values, minimize=minimize, within=[*near, *within])


def _last_third(curve: Curve) -> list[float]:
    """The values of the last third of a curve's epochs, of one at least."""
    parts = [[value for _, value in points] for points in (curve.train, curve.validation)]
    return [value for part in parts for value in part[len(part) - -(-len(part) // 3) :]]


def beyond(values: Sequence[float], limits: Limits) -> int:
    """Count the values outside a range: the values 1, 2, 3 and the range (1.5, 2.5) give 2."""
    return sum(not limits[0] <= value <= limits[1] for value in values)


def side(value: float, limits: Limits) -> int:
    """Where a value lies: 1 above a range, -1 below it, 0 in it."""
    return (value > limits[1]) - (value < limits[0])


def within(value: float, limits: Limits) -> float:
    """Cut a value to a range, at whose edge it is then drawn: 3 and the range (1, 2) give 2."""
    return min(max(value, limits[0]), limits[1])


def words(name: str) -> str:
    """Write a metric's name for an axis: `val_rmse` is "Validation RMSE (rating points)"."""
    text = name.replace("val_", "validation ").replace("_", " ").replace("rmse", "RMSE")
    text = text[:1].upper() + text[1:]
    return f"{text} (rating points)" if "RMSE" in text else text


def finite(value: float | None) -> float | None:
    """The value as a float, or None where it is None, NaN or infinite."""
    return float(value) if value is not None and math.isfinite(value) else None


def _named(trial: TrialRecord) -> str:
    head = "baseline" if trial.is_baseline else f"trial {trial.number}"
    return f"{head}: {trial.value:.4f}"


def _points(trial: TrialRecord, name: str) -> Points:
    pairs = [(float(e.epoch), finite(e.metrics.get(name))) for e in trial.epochs]
    return tuple((epoch, value) for epoch, value in pairs if value is not None)
