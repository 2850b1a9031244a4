from __future__ import annotations

import re
import shlex
import subprocess
import unicodedata

import pytest
from hostile import NAMES, NO_TEXT
from markdown_it import MarkdownIt

from tracking.texts import cell, markdown, shell_line, visible

PAGE = MarkdownIt("commonmark").enable("table")
TEXTS = {"inline", "text", "code_inline", "paragraph_open", "paragraph_close"}


@pytest.mark.parametrize("name", [*NAMES, NO_TEXT])
def test_what_is_shown_has_no_character_that_is_not_seen(name: str) -> None:
    shown = visible(name)
    assert shown.isprintable()
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if name.isprintable():
        assert shown == name


def test_a_line_feed_may_stay() -> None:
    assert visible("a\nb\tc", keep="\n") == "a\nb\\tc"


@pytest.mark.parametrize("name", [name for name in NAMES if name.isprintable()])
def test_any_shell_reads_a_name_that_is_seen_as_that_word(name: str) -> None:
    line = shell_line("show", name, "--home", name)
    assert shlex.split(line) == ["show", name, "--home", name]


@pytest.mark.parametrize("name", [*(n for n in NAMES if not n.isprintable()), NO_TEXT, "\ud800"])
def test_a_shell_reads_the_bytes_of_a_name_that_is_not_seen(name: str) -> None:
    line = shell_line("printf", "%s", name)
    assert line.isprintable()
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, timeout=60)
    errors = "surrogatepass" if name == "\ud800" else "surrogateescape"
    assert done.stdout == name.encode("utf-8", errors)


def _kinds(source: str) -> set[str]:
    tokens = PAGE.parse(source)
    return {t.type for t in tokens} | {c.type for t in tokens for c in t.children or []}


def _text(source: str) -> str:
    (inline,) = (token for token in PAGE.parse(source) if token.type == "inline")
    return "".join(child.content for child in inline.children or [])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_in_markdown(name: str) -> None:
    source = f"Named {markdown(name)} here."
    assert _kinds(source) <= TEXTS
    assert _text(source) == f"Named {visible(name)} here."


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_cell_of_a_table(name: str) -> None:
    tokens = PAGE.parse(f"| a | b |\n| --- | --- |\n| {cell(name)} | end |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    assert {child.type for child in cells[2].children or []} <= {"text", "code_inline"}
    shown = "".join(child.content for child in cells[2].children or [])
    assert re.sub(r"\s+", "", shown) == re.sub(r"\s+", "", visible(name))
    assert cells[3].content == "end"


def test_an_address_is_no_link_for_those_who_look_for_addresses_in_text() -> None:
    for name in ("www.example.com", "https://example.com/", "me@example.com", "example.com"):
        assert markdown(name) == f"`{name}`"


def test_usual_names_stay_as_they_are() -> None:
    for name in ("learning_rate", "0.02", "v1.2", "relu", "a b", "movies-2", "été", "電影"):
        assert markdown(name) == cell(name) == name
