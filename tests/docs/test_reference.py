"""The reference is what the code says: it is written by docs/tools/reference.py."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from types import ModuleType

import click
import pytest
from pages import TOP, text_of

from models.data.options import SourceOptions
from search.cli.main import _COMMANDS, cli

AGAIN = "Run: python docs/tools/reference.py (or `make reference`)"


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "docs" / "tools")
    return importlib.import_module("reference")


def test_the_page_of_commands_is_current(reference: ModuleType) -> None:
    assert text_of("docs/reference/commands.md") == reference.commands_page(), AGAIN


def test_the_tables_of_settings_are_current(reference: ModuleType) -> None:
    text = text_of("docs/settings.md")
    assert text == reference.settings_page(text), AGAIN


def test_the_page_is_the_same_whatever_the_environment_says(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reference.commands_page()
    monkeypatch.setenv("TRIALBOOK_HOME", "/somewhere")
    monkeypatch.setenv("TRIALBOOK_STORAGE", "postgresql://me:secret@host/optuna")
    monkeypatch.setenv("COLUMNS", "40")
    assert reference.commands_page() == before


def test_every_option_of_every_command_has_a_row() -> None:
    page = text_of("docs/reference/commands.md")
    for name in _COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {}
        for words, each in {name: command, **{f"{name} {n}": c for n, c in inner.items()}}.items():
            if isinstance(each, click.Group):
                continue
            section = re.search(rf"(?ms)^##+ trialbook {words}\n(.*?)(?=^##+ |\Z)", page)
            assert section
            rows = set(re.findall(r"(?m)^\| (`--?[^|]*) \|", section[1]))
            told = {word for row in rows for word in re.findall(r"`(--?[\w-]+)`", row)}
            options = [p for p in each.params if isinstance(p, click.Option)]
            there = {o for p in options for o in [*p.opts, *p.secondary_opts]}
            assert told == there | {"-h", "--help"}


def test_defaults_stand_in_the_rows() -> None:
    page = text_of("docs/reference/commands.md")
    assert (
        "| `--trials` `N` | `8` | Target number of finished trials, earlier ones included. |"
        in page
    )
    assert (
        "| `--repeats` `N` | `5` | New seeds per trial; few seeds leave wide intervals. "
        "At least 2, at most 50. |" in page
    )
    assert "| `--home` `DIR` | `TRIALBOOK_HOME`, else `./mlruns` |" in page


def test_every_key_that_says_how_ratings_are_read_is_on_the_page_of_settings() -> None:
    text = text_of("docs/settings.md")
    missing = [each.name for each in fields(SourceOptions) if f"`{each.name}`" not in text]
    assert not missing, f"docs/settings.md lacks {missing}"
