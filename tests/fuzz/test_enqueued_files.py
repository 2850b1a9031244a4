"""Files for `--enqueue` of any content: configurations of the space, or one line why not."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import changed, damaged, json_bytes, toml_bytes, values
from refusing import taken_or_refused

from search import StudyConfig
from search.space.configurations import (
    check_configurations,
    left_out,
    read_configurations,
    without_effect,
)
from search.space.own import declare_own
from search.space.parameters import Condition, Parameter

FUZZ = settings.get_profile("fuzz")
SPACE = (
    Parameter(name="family", kind="Choice", default="a", values=("a", "b")),
    Parameter(name="batch", kind="Choice", default="256", values=("256", "1024")),
    Parameter(
        name="factors",
        kind="Int",
        default=2,
        low=2,
        high=8,
        conditions=(Condition(name="family", values=("b",)),),
    ),
    Parameter(name="rate", kind="Float", default=0.1, low=0.0, high=0.5, step=0.1),
    Parameter(name="l2", kind="Float", default=1e-6, low=1e-9, high=1e-3, log=True),
    Parameter(name="width", kind="Int", default=8, low=4, high=64, step=2, log=True),
    Parameter(name="nesterov", kind="Boolean", default=False),
    Parameter(name="patience", kind="Fixed", default=30),
)
VALID = [
    {"family": "b", "factors": 3, "rate": 0.2, "width": 16, "batch": 256, "nesterov": True},
    {"family": "a", "l2": 1e-5, "patience": 30},
]
OURS = [{"family": "neumf", "embedding_size": 16, "learning_rate": 0.01, "batch_size": 1024}]


@cache
def _own_space() -> tuple[Parameter, ...]:
    return declare_own(StudyConfig()).parameters


def _check(path: Path, space: tuple[Parameter, ...], *, grows: bool) -> None:
    """What is taken lies in the space, and each configuration's gaps can be told."""
    known = {parameter.name: parameter for parameter in space}
    with taken_or_refused():
        for place, each in enumerate(
            check_configurations(read_configurations(path), space, grows=grows), 1
        ):
            assert all(known[name].holds(value) for name, value in each.items() if name in known)
            assert grows or set(each) <= set(known)
            assert left_out(place, each, space) is not None
            without_effect(each, space)


@FUZZ
@given(
    content=st.one_of(
        changed(VALID).map(json_bytes),
        changed(VALID, with_none=False).map(lambda listed: toml_bytes({"trial": listed})),
        st.lists(st.dictionaries(st.sampled_from([p.name for p in SPACE]), values())).map(
            json_bytes
        ),
        values().map(json_bytes),
        damaged(json_bytes(VALID)),
        st.binary(max_size=40),
        st.sampled_from([b"[" * 20_000, b"9" * 5000, b'{"width": 0' + b"9" * 4999 + b"}"]),
    ),
    ending=st.sampled_from(["json", "toml"]),
    grows=st.booleans(),
)
def test_a_file_of_any_content_is_taken_or_refused_in_a_line(
    content: bytes, ending: str, grows: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"first.{ending}"
        path.write_bytes(content)
        _check(path, SPACE, grows=grows)


@FUZZ
@given(configurations=changed(OURS))
def test_configurations_of_rating_models_are_taken_or_refused_in_a_line(
    configurations: Any,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "first.json"
        path.write_bytes(json_bytes(configurations))
        _check(path, _own_space(), grows=False)
