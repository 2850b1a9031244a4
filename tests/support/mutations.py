"""Strategies of Hypothesis for what a user may get wrong: values, tables, bytes of files."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_ODD_TEXTS = [
    "",
    " ",
    "-",
    "--",
    "nan",
    "..",
    "../../secret",
    "~nobody/x",
    "None",
    "true",
    "a\x00b",
    "\x1b[2J",
    "two\nlines\r\n",
    "\u2028\u202e\ufeff",
    "ünï 電影 🎬",
    "٣",
    "²",
    "x" * 5000,
    "%s{0}%(a)s",
    "'; DROP TABLE studies; --",
]
_ODD_NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**30,
    10**400,
    -0.0,
    0.5,
    -3.5,
    5e-324,
    1e308,
    math.inf,
    -math.inf,
    math.nan,
]


def texts() -> st.SearchStrategy[str]:
    """Texts of any kind that UTF-8 can hold, the awkward ones often."""
    return st.sampled_from(_ODD_TEXTS) | st.text(st.characters(codec="utf-8"), max_size=12)


def numbers() -> st.SearchStrategy[int | float]:
    """Numbers of any kind, the awkward ones often."""
    return st.sampled_from(_ODD_NUMBERS) | st.integers() | st.floats()


def values(*, with_none: bool = True) -> st.SearchStrategy[Any]:
    """Plain values as JSON or TOML holds them, nested too."""
    single: st.SearchStrategy[Any] = texts() | numbers() | st.booleans()
    if with_none:
        single |= st.none()
    return st.recursive(
        single,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=4,
    )


@st.composite
def changed(draw: st.DrawFn, valid: Any, *, with_none: bool = True) -> Any:
    """A valid value with one to three changes: a part dropped, renamed, added, doubled or replaced.

    Args:
        draw: From Hypothesis.
        valid: Nested dicts and lists.
        with_none: Whether a replacement may be None, which TOML does not know.
    """
    made = copy.deepcopy(valid)
    new = values(with_none=with_none)
    for _ in range(draw(st.integers(1, 3))):
        holders = _holders(made)
        if not holders:
            return draw(new)
        holder = draw(st.sampled_from(holders))
        places = list(holder) if isinstance(holder, dict) else range(len(holder))
        place = draw(st.sampled_from(list(places)))
        change = draw(st.sampled_from(["replace", "replace", "replace", "drop", "rename", "add"]))
        if change == "replace":
            holder[place] = draw(new)
        elif change == "drop":
            del holder[place]
        elif isinstance(holder, list):
            holder.append(holder[place] if change == "rename" else draw(new))
        elif change == "rename":
            holder[draw(texts())] = holder.pop(place)
        else:
            holder[draw(texts())] = draw(new)
    return made


def _holders(value: Any) -> list[Any]:
    """Every dict and list inside a value that holds something, itself too."""
    if not isinstance(value, dict | list):
        return []
    parts = value.values() if isinstance(value, dict) else value
    return [*([value] if value else []), *(each for part in parts for each in _holders(part))]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a file after one or two mishaps: cut off, overwritten, in another encoding …"""
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(content)))
        until = min(len(content), at + draw(st.integers(0, 40)))
        some = draw(st.sampled_from([b"\x00", b"\xff\xfe", b"\n", b'"', b"\x1a"]) | st.binary())
        content = draw(
            st.sampled_from(
                [
                    content[:at],
                    content[at:],
                    content[:at] + content[until:],
                    content[:at] + some + content[at:],
                    content[:at] + some + content[at + len(some) :],
                    content[:until] + content[at:],
                    content + content,
                    b"\xef\xbb\xbf" + content,
                    content.decode("latin-1").encode("utf-16"),
                    content.replace(b"\n", b"\r"),
                    content.replace(b"\n", b"\n\n"),
                ]
            )
        )
    return content


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8, numbers that are none as Python writes them."""
    return json.dumps(value, ensure_ascii=False).encode()


def toml_bytes(table: Mapping[str, Any]) -> bytes:
    """A table as TOML; unlike the product's own writer it writes whatever it is given."""
    return "".join(f"{_toml_key(key)} = {_toml(each)}\n" for key, each in table.items()).encode()


def _toml_key(key: Any) -> str:
    return json.dumps(str(key)).replace("\x7f", "\\u007f")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
