"""The cost of a study, reckoned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from search import StudyConfig
from search.cli.dry_run import values_in_words
from search.cost.estimate import Rehearsal, plan_from
from search.cost.outlook import Spread
from search.space.parameters import Condition, Parameter
from search.study.widening import space_changes

FAMILY = Parameter(name="family", kind="Choice", default="mlp", values=("gmf", "mlp"))
LAYERED = Condition(name="family", values=("mlp",))
LAYERS = Parameter(name="layers", kind="Int", default=3, low=1, high=4, conditions=(LAYERED,))


def _measured(**changed: Any) -> Rehearsal:
    usual = {
        "seconds": (2.0, 0.5, 0.5), "memory_mb": 1000.0, "files_mb": 2.0, "space": (), "workers": 1,
    }  # fmt: skip
    return Rehearsal(**(usual | changed))


@pytest.mark.parametrize(
    ("config", "measured", "seconds"),
    [
        ({"trials": 1, "epochs": 10}, {}, 1 * (10 * 0.5 + 3) + 15),
        ({"trials": 7, "epochs": 10}, {"workers": 3}, 3 * (10 * 0.5 + 3) + 15),  # 3, 3 and 1
        ({"trials": 2, "epochs": 10, "folds": 4}, {}, 2 * (4 * 10 * 0.5 + 3) + 15),
        ({"trials": 2, "epochs": 10, "repeats": 3}, {}, 2 * (3 * 10 * 0.5 + 3) + 15),
        ({"trials": 1, "epochs": 10}, {"seconds": (2.0,)}, 10 * 2.0 + 3 + 15),  # one alone
        ({"trials": 1, "epochs": 10}, {"seconds": ()}, 0 + 3 + 15),
    ],
)
def test_the_time_is_of_rounds_of_trials(
    config: dict[str, Any], measured: dict[str, Any], seconds: float
) -> None:
    assert plan_from(StudyConfig(**config), _measured(**measured)).seconds == seconds


@pytest.mark.parametrize(("kept", "models"), [("all", 10), ("best", 1), ("none", 0)])
def test_the_disk_holds_the_models_that_are_kept(kept: str, models: int) -> None:
    plan = plan_from(StudyConfig(trials=10, keep_models=kept), _measured())
    assert plan.disk_mb == models * 2.0 + 10 * 0.2 + 25.0


def test_the_memory_is_of_all_workers_and_the_study() -> None:
    assert plan_from(StudyConfig(), _measured(workers=3)).memory_mb == 3 * 1000.0 + 400.0


def test_the_space_is_a_row_a_parameter_with_its_condition_in_words() -> None:
    plan = plan_from(StudyConfig(), _measured(space=(FAMILY, LAYERS)))
    assert plan.to_json()["space"] == (
        {
            "name": "family", "kind": "Choice", "min": None, "max": None, "values": ["gmf", "mlp"],
            "step": None, "log": False, "mirrored": False, "default": "mlp", "when": "",
        },
        {
            "name": "layers", "kind": "Int", "min": 1, "max": 4, "values": None,
            "step": None, "log": False, "mirrored": False, "default": 3, "when": "family is mlp",
        },
    )  # fmt: skip


def test_a_parameter_is_listed_with_the_values_that_it_may_have() -> None:
    space = (
        Parameter(name="flag", kind="Boolean", default=False),
        Parameter(name="kind", kind="Choice", default="a", values=("a", "b")),
        Parameter(name="units", kind="Int", default=8, low=8, high=64, step=8),
        Parameter(name="split", kind="Fixed", default="random"),
    )
    rows = plan_from(StudyConfig(), _measured(space=space)).space
    assert [row["values"] for row in rows] == [[False, True], ["a", "b"], None, None]
    assert [values_in_words(row) for row in rows] == [
        "False, True",
        "a, b",
        "8 to 64 by 8",
        "random",
    ]
    flag, kind = space[0], space[1]
    changed = [Parameter(name="flag", kind="Choice", default="a", values=("a", "b")), kind]
    assert space_changes([flag, kind], changed) == [
        "`flag` was one of False, True, now one of a, b"
    ]


def test_the_memory_is_of_the_larger_trials_where_that_is_estimated() -> None:
    others = Spread(mean=900.0, low=500.0, high=1500.0)
    assert plan_from(StudyConfig(), _measured(others_mb=others)).memory_mb == 1500.0 + 400.0
    small = Spread(mean=600.0, low=500.0, high=700.0)
    assert plan_from(StudyConfig(), _measured(others_mb=small)).memory_mb == 1000.0 + 400.0
