"""`trialbook data`: look at a source of ratings, or fetch one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli.common import console, emit, json_option, program, short, waiting
from search.cli.help import GroupedCommand, WholeGroup, option
from search.cli.source_options import SOURCE_NAMES, source_options
from search.cli.tables import table
from search.config.sections import DATA, SPLITS
from tracking.texts import shell_line, visible


@click.group(
    cls=WholeGroup,
    invoke_without_command=True,
    epilog="Example: trialbook data inspect movielens",
    subcommand_metavar="COMMAND [ARGUMENTS]",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Look at a source of ratings, or fetch one."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command(
    cls=GroupedCommand,
    short_help="Read, check and split the ratings of SOURCE.",
    epilog="Example: trialbook data inspect ratings.csv --split temporal",
)
@click.argument("source")
@option(
    "--split",
    group=DATA,
    type=click.Choice(SPLITS),
    default="published",
    show_default=True,
    help="How the ratings are split.",
)
@option(
    "--seed",
    group=DATA,
    type=int,
    default=42,
    show_default=True,
    help="Seed of the split random, and of made-up ratings.",
)
@source_options
@json_option
def inspect(
    source: str,
    split: str,
    seed: int,
    no_user_filter: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Read the ratings of SOURCE, check and split them; nothing is written."""
    from models.data import SourceOptions, describe, load_ratings, split_ratings

    out = console(as_json)
    options = SourceOptions(
        **{name: flags[name] for name in SOURCE_NAMES if flags[name] is not None},
        user_filter=not no_user_filter,
        seed=seed,
    )
    with waiting(f"Reading {source} …"):
        ratings = load_ratings(source, options)
        parts = split_ratings(ratings, split, seed=seed)
    found = describe(ratings, parts)
    if as_json:
        emit(found)
        return 0
    listed = ("checks", "warnings")
    rows = [[name, _told(name, value)] for name, value in found.items() if name not in listed]
    out.print(table(f"{source}, split {parts.protocol}", ["what", "value"], rows))
    for line in found["warnings"]:
        out.print(f"• {line}")
    checks = found.get("checks") or []
    if checks:
        from models.data import check_published

        made = check_published(ratings, parts)
        body = [[c.name, str(c.expected), str(c.found), "yes" if c.holds else "NO"] for c in made]
        out.print(table("Published figures", ["figure", "published", "here", "holds"], body))
        same = all(c.holds for c in made)
        out.print("The same data as published." if same else "A different dump, as marked above.")
    return 0


def _told(name: str, value: Any) -> str:
    """A figure as the table shows it."""
    if name in ("min_ratings", "max_ratings") and value is None:
        return "no limit"
    return f"version {value} of the reading" if name == "rules" else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {short(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(short(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else short(value)


@command.command(
    short_help="Download the data set NAME from its publisher.",
    epilog="Example: trialbook data fetch movielens-1m",
)
@click.argument("name")
@option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    shown="the user's cache folder",
    help="Folder to put it in.",
)
@option("--base-url", shown="the publisher's", help="Another address with the same files.")
@json_option
def fetch(name: str, destination: Path | None, base_url: str | None, as_json: bool) -> int:
    """Download the data set NAME from its publisher; a published checksum is checked."""
    from models.data import fetch as fetch_data
    from models.data import require_dataset

    path = fetch_data(
        name,
        destination=destination,
        base_url=base_url,
        progress=lambda text: console(True).print(text),
    )
    dataset = require_dataset(name)
    source = name if destination is None else str(path)
    if name == "mubi":
        source = f"mubi:{path}"
    if as_json:
        emit(
            {"name": dataset.name, "path": str(path), "licence": dataset.licence, "source": source}
        )
    else:
        use = shell_line(program(), "search", "--data", source)
        console().print(f"{visible(str(path))}\nUse it: {use}")
    return 0
