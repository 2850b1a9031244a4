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
    }
    differ = [words for words, found in checks.items() if len(set(found)) > 1]
    why = [f"the studies {', '.join(differ)}"] if differ else []
    why += filter(None, [_parts(studies)])
    return [f"The values of these studies do not compare: {'; '.join(why)}."] if why else []


def _parts(studies: Sequence[StudyRecord]) -> str:
    """Which values are of folds, where not all are of the same number of them.

    The mean of several seeds compares with a single one.
    """
    names: dict[object, list[str]] = {}
    for study in studies:
        names.setdefault(settings_of(study).get("folds"), []).append(study.name)
    if len(names) < 2:
        return ""
    told = [
        f"in {' and '.join(those)} it is "
        + (f"the mean of {folds} folds" if folds else "of the validation part")
        for folds, those in names.items()
    ]
    return f"a trial's value is not of the same ratings, since {', '.join(told)}"


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
