"""Reads a table whose rows are to be predicted, and writes it with its predictions."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from models.data.options import SEPARATORS
from models.data.readers.packed import packing_of, unpacked
from search.errors import SearchError
from tracking.whole_files import written_whole

if TYPE_CHECKING:
    import pandas as pd

PREDICTION = "prediction"
"""Name of the column that is added."""

_PARQUET, _FEATHER, _SQLITE = b"PAR1", b"ARROW1", b"SQLite format 3\0"
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read.

    Attributes:
        frame: Its rows. Cells of a text file are texts, as they stand there.
        separator: What separates the columns of its file; a comma where that is no text.
        name: The file's name, for messages.
    """

    frame: pd.DataFrame
    separator: str
    name: str


def read_table(path: Path, separator: str | None = None) -> Table:
    """Read a table with column names: CSV and other text, Parquet or Feather, compressed or not.

    Args:
        path: The file.
        separator: What separates a text file's columns, or its name, say "tab"; None finds out.

    Raises:
        SearchError: It cannot be read as such a table.
        ModelsError: It is compressed, and damaged.
    """
    where = path.name[:100]
    try:
        packing = packing_of(_head(path))
        if packing is None:
            return _read(path, separator, where)
        with unpacked(path, packing, where=where) as inner:
            return _read(inner, separator, where)
    except OSError as error:
        raise SearchError(
            f"`--input` must be a file of rows to predict, but {path} cannot be read: "
            f"{error.strerror or error}."
        ) from error


def write_table(table: Table, path: Path) -> None:
    """Write a table: as Parquet where the file's name ends so, else as its file was separated.

    Args:
        table: The rows.
        path: The file, which is complete or not there at all.

    Raises:
        SearchError: It cannot be written.
    """
    if not path.name:
        raise SearchError(f"`--output` must name a file, but {path} is a folder.")
    with written_whole(path, error=SearchError) as partial:
        if path.suffix.lower() in (".parquet", ".pq"):
            table.frame.to_parquet(partial, index=False)
        else:
            with partial.open("wb") as file:
                write_text(table, file)


def write_text(table: Table, file: BinaryIO) -> None:
    """Write a table as text in UTF-8, with quotation marks only where a cell needs them.

    Args:
        table: The rows.
        file: Where to.
    """
    frame, between = table.frame, table.separator
    head = io.StringIO(newline="")
    csv.writer(head, delimiter=between, lineterminator="\n").writerow(frame.columns)
    file.write(head.getvalue().encode())
    kinds = {str(kind) for kind in frame.dtypes}
    if kinds <= {"str", "float64"} and not _holds(frame, f'["\r\n{re.escape(between)}]'):
        import pyarrow as pa
        import pyarrow.csv

        options = pyarrow.csv.WriteOptions(
            include_header=False, delimiter=between, quoting_style="none"
        )  # ten times as fast as pandas
        pyarrow.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), file, options)
        return
    # Python quotes a cell with a line feed, but not one with a carriage return alone.
    is_odd = _holds(frame, "\r")
    frame.to_csv(
        file,
        index=False,
        header=False,
        sep=between,
        quoting=csv.QUOTE_NONNUMERIC if is_odd else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )


def _holds(frame: pd.DataFrame, pattern: str) -> bool:
    """Whether a text in a table has a character of a pattern."""
    texts = (frame[name] for name in frame if str(frame[name].dtype) in ("str", "object"))
    return any(bool(each.astype(str).str.contains(pattern, regex=True).any()) for each in texts)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _read(path: Path, separator: str | None, where: str) -> Table:
    import pandas as pd

    head = _head(path)
    if head.startswith(_SQLITE):
        raise SearchError(f"`--input` must be a table by itself, but {where} is a database.")
    with _told(where):
        if head.startswith(_PARQUET):
            return Table(pd.read_parquet(path), ",", where)
        if head.startswith(_FEATHER):
            return Table(pd.read_feather(path), ",", where)
        line = head.decode("utf-8-sig", "replace").splitlines()[:1]
        if not line or not line[0].strip():
            raise SearchError(f"`--input` must begin with column names, but {where} does not.")
        between = _separator(line[0], separator)
        names = next(csv.reader(line, delimiter=between))
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise SearchError(
                f"`--input` must name each column once, but {where} has {twice[0]!r} twice."
            )
        frame = pd.read_csv(
            path,
            sep=between,
            dtype=str,
            na_filter=False,
            index_col=False,
            encoding="utf-8-sig",
            skip_blank_lines=len(names) > 1,
        )
    return Table(frame, between, where)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn what a reader says of a file that it cannot read into a line."""
    from pandas.errors import ParserWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)  # of rows longer than the first line
            yield
    except SearchError:
        raise
    except (ValueError, TypeError, csv.Error, ParserWarning) as error:  # pyarrow's are ValueErrors
        said = " ".join(str(error).split())[:200]
        raise SearchError(f"`--input` must be a table, but {where} is not one ({said}).") from error


def _separator(line: str, named: str | None) -> str:
    """The separator that a user named, or that the line of column names has most of."""
    if named is not None:
        found = SEPARATORS.get(named, named)
        if len(found) == 1:
            return found
        raise SearchError(
            f"`--separator` must be one character, or one of {', '.join(SEPARATORS)} but for "
            f"double-colon, but got {named!r}."
        )
    return max(",\t;|", key=line.count)
