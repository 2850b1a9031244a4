"""Several studies side by side, and why their values may not be compared."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.figures.cost import spent
from tracking.records import StudyRecord
from tracking.report.markup import Html, duration, join, number, table, tag
from tracking.report.settings import settings_of
from tracking.states import COMPLETE


def comparison(studies: Sequence[StudyRecord]) -> Html:
    """A table with a row a study, under warnings where their values do not compare."""
    heads = (
        "Study", "Objective", "Best value", "Trial", "Trials", "Complete", "Time", "Data", "Split",
    )  # fmt: skip
    rows = [_row(study) for study in studies]
    warnings = [tag("p", line, class_="warning") for line in differences(studies)]
    return join([*warnings, table("The studies of this report", heads, rows)])


def differences(studies: Sequence[StudyRecord]) -> list[str]:
    """Say in words why the values of studies do not compare; nothing where they do."""
    checks: dict[str, list[object]] = {
        "optimise different numbers": [(s.objective, s.direction) for s in studies],
        "read different ratings": [s.dataset.content_hash if s.dataset else None for s in studies],
        "split the ratings differently": [s.split_rules for s in studies],
        "take the mean of different parts": [_parts(s) for s in studies],
    }
    differ = [words for words, found in checks.items() if len(set(found)) > 1]
    if not differ:
        return []
    return [f"The values of these studies do not compare: the studies {', '.join(differ)}."]


def _parts(study: StudyRecord) -> object:
    """Whether a trial's value is of folds; the mean of several seeds compares with a single one."""
    return settings_of(study).get("folds")


def _row(study: StudyRecord) -> tuple[object, ...]:
    best, data = study.best, study.dataset
    name = "" if data is None else data.name.rpartition("/")[2] or data.name
    hashed = "" if data is None else f" ({data.content_hash[:12]})"
    return (
        study.name,
        f"{study.objective}, {'lower' if study.minimize else 'higher'} is better",
        "none" if best is None else number(best.value),
        "" if best is None else best.number,
        len(study.trials),
        sum(trial.state == COMPLETE for trial in study.trials),
        duration(sum(each.seconds for each in spent(study))),
        f"{name}{hashed}" if data else "the model's own",
        str(data.profile.get("split", "")) if data else "",
    )
