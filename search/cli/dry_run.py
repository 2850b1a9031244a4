"""`trialbook search --dry-run`: print a study's space and its estimated cost; store nothing."""

from __future__ import annotations

from typing import Any

from models.checks import count_of
from search.cli.common import console, emit, short, waiting
from search.cli.tables import table
from search.config.study import StudyConfig
from search.cost.estimate import Plan
from search.storage.studies import Studies
from search.study.rehearsal import make_plan
from search.study.request import Request


def show_plan(config: StudyConfig, studies: Studies, request: Request, *, as_json: bool) -> int:
    """Print the study's space and its estimated cost; store nothing."""
    with waiting("Reading the ratings and timing a few epochs of the baseline …"):
        plan = make_plan(config, studies, request)
    if as_json:
        emit(plan.to_json())
        return 0
    out = console()
    rows = [
        [p["name"], p["kind"], values_in_words(p), short(p["default"]), p["when"]]
        for p in plan.space
    ]
    out.print(
        table(f"Space of {config.name}", ["parameter", "kind", "values", "default", "when"], rows)
    )
    if plan.grows:
        out.print(
            "The space may grow: a parameter that the model declares only for some values, or in "
            "`fit`, is added when a trial meets it."
        )
    for line in plan.warnings:
        out.print(f"• {line}")
    out.print(_cost(plan, config))
    return 0


def values_in_words(parameter: dict[str, Any]) -> str:
    """Say which values a parameter of the listed space may have."""
    if parameter["kind"] == "Fixed":
        return short(parameter["default"])
    if parameter["values"] is not None:
        return ", ".join(short(v) for v in parameter["values"])
    step = f" by {short(parameter['step'])}" if parameter["step"] not in (None, 1) else ""
    log = (" (reverse log)" if parameter["mirrored"] else " (log)") if parameter["log"] else ""
    return f"{short(parameter['min'])} to {short(parameter['max'])}{step}{log}"


def _of_others(plan: Plan) -> str:
    others = plan.seconds_epoch_others
    if others is None:
        return ""
    low, high, mean = (f"{value:.2g}" for value in (others.low, others.high, others.mean))
    return f"; {low} to {high} s of nine in ten others, {mean} s on average, estimated"


def _cost(plan: Plan, config: StudyConfig) -> str:
    return (
        f"{count_of(config.trials, 'trial')} of at most "
        f"{count_of(config.epochs, 'epoch')}, {plan.workers} at once: about "
        f"{plan.seconds / 60:.1f} minutes if none is pruned or stops early "
        f"({plan.seconds_epoch:.2f} s an epoch of the first, measured{_of_others(plan)}), "
        f"{plan.memory_mb / 1000:.1f} GB of memory, {plan.disk_mb:.0f} MB of disk."
    )
