"""Configurations from a file: what is read, what is refused."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search import SearchError, StudyConfig
from search.space.configurations import check_configurations, read_configurations
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import declare, parameters
from search.space.parameters import Condition, Parameter
from search.space.recipes import RECIPES

SPACE = (
    Parameter(name="family", kind="Choice", default="a", values=("a", "b")),
    Parameter(
        name="factors", kind="Int", default=2, low=2, high=8,
        conditions=(Condition(name="family", values=("b",)),),
    ),
    Parameter(name="rate", kind="Float", default=0.1, low=0.0, high=0.5),
    Parameter(name="width", kind="Int", default=8, low=4, high=64, step=2, log=True),
)  # fmt: skip


def test_the_published_recipes_are_whole_points_of_the_default_space() -> None:
    recipes = read_configurations(RECIPES)
    space = parameters(declare(StudyConfig()))
    check_configurations(recipes, space)
    families = [*["gmf"] * 3, "neumf", *["gmf"] * 2, "mlp", "neumf", "gmf"]
    assert [each["family"] for each in recipes] == families
    never = {"patience", "min_delta", "overfit_patience"}  # not searched
    for values in recipes:
        active = {each.name for each in space if each.is_active(values)}
        assert set(values) == active - never


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", '[{"rate": 0.25, "family": "b"}]'),
        ("alone.json", '{"rate": 0.25, "family": "b"}'),
        ("one.toml", '[[trial]]\nrate = 0.25\nfamily = "b"\n'),
    ],
)
def test_a_configuration_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_configurations(path) == [{"rate": 0.25, "family": "b"}]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[]", "must hold configurations"),
        ("a.json", '[{"rate": [1]}]', "must hold configurations"),
        ("a.json", "{", "must be a JSON or TOML file"),
        ("a.toml", "x", "must be a JSON or TOML file"),
        ("a.toml", "rate = 1", "must hold configurations"),
        ("a.json", "[" * 20_000, "must be a JSON or TOML file"),
        ("a.json", '[{"rate": ' + "9" * 5000 + "}]", "must be a JSON or TOML file"),
        ("a.toml", "rate = " + "9" * 5000, "must be a JSON or TOML file"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SearchError, match=message):
        read_configurations(path)
    with pytest.raises(SearchError, match="cannot be read"):
        read_configurations(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 1}, "number 2 has `depth`. Known: family, factors"),
        ({"rate": 0.7}, "`rate` must be from 0 to 0.5 in this study, but configuration 2 has 0.7"),
        ({"family": "c"}, "`family` must be one of a, b"),
        ({"width": 12}, "`width` must be from 4 to 64, each 2 times the one before"),
        ({"family": "a", "factors": 3}, "`factors` exists only where family is b"),
        ({"factors": 3}, "exists only where family is b, but configuration 2 does not say which"),
        ({"family": "b", "factors": 3.5}, "`factors` must be from"),
        ({"family": "b", "factors": True}, "`factors` must be from"),
    ],
)
def test_a_configuration_outside_of_the_space_is_refused(values: dict, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        check_configurations([{"rate": 0.1}, values], SPACE)


def test_a_number_stands_for_the_text_of_a_choice() -> None:
    space = (
        Parameter(name="batch", kind="Choice", default="full", values=("full", "256")),
        Parameter(name="bias", kind="Choice", default="7", values=("7", "train_mean")),
        Parameter(name="units", kind="Choice", default=8, values=(8, 16)),
    )
    given = [{"batch": 256, "bias": 7.0, "units": 16}, {"batch": "full"}]
    found = check_configurations(given, space)
    assert found == [{"batch": "256", "bias": "7", "units": 16}, {"batch": "full"}]
    with pytest.raises(SearchError, match="`batch` must be one of full, 256"):
        check_configurations([{"batch": 64}], space)


def test_what_is_queued_is_tried_and_the_rest_is_sampled() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    adapter = SpaceAdapter(SPACE)
    given = {"family": "b", "factors": 5, "width": 16}
    check_configurations([given], SPACE)
    study.enqueue_trial(adapter.encode_given(given))
    tried = adapter.sample(study.ask())
    assert tried.items() >= given.items()
    assert 0 <= tried["rate"] <= 0.5


def test_all_unknown_names_are_told_at_once_with_the_nearest() -> None:
    space = [Parameter(name=n, kind="Int", default=1, low=1, high=9) for n in ("units_1", "rate")]
    with pytest.raises(SearchError, match=r"number 1 has `units_11` \(units_1\?\), `xyz`. Known"):
        check_configurations([{"units_11": 2, "rate": 2, "xyz": 3}], space)
    assert check_configurations([{"units_11": 2, "rate": 2}], space, grows=True)
