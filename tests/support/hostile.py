"""Names that a user may give, and that must leave no folder and inject nothing."""

from __future__ import annotations

from typing import Any

import pytest

PATHS = (
    "../../escape",
    "/absolute",
    "..",
    ".",
    "a/b",
    "a\\b",
    "%41",
    "%2e%2e%2f",
    "con",
)
"""Names that lead elsewhere where a path or an address is made of them as they are."""

WORDS = ("0", "Default", "__proto__", "None", "nan", "true")
"""Names that mean something else to a program that reads them."""

UNSEEN = (
    "two\nlines",
    "a\ttab",
    "back\rback",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "delete\x7f",
    "\u202etxt.exe",
    "zero\u200bwidth\u2060",
    "   ",
)
"""Names that a terminal does not show as they are."""

SHELL = (
    "--home",
    "-rf",
    "'; DROP TABLE studies; --",
    "`touch x`",
    "' OR '1'='1",
    "{0}",
    "%s%(a)s",
    "$(touch x)",
    "$x$ and $\\bad{$",
)
"""Names that mean something to a shell, to SQL, to a template or to TeX."""

PAGES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '<a href="https://example.com/">link</a>',
    "</script><script>alert(1)</script>",
    "[link](javascript:alert(1))",
    "![image](https://example.com/x.png)",
    "<https://example.com/>",
    "https://example.com/",
    "www.example.com",
    "&lt;b&gt;",
    "a|b",
    "# heading",
    "_slanted_",
)
"""Names that mean something to HTML or to Markdown."""

TABLES = ("=1+1", "@SUM(1)", "+1", "-1+1", 'a"b', "a,b", "a;b")
"""Names that mean something to a spreadsheet or to a table of texts."""

LETTERS = ("🎬", "e\u0301", "電影", "\u0645\u0631", "x" * 300, "x" * 300 + "y", "y" * 5000)
"""Names of letters that a font, a file name or a column has no room for."""

NAMES = (*PATHS, *WORDS, *UNSEEN, *SHELL, *PAGES, *TABLES, *LETTERS)
"""All of them that a text in UTF-8 can hold."""

NO_TEXT = "bytes\udcff"
"""What Python makes of an argument whose bytes are not UTF-8."""

NUL = "a\0b"
"""No shell can hand this over, but a file can hold it."""

OF_STUDIES = ("0", "Default", "con", "__proto__", "None", "nan", "a  b", "a.", "電影", "x" * 100)
"""Those that the rule for a study's name lets pass, and others that it does."""

SIMILAR = (
    ("0", "Default"),
    ("a b", "a_b"),
    ("a b", "a_b-c8687a08"),
    ("y" * 80 + "1", "y" * 80 + "2"),
    ("Movies", "movies"),
)
"""Pairs of names of studies that are easily taken for one another."""

FEW = (
    *("../../escape", "..", "a/b", "0", "Default", "two\nlines", "\x1b[31mred", "\u202etxt.exe"),
    *("--home", "'; DROP TABLE studies; --", "$(touch x)", "y" * 5000, NO_TEXT, NUL),
)
"""One of each kind, for what takes its time."""


def quick_few(*names: str) -> list[Any]:
    """Parameters of a test: the few, and all others marked as slow."""
    slow = [name for name in names if name not in FEW]
    few = [name for name in FEW if name in names]
    return [*few, *(pytest.param(name, marks=pytest.mark.slow) for name in slow)]
