"""Find which columns of a table hold the user, the movie, the score and the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.data.options import SourceOptions
from models.errors import ModelsError

USUAL_NAMES = {
    "user": ("user_id", "user", "uid", "reviewerID"),
    "movie": (
        "movie_id",
        "item_id",
        "movie",
        "item",
        "business_id",
        "asin",
        "ISBN",
        "book_id",
        "anime_id",
        "product_id",
        "artist_id",
        "track_id",
        "song_id",
        "game_id",
    ),
    "score": ("rating", "rating_score", "score", "stars", "Book-Rating", "overall"),
    "timestamp": ("timestamp", "rating_timestamp_utc", "time", "date", "unixReviewTime"),
}
"""What published ratings call their columns; the earlier name goes before the later one."""

NO_TIMES = "none"
"""Stands for no time column, where a user names it as one."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns to read.

    Attributes:
        user: The user column.
        movie: The movie column.
        score: The score column.
        timestamp: The time column, or None where there is none.
    """

    user: str
    movie: str
    score: str
    timestamp: str | None

    @property
    def names(self) -> list[str]:
        """The names in the order user, movie, score, time; without time where there is none."""
        names = [self.user, self.movie, self.score]
        return names if self.timestamp is None else [*names, self.timestamp]


def resolve_columns(names: Sequence[str], options: SourceOptions, *, where: str) -> Columns:
    """Find the columns of user, movie, score and time by the user's names, else by usual names.

    Usual names match whatever the case, dashes, dots, spaces and underscores: `user_id` is also
    `userId`, `User-ID` and `User ID`. The user's names match exactly.

    Args:
        names: Column names of the table.
        options: May name columns.
        where: The file or table, for messages.

    Returns:
        The names of the columns to read.

    Raises:
        ModelsError: A column is missing, named twice, or asked to be two things.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ModelsError(f"{where} must name each column once, but {twice[0]!r} is there twice.")
    chosen = {
        "user": _find("user", names, options.user_column, where),
        "movie": _find("movie", names, options.movie_column, where),
        "score": _find("score", names, options.score_column, where),
    }
    time = None
    if options.timestamp_column != NO_TIMES or NO_TIMES in names:
        time = _find("timestamp", names, options.timestamp_column, where, optional=True)
    roles = [name for name in (*chosen.values(), time) if name is not None]
    if len(set(roles)) < len(roles):
        raise ModelsError(
            f"{where} must have one column each for user, movie, score and time, but got {roles}."
        )
    return Columns(chosen["user"] or "", chosen["movie"] or "", chosen["score"] or "", time)


def find_column(role: str, names: Sequence[str], wanted: str | None, where: str) -> str:
    """Find the column of one role by the user's name, else by a usual one.

    Args:
        role: A key of `USUAL_NAMES`, say "user".
        names: Column names of the table.
        wanted: The name that the user gave; None looks for a usual one.
        where: The file or table, for messages.

    Raises:
        ModelsError: There is none.
    """
    return _find(role, names, wanted, where) or ""


def _find(
    role: str, names: Sequence[str], wanted: str | None, where: str, *, optional: bool = False
) -> str | None:
    """Find the column of one role, say "user"; None for an optional role without a column."""
    listed = ", ".join(names)
    listed = listed if len(listed) <= 120 else f"{listed[:120]}..."
    if wanted is not None:
        if wanted not in names:
            raise ModelsError(f"{where} has no column {wanted!r}; its columns: {listed}.")
        return wanted
    by_key = {_key(name): name for name in reversed(names)}
    for usual in USUAL_NAMES[role]:
        if _key(usual) in by_key:
            return by_key[_key(usual)]
    if optional:
        return None
    raise ModelsError(
        f"{where} must have a {role} column ({', '.join(USUAL_NAMES[role])}), but its columns are "
        f"{listed}. Name yours with `--{role}-column`."
    )


def _key(name: str) -> str:
    """Write a column's name in lower case, letters and digits alone: `User-ID` is "userid"."""
    return "".join(character for character in name.lower() if character.isalnum())
