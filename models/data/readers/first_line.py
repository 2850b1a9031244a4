"""Judge the first lines of a text file: a rating, the names or a comment; where its times are."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Sequence
from itertools import pairwise

from models.data.options import SEPARATORS, SourceOptions
from models.data.readers.columns import USUAL_NAMES, resolve_columns
from models.data.readers.scores import is_missing, is_word, word_family

DOUBLE_COLON = SEPARATORS["double-colon"]
_TIME = re.compile(r"[1-9]([0-9]{8,9}|[0-9]{12})")  # seconds or milliseconds since 1970
_GREATEST_SCORE, _GREATEST_STAR = 100.0, 10.0
_LONG_BLOCK = 4  # rows of a user, on average
_USUAL = {name.lower() for role in ("user", "movie") for name in USUAL_NAMES[role]}


def fields_of(line: str, separator: str) -> tuple[str, ...]:
    """Cut a line at its separator; `::` knows no quotes, and wrong ones are plain text."""
    if separator != DOUBLE_COLON:
        with contextlib.suppress(csv.Error):  # a line break behind a quotation mark, say
            return tuple(next(csv.reader([line], delimiter=separator)))
    return tuple(line.split(separator))


def has_score(fields: Sequence[tuple[str, ...]], place: int, rules: int) -> bool:
    """Whether the first line has a score in a column, rather than the column's name.

    A word such as "like" is a score only where the line below has one of the same kind, and where
    the rest of the line is no names: "liked" above "true" is a name, and so is any word beside
    `user,item`, or beside words that have numbers below. A score that is missing ("", "NA") counts
    as one where the line below has one.

    Args:
        fields: The first line's fields and, where there is one, those of the line below.
        place: The score's column.
        rules: By the rules 1 any two words are scores, and a missing one is none.
    """
    first = fields[0][place]
    if is_number(first) and not (rules > 1 and is_missing(first)):
        return True
    if len(fields) < 2 or len(fields[1]) <= place:
        return False
    below = fields[1][place]
    if rules < 2:
        return is_word(first) and is_word(below)
    if is_missing(first):
        alike = is_missing(below) or is_word(below) or is_number(below)
    else:
        alike = is_word(first) and word_family(first) == word_family(below)
    return alike and not _are_names(fields, place)


def _are_names(fields: Sequence[tuple[str, ...]], place: int) -> bool:
    """Whether the fields beside the score are names: usual ones, or words all above numbers."""
    above, below = (
        [each.strip() for number, each in enumerate(line) if number != place] for line in fields[:2]
    )
    if sum(each.lower().lstrip("\ufeff") in _USUAL for each in above) >= 2:
        return True
    return all(
        is_number(low) and not is_number(top) for top, low in zip(above, below, strict=False)
    )


def is_rating(line: str, below: str, options: SourceOptions) -> bool:
    """Whether a line that begins as comments do is a rating, as the line below it is.

    The id stands right behind the mark: "#1,7,4" above "#2,7,3" or "2,7,3" is one, "# 1,7,4" none.

    Args:
        line: A line that begins with `#`, `%` or `//`.
        below: The next line that is not blank; the line itself where there is none.
        options: May name the separator and the columns.
    """
    if options.rules_in_force < 2 or not line.lstrip("#%/")[:1].strip():
        return False
    if any((options.user_column, options.movie_column, options.score_column)):
        return False
    widths, place = (3, 4), 2
    if options.columns is not None:
        columns = tuple(options.columns)
        score = resolve_columns(columns, SourceOptions(), where="`columns`").score
        widths, place = (len(columns), len(columns)), columns.index(score)
    wanted = options.separator
    separators = SEPARATORS.values() if wanted is None else [SEPARATORS.get(wanted, wanted)]
    for separator in separators:
        pair = [fields_of(each, separator) for each in (line, below)]
        if len(pair[0]) == len(pair[1]) and len(pair[0]) in widths:
            return all(is_number(each[place]) or is_word(each[place]) for each in pair)
    return False


def has_times_third(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether columns without names are user, movie, time and score rather than score and time.

    Only where that is plain: the third column holds times in every row, the others never, the
    last one scores, and the first one cannot be the scores instead.

    Args:
        rows: The fields of the file's first rows.

    Example:
        >>> has_times_third([("196", "242", "881250949", "3"), ("186", "302", "891717742", "4")])
        True
    """
    if not rows or any(len(row) != 4 for row in rows):
        return False
    users, movies, times, scores = (
        [each.strip() for each in column] for column in zip(*rows, strict=True)
    )
    if not all(map(_TIME.fullmatch, times)) or any(
        map(_TIME.fullmatch, (*users, *movies, *scores))
    ):
        return False
    given = [each for each in scores if not is_missing(each)]
    are_scores = all(is_number(each) and abs(_value(each)) <= _GREATEST_SCORE for each in given)
    return bool(given) and are_scores and not _are_stars(users)


def _are_stars(column: Sequence[str]) -> bool:
    """Whether a column may hold scores such as 0 to 10 in steps of 0.5, rather than users.

    Small numbers of which each stands in one long block, as in a file sorted by users, are users.
    """
    if not all(is_number(each) for each in column):
        return False
    values = [_value(each) for each in column]
    small = all(0 <= each <= _GREATEST_STAR and 2 * each == round(2 * each) for each in values)
    blocks = 1 + sum(one != other for one, other in pairwise(values))
    are_blocks = 1 < blocks == len(set(values)) and len(values) >= _LONG_BLOCK * blocks
    return small and not are_blocks


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def is_number(text: str) -> bool:
    """Whether a text is a number, with a decimal point or comma."""
    try:
        _value(text)
    except ValueError:
        return False
    return True
