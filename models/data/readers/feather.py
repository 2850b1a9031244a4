"""Read ratings from Feather files, which are Arrow's own format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.data.options import SourceOptions
from models.data.readers.arrow_columns import check_flat, table_of_file
from models.data.readers.columns import Columns, resolve_columns
from models.data.table import RatingTable


def read_feather(
    path: Path, options: SourceOptions, *, where: str, gaps: bool = False
) -> RatingTable:
    """Read the ratings of a Feather file.

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
    return table_of_file("Feather", _columns, path, options, where=where, gaps=gaps)


def _columns(path: Path, options: SourceOptions, where: str) -> tuple[Columns, dict[str, Any]]:
    """Read the columns that hold the ratings, as Arrow arrays by name."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file:
        schema = pa.ipc.open_file(file).schema
        names = resolve_columns(schema.names, options, where=where)
        check_flat(schema, names, where)
        wanted = pa.ipc.IpcReadOptions(
            included_fields=sorted(schema.names.index(name) for name in names.names)
        )
        table = pa.ipc.open_file(file, options=wanted).read_all()
    return names, {name: table.column(name) for name in names.names}
