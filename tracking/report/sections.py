"""The sections of one study: each a heading with texts, tables and figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracking.figures.cost import end_of, spent, troubles
from tracking.records import StudyRecord
from tracking.records.trivial import against_trivial
from tracking.report.chapter import Chapter, Scored
from tracking.report.figure import Figure
from tracking.report.leaderboard import leaderboard
from tracking.report.markup import Html, count, duration, join, number, table, tag
from tracking.report.plots import (
    cost_figures,
    curves_figure,
    ends_figure,
    history_figure,
    tradeoff_figures,
)
from tracking.report.plots_space import space_figures
from tracking.report.settings import searched, settings_of
from tracking.states import COMPLETE, RUNNING

_WHERE = (
    "The commands of this page are for the machine that has the study: give them in the folder "
    "that holds its home, mlruns, or name the home with --home."
)
_MOST_TROUBLES = 200
_OWN = ("ratings", "baseline", "as-written")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a study's chapter.

    Attributes:
        name: Part of its identifier on the page.
        title: Its heading.
        parts: What stands in it, in order.
    """

    name: str
    title: str
    parts: tuple[Html | Figure | None, ...]


def sections_of(chapter: Chapter) -> tuple[Section, ...]:
    """The sections of a study, in order."""
    study = chapter.study
    return (
        Section("searched", "What was searched", (searched(study),)),
        Section("leaderboard", "Leaderboard", (leaderboard(study),)),
        Section("history", "History", (history_figure(study),)),
        Section("curves", "Learning curves", (curves_figure(study),)),
        Section("parameters", "Parameters", tuple(space_figures(study))),
        Section("cost", "Cost", (*tradeoff_figures(study), *cost_figures(study))),
        Section("ends", "Ends and reasons", (ends_figure(study), _troubles(study))),
        Section("winner", "The winner's evidence", _winner(chapter)),
        Section("reproduce", "How to reproduce", _reproduce(chapter)),
    )


def summary(study: StudyRecord) -> Html:
    """The study in four figures and a few sentences."""
    best, base = study.best, study.baseline
    done = sum(trial.state == COMPLETE for trial in study.trials)
    cards = [("Trials", f"{len(study.trials):,}", f"{done:,} complete")]
    if best is not None:
        cards.insert(
            0, ("Best value", number(best.value), f"{study.objective}, trial {best.number}")
        )
    if best is not None and best.value is not None and base is not None and base.value is not None:
        gain = study.gain(best.value, over=base.value)
        if not study.baseline_misfit:
            against = f"baseline {number(base.value)}; above zero is better"
            cards.insert(1, ("Gain over the baseline", f"{gain:+.4f}", against))
    seconds = sum(each.seconds for each in spent(study))
    cards.append(("Time of all trials", duration(seconds), "sum over all trials"))
    shown = [
        tag("div", tag("dt", name), tag("dd", tag("strong", value), " ", tag("span", more)))
        for name, value, more in cards
    ]
    notes = [tag("p", line, class_="note") for line in _notes(study)]
    return join([tag("dl", *shown, class_="cards"), *notes])


def _notes(study: StudyRecord) -> list[str]:
    """What a reader should know before the figures."""
    lines = []
    running = sum(trial.state == RUNNING for trial in study.trials)
    if running:
        goes = f"{count(running, 'trial')} still {'runs' if running == 1 else 'run'}"
        lines.append(f"{goes}: the report is of the study as it stood.")
    if study.no_best:
        lines.append(f"{study.no_best[0].upper()}{study.no_best[1:]}, so there is no best one.")
    if study.baseline_misfit:
        lines.append(f"The baseline is no bar here: {study.baseline_misfit}.")
    if study.dataset is not None and study.dataset.synthetic:
        lines.append("The ratings are synthetic: made up, not measured.")
    lines += filter(None, [against_trivial(study)])
    if study.best is not None and _rates(study):
        lines.append("The best of many trials looks better than it is: see the winner's evidence.")
    return lines


def _troubles(study: StudyRecord) -> Html:
    found = troubles(study)
    if not found:
        return tag("p", "No trial failed or was killed.")
    rows = [
        (trial.label, end_of(replace(trial, message="")), trial.message)
        for trial in found[:_MOST_TROUBLES]
    ]
    caption = f"{count(len(found), 'trial')} that failed, were killed, pruned or met a limit"
    if len(found) > _MOST_TROUBLES:
        caption += f"; the first {_MOST_TROUBLES}"
    return table(caption, ("Trial", "End", "Reason"), rows)


def _winner(chapter: Chapter) -> tuple[Html, ...]:
    found, study = chapter.evidence, chapter.study
    if found is None:
        if not _rates(study):
            only = "A winner is decided among Trialbook's own models of ratings alone."
            return (tag("p", only),)
        if study.best is None:
            return (tag("p", "No winner can be decided before a trial is complete."),)
        ask = "No winner was decided yet. This trains the best again on new seeds, says how sure "
        ask += "it is which one is best, and scores that one once on the sealed test part:"
        return (tag("p", ask), command(chapter.command("winner", study.name)))
    heads = ("Trial", "In the search", "New seeds (mean)", "95 % interval", "P(best)")
    rows = [
        (
            each.name,
            number(each.searched),
            number(each.value),
            _interval(each),
            "" if each.probability is None else f"{each.probability:.0%}",
        )
        for each in found.candidates
    ]
    parts = [tag("p", tag("strong", found.headline)), *(tag("p", line) for line in found.lines)]
    if rows:
        parts.append(table("Validation RMSE (rating points) on new seeds", heads, rows))
    if found.test:
        test = [(each.name, number(each.value), _interval(each)) for each in found.test]
        caption = f"RMSE (rating points) on the sealed test part, opened once, at {found.opened}"
        parts.append(table(caption, ("Predictor", "RMSE", "95 % interval"), test))
    if found.model:
        parts.append(tag("p", "Registered in MLflow as ", tag("code", found.model), "."))
    return tuple(parts)


def _rates(study: StudyRecord) -> bool:
    """Whether the study trains Trialbook's own models of ratings, of which a winner is decided."""
    model = settings_of(study).get("model")
    return study.dataset is not None if model is None else model in _OWN


def _interval(each: Scored) -> str:
    return f"{number(each.low)} to {number(each.high)}"


def command(line: str) -> Html:
    """A command to type, in a box that scrolls where there is no room."""
    return tag("pre", tag("code", line), tabindex="0")


def _reproduce(chapter: Chapter) -> tuple[Html, ...]:
    study, write = chapter.study, chapter.command
    parts = [tag("p", _WHERE)]

    def add(words: str, line: str) -> None:
        parts.extend((tag("p", words), command(line)))

    best = study.best
    if best is not None:
        add(
            "Train the best trial again, and compare its curve and value with the record:",
            write("reproduce", f"{study.name}:{best.number}"),
        )
        add("Its configuration, curve and versions:", write("show", study.name, str(best.number)))
    add("All trials as a table for other programs:", write("export", study.name))
    trials = settings_of(study).get("trials")
    if isinstance(trials, int):
        more = write("search", "--study", study.name, "--trials", str(2 * trials))
        add("Go on with the study:", more)
    if study.study_file:
        add(
            "The same study anew, from this file:",
            write("search", "study.toml", "--study", "again"),
        )
        text = tag("pre", tag("code", study.study_file), tabindex="0")
        parts.append(tag("details", tag("summary", "study.toml"), text))
    return tuple(parts)
