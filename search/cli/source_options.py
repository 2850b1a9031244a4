"""The options that say how ratings are read, for every command that takes a source of ratings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from search.cli.common import with_options
from search.cli.help import option
from search.config.parsing import names
from search.config.sections import DATA


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how ratings are read: columns, table, user filter."""
    of_data = partial(option, group=DATA)
    options = [
        of_data("--user-column", shown="recognised", help="Name of the user column."),
        of_data("--movie-column", shown="recognised", help="Name of the movie column."),
        of_data(
            "--score-column",
            "--rating-column",
            shown="recognised",
            help="Name of the score column.",
        ),
        of_data(
            "--timestamp-column",
            shown="recognised",
            help="Name of the time column; `none` leaves times out.",
        ),
        of_data(
            "--columns",
            callback=_columns,
            help="Names of a text file's columns, in order: user,movie,rating,timestamp.",
        ),
        of_data(
            "--separator",
            help="What separates a text file's columns: comma, tab, semicolon, pipe, space, ::.",
        ),
        of_data("--table", help="Table of a SQLite file."),
        of_data("--test", help="File with the test part, if the ratings come already split."),
        of_data("--valid", shown="a part of --data", help="File with the validation part."),
        of_data(
            "--skip-rows-without-score",
            is_flag=True,
            callback=_only_if_given,
            help="Leave out rows without a score.",
        ),
        of_data(
            "--drop-scores",
            callback=_scores,
            help="Leave out rows with these scores, which mean no rating: 0,99.",
        ),
        of_data("--min-ratings", type=int, help="Leave out users with fewer ratings."),
        of_data("--max-ratings", type=int, help="Leave out users with more ratings."),
        of_data(
            "--no-user-filter", is_flag=True, help="Keep every user, whatever the two limits say."
        ),
    ]
    return with_options(command, options)


def _columns(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[str] | None:
    return None if given is None else names(given)


def _only_if_given(context: click.Context, parameter: click.Parameter, given: bool) -> bool | None:
    """Return None for a flag that was not given, so that a stored study keeps its own."""
    return True if given else None


def _scores(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[float] | None:
    try:
        return None if given is None else [float(score) for score in names(given)]
    except ValueError:
        raise click.BadParameter(f"it must be numbers between commas, but got {given!r}.") from None


SOURCE_NAMES = (
    "user_column",
    "movie_column",
    "score_column",
    "timestamp_column",
    "columns",
    "separator",
    "table",
    "test",
    "valid",
    "skip_rows_without_score",
    "drop_scores",
    "min_ratings",
    "max_ratings",
)
