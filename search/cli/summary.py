"""The summary that `trialbook search` prints when a study has ended."""

from __future__ import annotations

from pathlib import Path

from models.checks import count_of
from search.cli.common import GOES_ON, command_line, console, more_line, ui_line
from search.cli.tables import table
from search.cli.trial_tables import best_table, hidden_line
from search.config.study import StudyConfig
from search.study.result import StudyResult
from tracking import COMPLETE, FAILED, KILLED, PRUNED, REFUSED, StudyRecord, TrialRecord
from tracking.records.trivial import against_trivial


def print_summary(
    result: StudyResult, config: StudyConfig, home: Path, *, plain: bool = False
) -> None:
    """Print a study's best trials, what they show, and the commands to go on with.

    Args:
        result: What the study gave.
        config: Its settings.
        home: The home folder.
        plain: Whether nothing is styled.
    """
    out = console(plain=plain)
    idle = result.new_trials == 0 and not result.interrupted and not result.timed_out
    if idle and result.reasons:
        stricter = {"--target-rmse": config.target, "--regret": config.regret}
        named = " or ".join(name for name, value in stricter.items() if value is not None)
        more = f" For more, use another {named}." if named else ""
        out.print(f"Already done: {' '.join(result.reasons)}{more}")
    elif idle:
        out.print(
            f"Already done: study {config.name} has its {config.trials} finished trials. "
            f"For more: {more_line(home, config)}"
        )
    ranked = result.record.ranked()
    if ranked:
        best, hidden = best_table(result.record, ranked[:5])
        out.print(best)
        words = ("show", config.name, str(ranked[0].number))
        show = command_line(home, *words, storage=config.storage)
        for line in hidden_line(hidden, show):
            out.print(line)
    if result.record.frontier():
        out.print(frontier_table(result.record))
    for line in learned(result.record):
        out.print(f"• {line}", soft_wrap=not out.is_terminal)  # a person's lines break at words
    if result.interrupted:
        out.print(GOES_ON)
    if result.timed_out:
        out.print(
            f"The time of {config.timeout_s:g} s is over; every finished trial is kept. "
            "The same command goes on."
        )
    for what, line in _next_lines(result, config, home):
        out.print(f"{what} ", end="")
        out.print(line, style="bold", soft_wrap=True)


def _next_lines(result: StudyResult, config: StudyConfig, home: Path) -> list[tuple[str, str]]:
    """What to type next, each with what it is for."""
    lines = [("Look at it:", ui_line(home, config, result.record.experiment_id))]
    ended = result.best is not None and not result.interrupted and not result.timed_out
    if ended and config.rates:
        where = {"tracking_uri": config.tracking_uri, "storage": config.storage}
        lines.append(("Decide:", command_line(home, "winner", config.name, **where)))
    if ended and result.new_trials and not result.reasons:
        lines.append(("Go on:", more_line(home, config)))
    return lines


def print_share(result: StudyResult, config: StudyConfig) -> None:
    """Print what a worker did, and how far the study is."""
    record, out = result.record, console()
    done = sum(result.count(state) for state in (COMPLETE, PRUNED, FAILED))
    out.print(
        f"{count_of(result.new_trials, 'trial')} trained here; {config.name} has {done} of "
        f"{config.trials}."
    )
    if result.best is not None and result.best.value is not None:
        out.print(f"Best: trial {result.best.number}, {record.objective} {result.best.value:.4f}.")


def frontier_table(record: StudyRecord) -> object:
    """A table of the Pareto frontier: no trial beats these in a goal without losing in another."""
    others = record.goals[1:]
    rows = [
        [t.label, f"{t.value:.4f}", *(_figure(t.metrics.get(name)) for name in others)]
        for t in record.frontier()
    ]
    return table(f"What no trial of {record.name} beats", ["trial", *record.goals], rows)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


_UNRANKED = {
    PRUNED: "pruned",
    REFUSED: "refused by a limit before training",
    FAILED: "failed",
    KILLED: "killed",
}


def _scored_on(record: StudyRecord, trial: TrialRecord) -> str:
    """What the values of a study's trials are of, such as " on the validation part"."""
    mean = f" in the mean of {trial.mean_of}" if trial.mean_of else ""
    if trial.is_of_folds:
        return f"{mean} of the train part"
    return f"{mean} on the validation part" if record.monitor.startswith("val_") else mean


def learned(record: StudyRecord) -> list[str]:
    """Sentences on what a study has shown, such as the best trial's gain over the baseline."""
    lines = []
    ranked = record.ranked()
    base = next((t for t in ranked if t.is_baseline), None)
    if base is not None and record.baseline_misfit:
        lines.append(
            f"The published baseline ({base.value:.4f}) does not fit these scores and is no bar: "
            f"{record.baseline_misfit}."
        )
    elif ranked and base is not None and ranked[0] is not base:
        assert ranked[0].value is not None
        assert base.value is not None
        gain = record.gain(ranked[0].value, over=base.value)
        side = "below" if record.minimize else "above"
        lines.append(
            f"Trial {ranked[0].number} is {gain:.4f} {side} the baseline ({base.value:.4f})"
            f"{_scored_on(record, ranked[0])}; the best of many looks better than it is."
        )
    elif ranked and base is not None:
        lines.append(f"No trial is better than the baseline ({base.value:.4f}) so far.")
    lines += filter(None, [against_trivial(record)])
    if record.tells_importances:
        shares = list(record.importances.items())[:3]
        text = ", ".join(f"{name} {share:.0%}" for name, share in shares)
        lines.append(f"What mattered most: {text} of the variation between trials.")
    counts = {s: sum(t.state == s for t in record.trials) for s in _UNRANKED}
    parts = [f"{n} {_UNRANKED[state]}" for state, n in counts.items() if n]
    beyond = [t for t in record.trials if t.state == COMPLETE and t.is_beyond]
    if beyond:
        parts.insert(0, f"{len(beyond)} complete beyond a limit")
    for trial in beyond:
        what = "The baseline" if trial.is_baseline else f"Trial {trial.number}"
        lines.append(f"{what} is beyond a limit: it is there to compare with, and does not rank.")
    if beyond and not ranked:
        why = record.no_best[0].upper() + record.no_best[1:]
        lines.append(f"{why}, so there is no best one.")
    lines.append(f"{len(ranked)} complete" + "".join(f", {part}" for part in parts) + ".")
    if record.dataset is not None and record.dataset.synthetic:
        lines.append("The ratings are synthetic: made up, not measured.")
    return lines
