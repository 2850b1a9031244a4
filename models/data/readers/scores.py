"""Convert Arrow columns of scores to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.readers.values import fail_at, first_uncastable
from models.errors import ModelsError


def score_column(
    column: Any, name: str, where: str, *, gaps: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Convert a column of scores to float32.

    Args:
        column: `pyarrow.ChunkedArray` of numbers, or of text that reads as numbers.
        name: Name of the column.
        where: The file or table, for messages.
        gaps: Whether a row may lack a score.

    Returns:
        Scores, `[row]`, and which rows have one, `[row]`, or None where all have.

    Raises:
        ModelsError: A score is missing, no number, NaN or infinite.
    """
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _numbers(column, name, where)
    kind = column.type
    if not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    ) and not pa.types.is_null(kind):
        raise ModelsError(f"{where}: column {name!r} must hold numbers, but holds {kind}.")
    has_score = None
    if column.null_count:
        has_score = column.is_valid().to_numpy()
        if not gaps:
            raise fail_at(where, int(np.argmin(has_score)), name, "must have a score in every row")
        column = column.fill_null(0) if not pa.types.is_null(kind) else pa.nulls(0)
    return _finite(column, name, where, has_score), has_score


def _finite(
    column: Any, name: str, where: str, has_score: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Convert numbers to float32; refuse NaN and numbers that become infinite in float32."""
    import pyarrow as pa

    if has_score is not None and not has_score.any():
        return np.zeros(len(has_score), np.float32)
    wide = column.cast(pa.float64()).to_numpy()
    with np.errstate(over="ignore"):
        scores: NDArray[np.float32] = wide.astype(np.float32)
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(np.argmin(finite))
        raise fail_at(where, row, name, "must hold numbers of single precision", wide[row])
    return scores


def _numbers(column: Any, name: str, where: str) -> Any:
    """Read text as float64; empty text is a missing value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    try:
        return trimmed.cast(pa.float64())
    except pa.ArrowInvalid:
        row, value = first_uncastable(trimmed, pa.float64())
        raise fail_at(where, row, name, "must hold numbers", value) from None
