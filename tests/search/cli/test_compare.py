"""Studies are compared where the same ratings are their validation part, and side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from calling import Here

from search import StudyConfig
from search.cli.commands import compare
from search.cli.commands.studies import _table
from search.cli.common import console
from search.cli.main import run
from search.study.warm_start import _why_not
from tracking import DatasetRecord, StudyRecord, TrialRecord


def _split(rules: int, repeats: int) -> tuple[object, ...]:
    profile = {"split": "random", "rules": rules, "duplicates_dropped": repeats}
    dataset = DatasetRecord(name="r", content_hash="0", profile=profile)
    return StudyRecord(name="s", dataset=dataset).split_rules


def test_only_the_rules_1_keep_others_of_repeated_ratings() -> None:
    assert _split(2, repeats=3) != _split(1, repeats=3)
    assert _split(1, repeats=0) == _split(2, repeats=0)


@pytest.mark.parametrize(
    ("test", "old", "new", "why"),
    [
        (None, 2, 2, ""),
        (None, 1, 2, "The rules for repeated ratings differ"),
        ("u1.test", 2, 2, ""),
    ],
)
def test_a_warm_start_asks_which_rules_the_ratings_were_read_by(
    test: str | None, old: int, new: int, why: str
) -> None:
    before, now = (
        StudyConfig.from_dict({"data": "u1.base", "test": test, "rules": rules})
        for rules in (old, new)
    )
    data = {"content_hash": "1", "profile": {"duplicates_dropped": 1}}
    assert _why_not(before, now, data, data) == why


class _Stored:
    def __init__(self, records: Mapping[str, StudyRecord]) -> None:
        self.record = records.__getitem__


WINE = StudyRecord(
    name="wine", objective="best_val_accuracy", direction="maximize", study_file="epochs = 3",
    trials=(
        TrialRecord(
            study="wine", number=0, state="complete", value=0.9,
            params={"factor_dropout": "a_very_long_choice_of_an_activation", "units": 8},
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"objective": "best_val_loss", "direction": "minimize"}, "optimise different numbers"),
        ({"study_file": "folds = 3"}, "in wine_with_loss it is the mean of 3 folds"),
        ({"dataset": DatasetRecord(name="d", content_hash="1")}, "read different ratings"),
    ],
)
def test_it_is_said_why_values_do_not_compare(
    changes: dict[str, object],
    why: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    here: Here,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    other = replace(WINE, name="wine_with_loss", **changes)  # type: ignore[arg-type]
    stored = _Stored({"wine": WINE, "wine_with_loss": other})
    monkeypatch.setattr(compare, "studies_to_read", lambda *_: stored)
    told = here("compare", "wine", "wine_with_loss")
    assert [str(why) in line for line in told["warnings"]] == [True] * bool(why)
    assert told["same_data"] == ("dataset" not in changes)
    assert run(["compare", "wine", "wine_with_loss"]) == 0
    printed = capsys.readouterr().out
    assert ("do not compare" in printed) == bool(why)
    assert f" {why}" in printed or not why
    assert "best_val_accuracy" in printed
    table = [line for line in printed.splitlines() if "│" in line]
    assert len({len(line) for line in table}) == 1
    assert len(table[0]) <= 60
    assert [line for line in table if " a_very_long_" in line]


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (100, "study data model trials best trial value of"),
        (60, "study trials best value of"),
    ],
)
def test_the_list_of_studies_leaves_out_what_it_has_no_room_for(
    width: int, names: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    row = {
        "study": "movies_with_factors", "data": "/a/movielens.csv", "model": "ratings",
        "trials": 9, "target": 10, "objective": "best_val_rmse", "best_value": 0.9,
        "best_trial": 7,
    }  # fmt: skip
    console().print(_table([row, {**row, "best_value": None, "best_trial": None}])[0])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    head, body = (next(ln for ln in lines if edge in ln) for edge in ("┃", "│"))
    shown = [cell.strip() for cell in head.strip("┃").split("┃")]
    assert " ".join(shown) == names
    assert "movies_with_factors" in body
