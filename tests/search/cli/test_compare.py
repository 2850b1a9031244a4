"""Studies are compared where the same ratings are their validation part."""

from __future__ import annotations

import pytest

from search import StudyConfig
from search.study.warm_start import _why_not
from tracking import DatasetRecord, StudyRecord


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
