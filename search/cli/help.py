"""What `--help` shows: options under headings, each with its default, and whole summary lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from search.cli.signs import encodable
from search.config.sections import SECTIONS

OTHERS, OUTPUT = "Options", "Output"
HEADINGS = (OTHERS, *SECTIONS.values(), OUTPUT)
"""Every heading, in its order; that of `OTHERS` is for options that name no heading."""


class GroupedOption(click.Option):
    """An option that stands under a heading of `--help`, with its default in words.

    Attributes:
        group: The heading.
        shown: The default as `--help` shows it; None where there is none, or Click shows it.
    """

    def __init__(
        self, *names: Any, group: str = OTHERS, shown: str | None = None, **more: Any
    ) -> None:
        super().__init__(*names, **more)
        self.group = group
        self.shown = shown

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's two columns of `--help`."""
        record = super().get_help_record(ctx)
        if record is None or self.shown is None:
            return record
        return record[0], f"{record[1]}  [default: {self.shown}]"


class GroupedCommand(click.Command):
    """A command whose `--help` has its options under headings, in the order of `HEADINGS`."""

    def get_help(self, ctx: click.Context) -> str:
        """Make the whole text, in letters that standard output has."""
        return encodable(super().get_help(ctx), sys.stdout.encoding or "utf-8")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each heading."""
        for title, options in groups_of(self, ctx).items():
            records = [option.get_help_record(ctx) for option in options]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record is not None])


class WholeGroup(click.Group):
    """A group of commands whose `--help` has a whole line on each; Click by itself cuts it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names of the commands and what they do."""
        rows = [(name, str(each.short_help)) for name, each in sorted(self.commands.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def groups_of(command: click.Command, context: click.Context) -> dict[str, list[click.Option]]:
    """The options of a command by their headings.

    `--help` itself stands with those on the output.
    """
    groups: dict[str, list[click.Option]] = {title: [] for title in HEADINGS}
    for option in command.get_params(context):
        if isinstance(option, click.Option) and not option.hidden:
            groups[getattr(option, "group", OUTPUT)].append(option)
    return {title: options for title, options in groups.items() if options}


def option(
    *names: str, group: str = OTHERS, shown: str | None = None, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option of a command, as `click.option` does.

    Args:
        names: As `click.option` takes them.
        group: The heading under which `--help` shows it.
        shown: Its default in words, where Click cannot tell it.
        more: As `click.option` takes them.
    """
    return click.option(*names, cls=GroupedOption, group=group, shown=shown, **more)
