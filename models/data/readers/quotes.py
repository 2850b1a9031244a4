"""Find quotation marks that are not closed: what lies behind one would be a single long field."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from models.data.readers.first_line import is_number

_BLOCK_BYTES = 1 << 22


def stray_quote(
    path: Path, separator: str, *, columns: int, lines_above: int, rows: int
) -> int | None:
    """Find the row in which the first quotation mark stands that nothing closes rightly.

    A mark at the beginning of a field must have another one at its end. A title such as
    `"Gone (1999)` has none: the field then ends at the next such title, and all rows between are
    lost. So they are where a field further down ends in a mark by chance (`Disco 12"`): a field
    whose lines are all rows themselves is taken for that. A file that has as many rows as lines is
    not looked through.

    Args:
        path: A UTF-8 text file.
        separator: One character.
        columns: How many fields a row has.
        lines_above: Lines above the first row.
        rows: How many rows were read.

    Returns:
        1 for the first row; None where all marks are closed.
    """
    if not _lacks_rows(path, lines_above=lines_above, rows=rows):
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader(islice(text, lines_above, None), delimiter=separator, strict=True)
        begin = 0
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return None
            except csv.Error:
                if reader.line_num > begin + 1:  # in one line nothing is lost
                    return begin + 1
            else:
                if any(_holds_rows(field, separator, columns) for field in fields):
                    return begin + 1
            begin = reader.line_num


def _lacks_rows(path: Path, *, lines_above: int, rows: int) -> bool:
    """Whether a file with quotation marks has more lines than rows."""
    lines, has_marks = 0, False
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            lines += block.count(b"\n")
            has_marks = has_marks or b'"' in block
    return has_marks and rows < lines - lines_above


def _holds_rows(field: str, separator: str, columns: int) -> bool:
    """Whether a field has whole lines, its first and last left out, and all of them look like rows.

    A row has as many fields, one of which at least is a number.
    """
    lines = field.splitlines()[1:-1]
    split = [line.split(separator) for line in lines]
    return bool(split) and all(
        len(each) == columns and any(is_number(one) for one in each) for each in split
    )
