"""Reads a study file (TOML), with one clear line for each mistake, and writes study files."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from search.config.shipped import STUDIES
from search.errors import SearchError

_BITS = 64


def read_toml(path: Path) -> dict[str, Any]:
    """Read a study file.

    Raises:
        SearchError: There is no such file, or it is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SearchError(
            f"A study file must exist to be read, but there is no {path}. Those that come with "
            f"Trialbook: {', '.join(STUDIES)}. To name a study, use `--study`."
        ) from None
    except UnicodeDecodeError as error:
        raise SearchError(
            f"A study file must be TOML, which is text in UTF-8, but {path} is not text."
        ) from error
    except OSError as error:
        what = "a folder" if os.path.isdir(path) else f"not readable ({error.strerror or error})"
        raise SearchError(f"A study file must be a text file, but {path} is {what}.") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also too many digits, or too deeply nested
        raise SearchError(f"A study file must be TOML, but {path} is not: {error}.") from error


def write_toml(values: Mapping[str, Any]) -> str:
    """Write plain values as TOML, with `space` as a table `[space]`; omit None and empty values.

    Example:
        >>> print(write_toml({"trials": 3, "space": {"family": "gmf"}, "target": None}))
        trials = 3
        <BLANKLINE>
        [space]
        family = "gmf"
        <BLANKLINE>
    """
    flat = {k: v for k, v in values.items() if v is not None and v not in ({}, [])}
    space = flat.pop("space", {})
    lines = [f"{key} = {_toml(value)}" for key, value in flat.items()]
    if space:
        lines += ["", "[space]", *(f"{_key(k)} = {_toml(v)}" for k, v in space.items())]
    return "\n".join(lines) + "\n"


def refuse_alien(key: str, value: Any) -> None:
    """Refuse what no setting of a study takes: dates, times, immense numbers, bytes of no text.

    Raises:
        SearchError: The value is such a one, or holds one.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            refuse_alien(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            refuse_alien(key, inner)
    elif isinstance(value, str) and not _is_unicode(value):
        raise SearchError(
            f"`{key}` must be text that UTF-8 can hold, but got {value!r}. Rename the file or "
            "folder that it names."
        )
    elif isinstance(value, date | time):
        raise SearchError(f"`{key}` must be no date or time, but got {value.isoformat()}.")
    elif isinstance(value, int) and value.bit_length() >= _BITS:
        raise SearchError(
            f"`{key}` must be a number of {_BITS} bits, as TOML has them, but got one of "
            f"{value.bit_length() + 1} bits. Give a smaller one."
        )


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold a text: not so where an argument had other bytes."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, float):  # also inf, -inf and nan, which TOML writes as Python does
        return repr(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """A text in quotes; unlike JSON, TOML knows no surrogates, and escapes DEL too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
