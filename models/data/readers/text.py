"""Read ratings from text files: CSV, TSV, and other separators."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from models.data.options import SEPARATORS, SourceOptions
from models.data.readers.arrow_columns import rating_table
from models.data.readers.columns import Columns, resolve_columns
from models.data.readers.first_line import DOUBLE_COLON
from models.data.readers.quotes import stray_quote
from models.data.readers.text_layout import TextLayout, read_layout
from models.data.table import RatingTable
from models.errors import ModelsError

_UNIT_SEPARATOR = b"\x1f"
_BLOCK_BYTES = 1 << 22


class _SingleByteSeparator(io.RawIOBase):
    """A file that gives one byte for each `::`, since Arrow takes only one-byte separators."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._left + self._file.read(size)
        self._left = b""
        if data.endswith(b":") and size >= 0 and len(data) > 1:
            data, self._left = data[:-1], b":"
        return data.replace(b"::", _UNIT_SEPARATOR)


def read_text(path: Path, options: SourceOptions, *, where: str, gaps: bool = False) -> RatingTable:
    """Read the ratings of a text file.

    Args:
        path: The file.
        options: May name columns.
        where: The file, for messages.
        gaps: Whether rows may lack a score or a time.

    Returns:
        The scored rows.

    Raises:
        ModelsError: The file or a value in it breaks a rule.
    """
    layout = read_layout(path, options, where=where)
    names = resolve_columns(layout.names, options, where=where)
    if not layout.first_row:
        raise ModelsError(f"{where} must have rows, but has none below its column names.")
    table, said = _table(path, layout, names, where)
    columns = {name: table.column(name) for name in names.names}
    del table
    read = rating_table(columns, names, options, where=where, gaps=gaps)
    said = (*said, *_passed_over(layout, where), *_taken_for(layout, options, where))
    return replace(read, warnings=(*read.warnings, *said))


def _table(
    path: Path, layout: TextLayout, names: Columns, where: str
) -> tuple[Any, tuple[str, ...]]:
    """Read the columns of a text file as an Arrow table; warn where quotation marks are text."""
    import pyarrow as pa

    types = _expected_types(layout, names)
    try:
        table = _read(path, layout, names, types, _How())
    except pa.ArrowInvalid:
        table = None
    if layout.separator == DOUBLE_COLON:
        row = None
    else:
        rows = 0 if table is None else table.num_rows
        row = stray_quote(
            path,
            layout.separator,
            columns=len(layout.names),
            lines_above=layout.lines_above,
            rows=rows,
        )
    if row is None:
        return _read_as_text(path, layout, names, where) if table is None else table, ()
    del table
    marked = f'the quotation mark (") that row {row} has at the beginning of a field'
    try:
        table = _read(path, layout, names, types, _How(quoted=False))
    except pa.ArrowInvalid:
        raise ModelsError(
            f"{where} must close what it quotes, but {marked} is not closed at the end of the "
            "field. Close it, or take the mark out."
        ) from None
    return table, (f"{where}: {marked} is not closed, so that all of them are read as plain text.",)


def _passed_over(layout: TextLayout, where: str) -> tuple[str, ...]:
    """Say how many lines above the rows were taken for comments, and show the first."""
    count = len(layout.passed_over)
    if not count:
        return ()
    lines = "1 line was" if count == 1 else f"{count:,} lines were"
    shown = f"{layout.passed_over[0].strip()[:60]!r}"
    return (f"{where}: {lines} passed over above the rows as comments, the first: {shown}.",)


def _taken_for(layout: TextLayout, options: SourceOptions, where: str) -> tuple[str, ...]:
    """Warn which roles were assumed for the columns of a file without column names."""
    if layout.has_header or options.columns is not None:
        return ()
    word = next(name for name, each in SEPARATORS.items() if each == layout.separator)
    return (
        f"{where} has no column names: its columns were taken for {', '.join(layout.names)} "
        f"(separator: {word}). Name them with `--columns` where that is wrong.",
    )


def _expected_types(layout: TextLayout, names: Columns) -> dict[str, Any]:
    """Choose the Arrow type of each column; the first row decides the type of times.

    Where a value does not fit its type, the caller reads the file again as text, to say why.
    """
    import pyarrow as pa

    ids = pa.dictionary(pa.int32(), pa.string())
    types = {names.user: ids, names.movie: ids, names.score: pa.float64()}
    if names.timestamp is not None:
        place = layout.names.index(names.timestamp)
        text = layout.first_row[place] if place < len(layout.first_row) else ""
        types[names.timestamp] = pa.int64() if text.strip().isdigit() else pa.timestamp("s")
    return types


class _How(NamedTuple):
    """How a text file is read.

    Attributes:
        threads: Whether several threads read it.
        on_ragged: Called with each row of too few or too many fields; None to raise.
        quoted: Whether quotation marks quote; else they are plain text.
    """

    threads: bool = True
    on_ragged: Any = None
    quoted: bool = True


def _read(path: Path, layout: TextLayout, names: Columns, types: dict[str, Any], how: _How) -> Any:
    """Read the columns of a text file as an Arrow table."""
    import pyarrow.csv as arrow

    colons = layout.separator == DOUBLE_COLON
    parse = arrow.ParseOptions(
        delimiter=_UNIT_SEPARATOR.decode() if colons else layout.separator,
        quote_char='"' if how.quoted and not colons else False,
        newlines_in_values=how.quoted and not colons,
        invalid_row_handler=how.on_ragged,
    )
    read = arrow.ReadOptions(
        column_names=list(layout.names),
        skip_rows=layout.lines_above,
        use_threads=how.threads,
        block_size=_BLOCK_BYTES,
    )
    convert = arrow.ConvertOptions(
        include_columns=names.names,
        column_types=types,
        null_values=[""],
        strings_can_be_null=True,
    )
    with path.open("rb") as file:
        source = _SingleByteSeparator(file) if colons else file
        return arrow.read_csv(
            source, read_options=read, parse_options=parse, convert_options=convert
        )


def _read_as_text(path: Path, layout: TextLayout, names: Columns, where: str) -> Any:
    """Read every column as text, on one thread, since only then does Arrow number the rows.

    Raises:
        ModelsError: A row has too few or too many fields, or its bytes are not UTF-8.
    """
    import pyarrow as pa

    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "error"

    types = dict.fromkeys(names.names, pa.string())
    try:
        return _read(path, layout, names, types, _How(threads=False, on_ragged=keep))
    except pa.ArrowInvalid as error:
        if ragged:
            first = ragged[0]
            row = "" if first.number is None else f" {first.number - layout.lines_above}"
            raise ModelsError(
                f"{where} must have {first.expected_columns} fields in each row, but row{row} has "
                f"{first.actual_columns}: {first.text[:60]!r}."
            ) from None
        raise ModelsError(_bytes_error(path, layout, where, str(error))) from None


def _bytes_error(path: Path, layout: TextLayout, where: str, reason: str) -> str:
    """Write the message for a file that Arrow cannot read.

    It names the first byte that is not UTF-8 and its row, or where all is UTF-8, Arrow's reason.
    """
    with path.open("rb") as file:
        for line, data in enumerate(file, start=1 - layout.lines_above):
            try:
                data.decode()
            except UnicodeDecodeError as error:
                byte = data[error.start]
                return (
                    f"{where} must be UTF-8 text, but has the byte {byte:#04x} in row {line}. "
                    "Save it as UTF-8."
                )
    return f"{where} cannot be read: {' '.join(reason.split())}"
