"""Read ratings from Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.data.options import SourceOptions
from models.data.readers.arrow_columns import check_flat, table_of_file
from models.data.readers.columns import Columns, resolve_columns
from models.data.table import RatingTable


def read_parquet(
    path: Path, options: SourceOptions, *, where: str, gaps: bool = False
) -> RatingTable:
    """Read the ratings of a Parquet file.

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
    return table_of_file("Parquet", _columns, path, options, where=where, gaps=gaps)


def _columns(path: Path, options: SourceOptions, where: str) -> tuple[Columns, dict[str, Any]]:
    """Read the columns that hold the ratings, as Arrow arrays by name."""
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        names = resolve_columns(schema.names, options, where=where)
        check_flat(schema, names, where)
        # One column at a time: the widest of them, not their sum, is what is decoded at once.
        return names, {name: file.read(columns=[name]).column(name) for name in names.names}
