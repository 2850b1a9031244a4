"""Writes the reference from the code: docs/reference/commands.md, and the tables of settings.

    python docs/tools/reference.py

A test fails where a page is not what this writes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click

from search.cli.help import OTHERS, GroupedCommand, groups_of
from search.cli.main import _COMMANDS, _SUMMARIES, cli
from search.cli.study_options import option_name
from search.config.keys import key_of
from search.config.sections import SECTIONS
from search.config.study import StudyConfig

DOCS = Path(__file__).resolve().parents[1]
COMMANDS, SETTINGS = DOCS / "reference" / "commands.md", DOCS / "settings.md"
BEGIN, END = "<!-- settings: docs/tools/reference.py -->", "<!-- end of settings -->"
_FREE = "May change later."

_INTRODUCTION = """\
# Commands

This page lists every command with its arguments and options. `docs/tools/reference.py` writes it \
from the commands themselves, and a test compares the two.

- `--help` of a command says the same as this page.
- With `--json`, standard output is one JSON object and nothing else.
- `trialbook --debug COMMAND` shows the traceback of an error.
- Many options of `trialbook search` set a setting of the study. [settings.md](../settings.md) \
explains each setting, and [search.md](../search.md) says how the search uses them.

## Exit codes

| exit code | meaning |
| --- | --- |
| 0 | The command is done; also a study that its `--timeout` ended, if a trial is complete. |
| 1 | The command is done, but not with the result that was asked for: no trial is complete, a \
value was not reproduced, a difference was not mended, or nothing was deleted. |
| 2 | The user made a mistake, which one line names. |
| 70 | Trialbook itself failed. |
| 71 | Training processes ended again and again while they started. |
| 75 | The failure may pass: a disk is full, or a database is away. |
| 130 | The command was interrupted. Everything so far is kept. |
| 141 | The program that read the output, such as `head`, has ended. Everything so far is kept. |

## Overview
"""


def commands_page() -> str:
    """The page of all commands, as Markdown."""
    rows = [f"| [`trialbook {n}`](#trialbook-{n}) | {s} |" for n, s in _SUMMARIES.items()]
    table = "\n".join(["| command | meaning |", "| --- | --- |", *rows, ""])
    return "\n".join([_INTRODUCTION, table, *_all_commands()]).rstrip() + "\n"


def _all_commands() -> Iterator[str]:
    parent = click.Context(cli, info_name="trialbook")
    for name in _COMMANDS:
        command = cli.get_command(parent, name)
        assert command is not None
        context = _context(command, name, parent)
        if isinstance(command, click.Group):
            yield f"## trialbook {name}\n\n{_text(command)}\n"
            for inner in command.commands:
                each = command.commands[inner]
                yield from _one(each, _context(each, inner, context), level=3)
        else:
            yield from _one(command, context, level=2)


def _context(command: click.Command, name: str, parent: click.Context) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, help_option_names=["-h", "--help"])


def _one(command: click.Command, context: click.Context, *, level: int) -> Iterator[str]:
    """One command: its synopsis, what it does, its options, its example."""
    yield f"{'#' * level} {context.command_path}\n"
    synopsis = [context.command_path, *command.collect_usage_pieces(context)]
    yield f"```text\n{' '.join(synopsis)}\n```\n"
    yield f"{_text(command)}\n"
    if isinstance(command, GroupedCommand):
        for title, options in groups_of(command, context).items():
            yield f"**{title}**\n\n{_table(options, context)}\n"
    else:
        options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
        yield f"**{OTHERS}**\n\n{_table(options, context)}\n"
    example = (command.epilog or "").removeprefix("Example: ")
    yield f"```sh\n{example}\n```\n"


def _text(command: click.Command) -> str:
    """What a command does; its arguments and options as code."""
    text = inspect.cleandoc(command.help or "")
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    text = "\n\n".join(paragraphs)
    return re.sub(r"(?<![\w`])(?!TOML|RMSE)([A-Z_]{4,}(:[A-Z]+)?)(?![\w`])", r"`\1`", text)


def _table(options: list[click.Option], context: click.Context) -> str:
    rows = ["| option | default | meaning |", "| --- | --- | --- |"]
    for each in options:
        named = [*each.opts, *each.secondary_opts]
        if "--help" in named:  # Click keeps those of the first context that it was asked in
            named = ["-h", "--help"]
        names = ", ".join(f"`{name}`" for name in named)
        value = "" if each.is_flag else f" `{_value(each, context)}`"
        rows.append(f"| {names}{value} | {_default(each)} | {_what(each)} |")
    return "\n".join(rows)


def _value(option: click.Option, context: click.Context) -> str:
    """What stands for an option's value."""
    if isinstance(option.type, click.Choice) and option.metavar is None:
        return "NAME"
    metavar = option.make_metavar(context)
    return metavar.removesuffix(" RANGE").replace("INTEGER", "N").replace("FLOAT", "X")


def _default(option: click.Option) -> str:
    shown = getattr(option, "shown", None)
    if shown is None and option.show_default and option.default is not None:
        shown = str(option.default)
    if shown is None:
        return ""
    if " " not in shown:
        return f"`{shown}`"
    return re.sub(
        r"(--\w+|\b(?:TRIALBOOK|RAY)_\w+|[\w.]+\.(?:db|html|csv|parquet|json)|\./\w+)",
        r"`\1`",
        shown,
    )


def _what(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|").rstrip(".")
    kind: Any = option.type
    if isinstance(kind, click.Choice):
        text += f". One of {', '.join(f'`{each}`' for each in kind.choices)}"
    elif isinstance(kind, click.IntRange | click.FloatRange):
        low = f"{'Above' if kind.min_open else 'At least'} {kind.min}"
        text += f". {low}" + (f", at most {kind.max}" if kind.max is not None else "")
    return text if text.endswith("…") else f"{text}."


# Settings of a study.


def _declared(setting: Field[Any]) -> Any:
    """A setting's default, as it is declared."""
    made = setting.default_factory
    return setting.default if made is MISSING else made()


def settings_tables() -> str:
    """The settings by section, as Markdown tables."""
    meanings, parts = _meanings(), []
    for section, title in SECTIONS.items():
        rows = [
            f"## {title}",
            "",
            "| key | option | default | meaning |",
            "| --- | --- | --- | --- |",
        ]
        for setting in fields(StudyConfig):
            if setting.name in section.__annotations__:
                declared = key_of(setting)
                option = f"`{option_name(setting)}`" if declared.help else ""
                value = _declared(setting)
                empty = setting.name == "options" or value in (None, (), {})
                default = "" if empty else f"`{str(value).lower()}`"
                what = meanings[setting.name] + (f" {_FREE}" if declared.is_free else "")
                rows.append(f"| `{setting.name}` | {option} | {default} | {what} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _meanings() -> dict[str, str]:
    """What each setting means, from the docstrings of the sections, in one line each."""
    found = {}
    for section in SECTIONS:
        attributes = (inspect.getdoc(section) or "").partition("Attributes:")[2]
        for name, text in re.findall(r"(?ms)^    (\w+): (.*?)(?=^    \w+: |\Z)", attributes):
            found[name] = " ".join(text.split()).replace("|", "or")
    return found


def settings_page(text: str) -> str:
    """The page of settings with its tables written anew.

    Args:
        text: The page as it is.
    """
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{settings_tables()}\n\n{END}{after}"


def main() -> None:
    """Write both pages."""
    COMMANDS.parent.mkdir(exist_ok=True)
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    SETTINGS.write_text(settings_page(SETTINGS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
