"""Writes the figures of studies, trials, winner candidates and repeated trainings to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tracking.errors import TrackingError
from tracking.figures import html, png, style
from tracking.figures.axes import robust_limits
from tracking.figures.data import (
    best_curves,
    curve,
    curve_limits,
    history,
    importance_bars,
    landscape,
    words,
)
from tracking.figures.frontier import frontier
from tracking.figures.png_curve import save_curve
from tracking.records import StudyRecord, TrialRecord


def draw_study(study: StudyRecord, folder: Path) -> list[Path]:
    """Draw all figures of a study as PNG pictures; `write_report` makes a page of it.

    Args:
        study: The study with its trials.
        folder: Where to; made if need be.

    Returns:
        The files: `history`, `importances`, `parallel_coordinates`, `slice` and
        `learning_curves`, with `.png`; and `frontier` where it has several goals.

    Example:
        >>> paths = draw_study(StudyRecord(name="movies"), Path("plots"))
        >>> [path.name for path in paths][:2]
        ['history.png', 'importances.png']
    """
    written = []
    for name, draw in figures_of(study, png).items():
        path = folder / f"{name}.png"
        png.save(draw(), path)
        written.append(path)
    return written


def study_figure(study: StudyRecord, name: str) -> Any:
    """Draw one figure of a study with plotly, to be shown in a notebook or changed.

    Args:
        study: The study with its trials.
        name: `history`, `importances`, `parallel_coordinates`, `slice`, `learning_curves`, or
            `frontier` where the study has several goals.

    Returns:
        A `plotly.graph_objects.Figure`.

    Raises:
        TrackingError: There is no such figure.

    Example:
        >>> study_figure(StudyRecord(name="movies"), "history").layout.title.text
        'movies: every trial and the best so far'
    """
    figures = figures_of(study, html)
    if name not in figures:
        known = ", ".join(figures)
        raise TrackingError(f"A figure of {study.name} must be one of {known}, but got {name!r}.")
    return html.notebook_figure(figures[name]())


def draw_trial(
    trial: TrialRecord, path: Path, *, monitor: str = "val_rmse", minimize: bool = True
) -> Path:
    """Draw the learning curve of one trial as PNG.

    Args:
        trial: The trial with its epochs.
        path: The file.
        monitor: Name of the validation metric.
        minimize: Whether a lower value is better.

    Returns:
        The path.

    Example:
        >>> trial = TrialRecord(study="movies", number=0, params={})
        >>> draw_trial(trial, Path("curve.png")).name
        'curve.png'
    """
    drawn = curve(trial, monitor=monitor, minimize=minimize)
    title = f"{trial.study}, trial {trial.number}: learning curve"
    if drawn.best is not None:
        title += f" (kept epoch {drawn.best[0]:.0f}: {drawn.best[1]:.4f})"
    label = words(monitor.removeprefix("val_"))
    limits = curve_limits([drawn], minimize=minimize)
    save_curve(drawn, path, title=title, value_label=label, limits=limits)
    return path


def draw_verdict(
    path: Path,
    *,
    lines: Sequence[tuple[str, float, Sequence[float], tuple[float, float, float]]],
    levels: Sequence[tuple[str, float]],
    title: str,
) -> Path:
    """Draw the validation RMSE and the test RMSE of each candidate for the winner, as PNG.

    A candidate is a trial of the study that was trained again with new seeds.

    Args:
        path: The file.
        lines: For each candidate its name, its validation RMSE in the search, the validation
            RMSEs of its repeats with new seeds, and its test RMSE: the lower end of the
            95 % interval, the mean and the upper end of the interval.
        levels: Name and test RMSE of each prediction that needs no training.
        title: Title of the picture.

    Returns:
        The path.

    Example:
        >>> lines = [("trial 3", 0.90, [0.91, 0.92], (0.90, 0.93, 0.96))]
        >>> levels = [("global mean", 1.1)]
        >>> draw_verdict(Path("winner.png"), lines=lines, levels=levels, title="movies").name
        'winner.png'
    """
    png.save(png.draw_verdict(lines, levels, title=title), path)
    return path


def reproduction_figure(
    curves: Mapping[str, Sequence[tuple[int, float]]],
    path: Path,
    *,
    expected: float | None = None,
    title: str = "Published and reproduced",
    metric: str = "val_rmse",
    minimize: bool = True,
) -> Path:
    """Draw the learning curves of an earlier and of a repeated training in one PNG picture.

    Args:
        curves: The name of each curve and its points (epoch and value), the earlier one first;
            a curve may be empty.
        path: The file.
        expected: A value to draw as a horizontal line, or None.
        title: Title of the picture.
        metric: Name of the metric that the values are of.
        minimize: Whether a lower value is better.

    Returns:
        The path.

    Example:
        >>> curves = {"published": [(1, 1.2), (2, 1.0)], "reproduced": [(1, 1.3), (2, 1.1)]}
        >>> reproduction_figure(curves, Path("both.png")).name
        'both.png'
    """
    values = [value for points in curves.values() for _, value in points]
    known = [*values, *([] if expected is None else [expected])]
    limits = robust_limits(known, minimize=minimize)
    if not values or limits is None:
        png.save(png.message(title, "needs a published or a reproduced curve"), path)
        return path
    colours = zip(curves.items(), (style.ORANGE, style.BLUE), strict=False)
    lines = [(name, points, colour) for (name, points), colour in colours]
    look = png.CurveAxis(label=words(metric), limits=limits, minimize=minimize)
    png.save(png.draw_two(lines, expected=expected, title=title, axis=look), path)
    return path


def figures_of(study: StudyRecord, module: Any) -> dict[str, Callable[[], Any]]:
    """A study's figures by name, each drawn when it is called.

    Args:
        study: The study with its trials.
        module: `png` or `html`, which draws them.
    """
    titles = {name: f"{study.name}: {text[0].lower()}{text[1:]}" for name, text in _titles()}
    label = words(study.objective)
    space = cache(lambda: landscape(study))  # two figures show it

    def curves() -> Any:
        drawn = best_curves(study)
        return module.draw_curves(
            drawn,
            title=titles["learning_curves"],
            value_label=words(study.monitor.removeprefix("val_")),
            limits=curve_limits(
                [replace(each, train=()) for each in drawn], minimize=study.minimize
            ),
        )

    figures = {
        "history": lambda: module.draw_history(
            history(study), title=titles["history"], value_label=label
        ),
        "importances": lambda: module.draw_importances(
            importance_bars(study) if study.tells_importances else (), title=titles["importances"]
        ),
        "parallel_coordinates": lambda: module.draw_parallel(
            space(), title=titles["parallel_coordinates"], value_label=label
        ),
        "slice": lambda: module.draw_slice(space(), title=titles["slice"], value_label=label),
        "learning_curves": curves,
    }
    several = {"frontier": lambda: _frontier(study, module)} if len(study.goals) > 1 else {}
    return figures | several


def _frontier(study: StudyRecord, module: Any) -> Any:
    title = f"{study.name}: its goals against each other"
    return module.draw_frontier(frontier(study), title=title, value_label=words(study.objective))


def _titles() -> Sequence[tuple[str, str]]:
    return tuple(style.TITLES.items())
