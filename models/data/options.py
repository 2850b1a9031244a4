"""The options of a source of ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.checks import check_one_of, check_range, check_whole, is_finite, require
from models.errors import ModelsError

RULES = 3
"""The newest rules by which ratings are read; `SourceOptions.rules` lists them."""

_MOST_SCORE = 3.4028234663852886e38  # scores are kept as floats of 32 bits

SEPARATORS = {
    "double-colon": "::",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "space": " ",
}
"""What may separate a text file's columns, by its name; the first that fits is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """How to read a source: its columns, its table, and which users to keep.

    Attributes:
        user_column: Name of the user column; None looks for a usual name.
        movie_column: Name of the movie column; None looks for a usual name.
        score_column: Name of the score column; None looks for a usual name.
        timestamp_column: Name of the time column; None looks for a usual name, and "none" leaves
            times out.
        columns: Names of a text file's columns, left to right, where it has none of its own; None
            takes its first line, or the usual order where that is a rating itself.
        separator: What separates a text file's columns: a character, `::`, or one of the words
            "comma", "tab", "semicolon", "pipe", "space"; None finds out.
        test: A file with the test part, where the ratings came split already: the source then
            holds the train part. A split takes nothing of it for training or validation.
        valid: A file with the validation part; None has the split take it out of the source.
        skip_rows_without_score: Whether rows without a score are left out, rather than refused.
        drop_scores: Scores that mean "no rating": rows with one of them are left out.
        table: Table of a SQLite file; None takes the one that has the columns.
        min_ratings: Least ratings of a user who is kept, inclusive; None is the source's own
            default: 20 for `mubi`, none otherwise.
        max_ratings: Most ratings of a user who is kept, inclusive; None is the source's own
            default: 1000 for `mubi`, none otherwise.
        user_filter: False keeps every user, whatever the two limits say.
        seed: Seeds the synthetic source; others ignore it.
        rules: By which rules ratings are read; None for the newest, 3. By the rules 2, of earlier
            versions, times in the third of four columns without names are taken for scores. By the
            rules 1, besides, an id "1.0" or " 1" of a text file is another than 1; of a repeated
            user and movie the last in the file is kept, not the last in time; column names such as
            `user,item,liked` above words are a rating; and no line is a comment.

    Example:
        >>> from models.data import load_ratings
        >>> options = SourceOptions(score_column="rating", min_ratings=4)
        >>> load_ratings("ratings.csv", options).user_ids.tolist()  # the only one with 4 ratings
        ['bob']
    """

    user_column: str | None = None
    movie_column: str | None = None
    score_column: str | None = None
    timestamp_column: str | None = None
    columns: Sequence[str] | None = None
    separator: str | None = None
    test: str | None = None
    valid: str | None = None
    skip_rows_without_score: bool = False
    drop_scores: Sequence[float] | None = None
    table: str | None = None
    min_ratings: int | None = None
    max_ratings: int | None = None
    user_filter: bool = True
    seed: int = 42
    rules: int | None = None

    def __post_init__(self) -> None:
        """Check the columns, dropped scores, the separator, the user filter, seed and rules.

        Raises:
            ModelsError: A value breaks its rule.
        """
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))
            _check_columns(tuple(self.columns))
        if self.valid is not None and self.test is None:
            raise ModelsError(
                f"`valid` must stand beside `test`, but got {self.valid!r} alone. Name the test "
                "part's file with `--test`."
            )
        if self.drop_scores is not None:
            object.__setattr__(self, "drop_scores", tuple(self.drop_scores))
            for score in self.drop_scores or ():
                holds = is_finite(score) and abs(score) <= _MOST_SCORE
                rule = f"hold finite numbers of at most {_MOST_SCORE:g}"
                require(holds, "drop_scores", rule, score)
        if self.separator is not None:
            check_one_of("separator", self.separator, (*SEPARATORS, *SEPARATORS.values()))
        check_limits(self.min_ratings, self.max_ratings)
        check_range("seed", self.seed, 0)
        if self.rules is not None:
            check_whole("rules", self.rules, 1, RULES)

    @property
    def rules_in_force(self) -> int:
        """The number of the rules by which ratings are read: the newest where none is named."""
        return RULES if self.rules is None else self.rules


def _check_columns(names: tuple[str, ...]) -> None:
    """Refuse a file's column names if there are fewer than three, or one is empty or repeated."""
    twice = [name for name in names if names.count(name) > 1]
    if len(names) < 3 or twice or not all(isinstance(name, str) and name for name in names):
        raise ModelsError(
            "`columns` must name each column of the file once, three or more of them, but got "
            f"{', '.join(map(str, names)) or 'none'}. Say `--columns user,movie,rating,timestamp`."
        )


def check_limits(min_ratings: int | None, max_ratings: int | None) -> None:
    """Refuse a user filter whose limits are below 1 or contradict each other.

    Args:
        min_ratings: Least ratings of a kept user, or None.
        max_ratings: Most ratings of a kept user, or None.

    Raises:
        ModelsError: A limit is below 1, or the two leave no room between them.
    """
    for name, value in (("min_ratings", min_ratings), ("max_ratings", max_ratings)):
        if value is not None:
            way_out = "Use `--no-user-filter` to keep every user."
            check_range(name, value, 1, way_out=way_out)
    if min_ratings is not None and max_ratings is not None and min_ratings > max_ratings:
        raise ModelsError(
            f"`min_ratings` must be at most `max_ratings`, but got {min_ratings} and {max_ratings}."
        )
