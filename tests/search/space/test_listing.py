"""A listing declares and returns what Keras Tuner's `HyperParameters` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner
import pytest

from search.space.hypermodel import parameters
from search.space.listing import Listing

Build = Callable[[Any], list[Any]]


def _plain(hp: Any) -> list[Any]:
    return [
        hp.Int("layers", 1, 4),
        hp.Int("size", 2, 64, None, "log", 15),
        hp.Int("units", 4, 64, 2, "log"),
        hp.Int("even", 2, 9, 3, "linear", 5),
        hp.Float("rate", 0, 1),
        hp.Float("dropout", 0.0, 0.7, step=0.05, default=0.5),
        hp.Float("step", 1e-4, 1e-1, sampling="log", default=0.01),
        hp.Float("mirrored", 0.1, 1, sampling="reverse_log"),
        hp.Int("powers", 1, 8, step=2, sampling="reverse_log", default=8),
        hp.Choice("kind", ["a", "b"]),
        hp.Choice("width", [8, 16], default=16),
        hp.Fixed("patience", 30),
        hp.Fixed("batch", "full"),
    ]


def _nested(hp: Any) -> list[Any]:
    found = [hp.Choice("kind", ["a", "b", "c"], default="b")]
    with hp.conditional_scope("kind", ["a", "b"]):
        found += [hp.Int("layers", 1, 3, default=2)]
        for number in (1, 2, 3):
            with hp.conditional_scope("layers", list(range(number, 4))):
                found += [hp.Int(f"units_{number}", 8, 64)]
                found += [hp.Float(f"dropout_{number}", 0.0, 0.7, step=0.1)]
    with hp.conditional_scope("kind", ["c"]):
        found += [hp.Fixed("factors", 3)]
    return found


def _twice(hp: Any) -> list[Any]:
    found = [hp.Int("rate", 1, 9), hp.Int("rate", 2, 20, default=7)]
    found += [hp.Choice("kind", ["a", "b"])]
    for kind in ("a", "b"):
        with hp.conditional_scope("kind", [kind]):
            found += [hp.Int("units", 1, 5 if kind == "a" else 8), hp.Float("units", 0.0, 1.0)]
    with hp.conditional_scope("kind", ["a"]):
        found += [hp.Int("units", 3, 4, default=4)]
    return found


def _of_two_types(hp: Any) -> list[Any]:
    found = [hp.Choice("size", [1, 2]), hp.Choice("kind", ["1", "2"])]
    with hp.conditional_scope("size", [1, 2.0]):
        found += [hp.Fixed("a", 1)]
    with hp.conditional_scope("kind", ["1", 2]):
        found += [hp.Fixed("b", 2)]
    with hp.conditional_scope("size", [1, 2]):
        found += [hp.Fixed("a", 3)]  # as if in the scope above
    with hp.conditional_scope("size", [2, 1]):
        found += [hp.Fixed("a", 4)]  # of its own
    return found


def _parent_of_another_scope(hp: Any) -> list[Any]:
    hp.Choice("kind", ["a", "b"])
    hp.Choice("sort", ["x", "y"])
    with hp.conditional_scope("kind", ["a"]), hp.conditional_scope("sort", ["x"]):
        pass
    return []


def _own_parent(hp: Any) -> list[Any]:
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Choice("kind", ["a", "b"])
    return []


def _both(build: Build, values: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    listing, hp = Listing(values), keras_tuner.HyperParameters()
    hp.values = dict(values)
    found = build(listing), listing.values, list(listing.values), listing.parameters
    wanted = build(hp), hp.values, list(hp.values), parameters(hp)
    return list(found), list(wanted)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "a", "layers": 1},
        {"kind": "b", "layers": 3, "units_3": 60, "rate": 3},
        {"kind": "c", "layers": 3, "factors": 5, "units": 2},
        {"kind": "2", "size": 2, "units": 0.5, "patience": 4},
        {"kind": "none of them", "size": 1.0},
    ],
)
@pytest.mark.parametrize("build", [_plain, _nested, _twice, _of_two_types])
def test_what_is_declared_and_returned_is_as_in_keras_tuner(
    build: Build, values: dict[str, Any]
) -> None:
    found, wanted = _both(build, values)
    assert found == wanted
    kinds = [[type(end) for end in (p.default, p.low, p.high, p.step)] for p in found[-1]]
    assert kinds == [[type(end) for end in (p.default, p.low, p.high, p.step)] for p in wanted[-1]]


@pytest.mark.parametrize("build", [_parent_of_another_scope, _own_parent])
def test_what_keras_tuner_refuses_is_refused_in_its_words(build: Build) -> None:
    with pytest.raises(ValueError) as wanted:
        build(keras_tuner.HyperParameters())
    with pytest.raises(ValueError) as found:
        build(Listing())
    assert str(found.value).split() == str(wanted.value).split()


def test_a_scope_is_closed_where_what_is_in_it_fails() -> None:
    listing = Listing()
    listing.Choice("kind", ["a", "b"])
    with pytest.raises(KeyError), listing.conditional_scope("kind", ["b"]):
        raise KeyError
    assert listing.Fixed("always", 1) == 1


def test_the_values_given_stay_as_they_are() -> None:
    given = {"kind": "a"}
    listing = Listing(given)
    listing.Choice("kind", ["a", "b"])
    listing.Fixed("more", 1)
    assert listing.values == {"kind": "a", "more": 1}
    assert given == {"kind": "a"}
