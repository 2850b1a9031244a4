"""Find out how a text file of ratings is laid out: its separator and its column names."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.data.options import SEPARATORS, SourceOptions
from models.data.readers.columns import resolve_columns
from models.data.readers.first_line import (
    DOUBLE_COLON,
    fields_of,
    has_score,
    has_times_third,
    is_number,
    is_rating,
)
from models.data.readers.web_page import refuse_page, refuse_part_of_page
from models.errors import ModelsError

_NAMES = ("user", "movie", "rating", "timestamp")
_TIMES_THIRD = ("user", "movie", "timestamp", "rating")
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class TextLayout:
    """The separator and the column names of a text file.

    Attributes:
        separator: One of `models.data.options.SEPARATORS`.
        names: Column names, left to right.
        has_header: Whether the first line that is no comment holds the names.
        first_row: Fields of the first data row, empty where there is none.
        comments: Lines before that first line: comments, blank lines, Excel's `sep=;`.
        passed_over: Those of them that are comments and hold no names, in order.
    """

    separator: str
    names: tuple[str, ...]
    has_header: bool
    first_row: tuple[str, ...]
    comments: int = 0
    passed_over: tuple[str, ...] = ()

    @property
    def lines_above(self) -> int:
        """The number of lines above the first data row."""
        return self.comments + int(self.has_header)


def read_layout(path: Path, options: SourceOptions, *, where: str) -> TextLayout:
    """Find the layout of a text file from its first lines.

    A file whose first line is a rating itself (user, movie, a number, perhaps a time) has no
    column names: they are taken to be in that order; the time comes before the number where that
    is plain. Lines above that begin with `#`, `%` or `//`
    are comments unless they are ratings too ("#1,7,4"); the last of them may hold the names.

    Args:
        path: The file.
        options: May say how the file's columns are separated and what they are called.
        where: The file, for messages.

    Returns:
        The layout.

    Raises:
        ModelsError: The file is no UTF-8 text, its first line has no known separator, or it has
            another number of columns than `columns` names.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        layout = _layout_of(head, options, where)
        if layout.has_header:
            resolve_columns(layout.names, options, where=where)
    except ModelsError:
        refuse_part_of_page(head, where)
        raise
    return layout


def _layout_of(head: bytes, options: SourceOptions, where: str) -> TextLayout:
    """Find the layout of a text file from its first bytes."""
    comments, lines = _below_comments(_text(head, where).splitlines(), options)
    if not lines:
        raise ModelsError(f"{where} must have column names and rows, but is empty.")
    excel = next((line.strip()[4:] for line in comments if _is_excels(line)), None)
    separator = _separator(lines, options.separator or excel or None, where)
    fields = [fields_of(line, separator) for line in lines[:2]]
    _refuse_aligned(fields[0], separator, options, where)
    above = [line for line in comments if line.strip() and not _is_excels(line)]
    layout = _named_above(above, separator, fields, options)
    passed_over = tuple(above if layout is None else above[:-1])
    whole = lines[:-1] if len(head) == _HEAD_BYTES else lines  # the head's end may cut the last
    layout = layout or _layout(separator, fields, whole, options, where)
    return replace(layout, comments=len(comments), passed_over=passed_over)


def _refuse_aligned(
    fields: tuple[str, ...], separator: str, options: SourceOptions, where: str
) -> None:
    """Refuse columns that runs of several spaces or tabs align."""
    word = {" ": "space", "\t": "tab"}.get(separator)
    empty = fields.count("")
    if word is None or options.columns is not None or not empty:
        return
    if empty > 1 or (len(fields) > len(_NAMES) and separator == " "):
        sign = " " if word == "space" else "\\t"
        raise ModelsError(
            f"{where} must have one {word} between two columns, but has several in its first line. "
            f"Squeeze them first: tr -s '{sign}'."
        )


def _below_comments(lines: list[str], options: SourceOptions) -> tuple[list[str], list[str]]:
    """Separate the lines at the top that are comments or blank from those with text below them."""
    start = 0
    while start < len(lines):
        line = lines[start]
        below = next((each for each in lines[start + 1 :] if each.strip()), line)
        if line.strip() and not _is_comment(line, below, options):
            break
        start += 1
    return lines[:start], [line for line in _whole(lines[start:]) if line.strip()]


def _whole(lines: list[str]) -> list[str]:
    """Put the first lines together that a quoted line break divides; the rest stay as they are.

    Where a quotation mark is never closed, all stay as they are.
    """
    found: list[str] = []
    for number, line in enumerate(lines):
        if len(found) > 2 and found[-1].count('"') % 2 == 0:
            return [*found, *lines[number:]]
        if found and found[-1].count('"') % 2:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return lines if found and found[-1].count('"') % 2 else found


def _is_comment(line: str, below: str, options: SourceOptions) -> bool:
    """Whether a line is a comment: neither a rating nor one with a column the user names.

    By the rules 1 there are no comments.
    """
    named = (options.user_column, options.movie_column, options.score_column)
    if options.rules_in_force == 1 or any(name in line for name in named if name is not None):
        return False
    if line.startswith(("#", "%", "//")):
        return not is_rating(line, below, options)
    return _is_excels(line)


def _is_excels(line: str) -> bool:
    """Whether a line is Excel's word on the separator: `sep=;`."""
    return line.strip().lower().startswith("sep=") and len(line.strip()) <= 5


def _named_above(
    above: list[str],
    separator: str,
    fields: Sequence[tuple[str, ...]],
    options: SourceOptions,
) -> TextLayout | None:
    """Find the layout of a file whose last comment names its columns; None where it does not."""
    if not above or options.columns is not None:
        return None
    names = tuple(each.strip() for each in fields_of(above[-1].lstrip("#%/ "), separator))
    if len(names) != len(fields[0]):
        return None
    try:
        resolve_columns(names, SourceOptions(), where="")
    except ModelsError:
        return None
    return TextLayout(separator, names, False, fields[0])


def _layout(
    separator: str,
    fields: Sequence[tuple[str, ...]],
    lines: Sequence[str],
    options: SourceOptions,
    where: str,
) -> TextLayout:
    """Find the layout of a file by its first two lines that are no comments, and those below."""
    named = (options.user_column, options.movie_column, options.score_column)
    if options.columns is not None:
        return _as_named(options, separator, fields, where)
    if not any(named) and 3 <= len(fields[0]) <= 4 and has_score(fields, 2, options.rules_in_force):
        names = _NAMES[: len(fields[0])]
        if len(names) == len(_TIMES_THIRD) and options.rules_in_force > 2:
            rows = [fields_of(line, separator) for line in lines if "\n" not in line]
            names = _TIMES_THIRD if has_times_third(rows) else names
        return TextLayout(separator, names, False, fields[0])
    if options.rules_in_force > 1:
        _must_be_names(separator, fields, options, where)
    return TextLayout(separator, fields[0], True, fields[1] if len(fields) > 1 else ())


def _must_be_names(
    separator: str, fields: Sequence[tuple[str, ...]], options: SourceOptions, where: str
) -> None:
    """Refuse a first line that is taken for column names, but is a row of numbers or a title.

    pandas numbers columns without names: 0, 1, 2 and so on are names.
    """
    first, line = fields[0], separator.join(fields[0])[:60]
    if all(is_number(each) for each in first) and first != tuple(map(str, range(len(first)))):
        names = ",".join((*_NAMES, *(f"other_{n}" for n in range(1, 99)))[: len(first)])
        less = " It has no score then, which every row needs." if len(first) < 3 else ""
        raise ModelsError(
            f"{where} must name its {len(first)} columns in its first line, but that is a row: "
            f"{line!r}. Name them all in their order, say `--columns {names}`.{less}"
        )
    if len(fields) < 2 or len(fields[1]) == len(first):
        return
    try:
        resolve_columns(first, options, where=where)
    except ModelsError:
        raise ModelsError(
            f"{where} must name its columns in its first line, but that has {len(first)} fields "
            f"and the next one {len(fields[1])}: {line!r}. Take it out, or begin it with #."
        ) from None


def _as_named(
    options: SourceOptions, separator: str, fields: Sequence[tuple[str, ...]], where: str
) -> TextLayout:
    """Find a file's layout where the user has named its columns.

    Its first line is passed over where its score is no number: it holds names of its own.
    """
    names = tuple(options.columns or ())
    if len(names) != len(fields[0]):
        raise ModelsError(
            f"`columns` must name each of the {len(fields[0])} columns of {where}, but got "
            f"{len(names)}: {', '.join(names)}. Its first line: {separator.join(fields[0])[:60]!r}."
        )
    score = names.index(resolve_columns(names, SourceOptions(), where="`columns`").score)
    has_header = not has_score(fields, score, options.rules_in_force)
    rows = fields[1:] if has_header else fields
    return TextLayout(separator, names, has_header, rows[0] if rows else ())


def _text(head: bytes, where: str) -> str:
    """Decode the first bytes of a file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ModelsError(f"{where} must be UTF-8 text, but is UTF-16. Save it as UTF-8.")
    if b"\0" in head:
        raise ModelsError(
            f"{where} must be CSV, TSV, `::`, JSON, Parquet, Feather or SQLite, but is binary."
        )
    refuse_page(head, where)
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        return decoder.decode(head)  # the end of the head may cut a character: that is no error
    except UnicodeDecodeError as error:
        # `error.start` counts from behind a byte order mark, so the bytes come from the error.
        line = error.object[: error.start].count(b"\n") + 1
        raise ModelsError(
            f"{where} must be UTF-8 text, but has the byte {error.object[error.start]:#04x} in "
            f"line {line}. Save it as UTF-8."
        ) from None


def _separator(lines: Sequence[str], wanted: str | None, where: str) -> str:
    """Find the separator of a file: the user's, else the first that gives three fields or more.

    A file of two columns, which lacks one, is told so by its names rather than by its separator.
    """
    if wanted is not None:
        separator = SEPARATORS.get(wanted, wanted)
        if separator in lines[0]:
            return separator
        raise ModelsError(
            f"{where} must be separated by `{wanted}`, but its first line is {lines[0][:60]!r}. "
            "Leave `separator` out, or name another one."
        )
    present = [each for each in SEPARATORS.values() if each in lines[0]]
    for separator in present:
        if separator in (DOUBLE_COLON, "\t") or len(fields_of(lines[0], separator)) >= 3:
            return separator
    if present and present[0] != " ":
        return present[0]
    raise ModelsError(
        f"{where} must be separated by commas, tabs, `::`, semicolons, `|` or spaces, but its "
        f"first line is {lines[0][:60]!r}."
    )
