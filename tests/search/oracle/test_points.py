"""Which points of a space were tried, which are left, and in which order a tuner's space is."""

from __future__ import annotations

import keras_tuner
import numpy as np
import optuna
import pytest

from search.oracle.points import Tried, grid_values, some_values, untried
from search.oracle.space import tuner_space
from search.space.parameters import Condition, Parameter
from search.storage.trial_attributes import TrialPlan, write_plan

LETTER = Parameter(name="letter", kind="Choice", default="a", values=("a", "b"))
RATE = Parameter(
    name="rate",
    kind="Float",
    default=0.5,
    low=0.0,
    high=1.0,
    conditions=(Condition(name="letter", values=("b",)),),
)
COUNT = Parameter(name="count", kind="Int", default=1, low=1, high=2)


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def _trial(study: optuna.Study, value: float | None = None, **values: object) -> None:
    """A trial with these values; it has ended if it has a value."""
    trial = study.ask()
    write_plan(trial, TrialPlan(values=values))
    if value is not None:
        study.tell(trial, value)


def test_a_space_with_real_numbers_always_has_a_point_left(study: optuna.Study) -> None:
    """They exist for one letter alone; the points of the other one are counted."""
    _trial(study, 1.0, letter="a")
    _trial(study, 1.0, letter="b", rate=0.5)
    tried = Tried(study, (LETTER, RATE), in_parts=False)
    points = list(untried((LETTER, RATE), tried, some_values(np.random.default_rng(0))))
    assert [point["letter"] for point in points] == ["b"]
    assert 0.0 < points[0]["rate"] < 1.0


def test_a_range_of_many_whole_numbers_is_not_listed() -> None:
    huge = Parameter(name="huge", kind="Int", default=1, low=1, high=10**12, log=True)
    points = untried((huge,), [{"huge": 1}], some_values(np.random.default_rng(0)))
    assert next(points) == {"huge": 2}


def test_a_complete_trial_stands_for_later_parameters_in_a_grid_alone(
    study: optuna.Study,
) -> None:
    _trial(study, 1.0, letter="a")
    space = (LETTER, COUNT)
    later = {"letter": "a", "count": 2}
    assert later in Tried(study, space, in_parts=True)
    assert later not in Tried(study, space, in_parts=False)
    assert {"letter": "b", "count": 2} not in Tried(study, space, in_parts=True)


def test_a_running_trial_will_have_the_defaults_of_what_it_meets(study: optuna.Study) -> None:
    _trial(study, letter="a")
    tried = Tried(study, (LETTER, COUNT), in_parts=False)
    assert {"letter": "a", "count": 1} in tried
    assert {"letter": "a", "count": 2} not in tried


def test_a_grid_has_ten_values_of_a_range_without_steps() -> None:
    values = grid_values(RATE)
    assert values[0] == 0.5
    assert values[1:] == pytest.approx([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
    assert grid_values(LETTER) == ["a", "b"]


def test_parents_come_first_and_what_the_study_knows_before_the_rest() -> None:
    """As a chief gets a client's space: children of another type before their parents."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 1, 9)
    hp.Boolean("flag")
    sent = keras_tuner.HyperParameters.from_proto(hp.to_proto())
    assert [parameter.name for parameter in sent.space] == ["units", "kind", "flag"]
    assert [parameter.name for parameter in tuner_space(sent)] == ["kind", "units", "flag"]
    assert [parameter.name for parameter in tuner_space(hp)] == ["kind", "units", "flag"]
    stored = [{"name": "flag", "kind": "Boolean", "default": False, "values": [], "conditions": []}]
    named = [parameter.name for parameter in tuner_space(hp, stored)]
    assert named == ["flag", "kind", "units"]


def test_two_of_one_name_keep_what_the_study_tells_them_apart_by() -> None:
    """Also where a later process meets them in the other order."""

    def declared(*order: str) -> tuple[Parameter, ...]:
        hp = keras_tuner.HyperParameters()
        hp.Choice("kind", ["a", "b"])
        for kind in order:
            with hp.conditional_scope("kind", [kind]):
                hp.Choice("units", {"a": [1, 2], "b": [3, 4]}[kind])
        return tuner_space(hp, stored)

    stored: list[dict[str, object]] = []
    first = declared("a", "b")
    assert [parameter.variant for parameter in first] == ["", "", "kind is b"]
    from search.space.parameters import plain

    stored = [plain(parameter) for parameter in first]
    variants = {parameter.values: parameter.variant for parameter in declared("b", "a")[1:]}
    assert variants == {(1, 2): "", (3, 4): "kind is b"}
