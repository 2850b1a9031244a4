"""Convert Arrow columns to ids and scores; the error for an invalid value names its row."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.table import IdColumn
from models.errors import ModelsError

_CANONICAL = re.compile(r"(0|-?[1-9][0-9]{0,18})\Z")
_INT64 = np.iinfo(np.int64)


def fail_at(where: str, row: int, column: str, rule: str, value: Any = None) -> ModelsError:
    """Make the error for an invalid value; the error names the file, the column and the row.

    Args:
        where: The file or table.
        row: 0-based row; the message counts from 1.
        column: Name of the column.
        rule: What must hold.
        value: The value received; None for a missing one.

    Returns:
        The error, to be raised.
    """
    got = "there is none" if value is None else f"got {str(value)[:60]!r}"
    return ModelsError(f"{where}: column {column!r} {rule}, but {got} in row {row + 1}.")


def id_column(column: Any, name: str, where: str) -> IdColumn:
    """Dictionary-encode a column of ids.

    Args:
        column: `pyarrow.ChunkedArray` of integers, whole floats, strings, or a dictionary of them.
        name: Name of the column.
        where: The file or table, for messages.

    Returns:
        The ids; strings that are all plain whole numbers have become integers.

    Raises:
        ModelsError: An id is missing, empty, or of another type.
    """
    import pyarrow as pa

    if column.null_count:
        raise fail_at(where, _first(column.is_null()), name, "must have an id in every row")
    if pa.types.is_floating(column.type):
        column = _whole_numbers(column, name, where)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    ):
        raise ModelsError(
            f"{where}: column {name!r} must hold ids (integers or strings), but holds {kind}."
        )
    encoded = column.dictionary_encode().unify_dictionaries()
    codes = _concat([chunk.indices for chunk in encoded.chunks], np.dtype(np.int32))
    values = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], kind)
    if pa.types.is_integer(kind):
        return IdColumn(codes, _int64(values, name, where))
    return _text_ids(codes, values.to_pylist(), name, where)


def _text_ids(codes: NDArray[np.int32], values: list[str], name: str, where: str) -> IdColumn:
    """Check ids that are text; where all are plain whole numbers, make them integers."""
    for code, text in enumerate(values):
        if not text or "\0" in text:
            row = int(np.argmax(codes == code))
            rule = "must have an id in every row" if not text else "must hold text without NUL"
            raise fail_at(where, row, name, rule, text or None)
    if all(_CANONICAL.match(text) and _INT64.min <= int(text) <= _INT64.max for text in values):
        return IdColumn(codes, np.array([int(text) for text in values], np.int64))
    objects = np.empty(len(values), object)
    objects[:] = values
    return IdColumn(codes, objects)


def _int64(values: Any, name: str, where: str) -> NDArray[np.int64]:
    """Convert integers of any width to int64."""
    import pyarrow as pa

    try:
        integers: NDArray[np.int64] = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise ModelsError(f"{where}: column {name!r} must hold 64-bit integers: {error}.") from None
    return integers


def _whole_numbers(column: Any, name: str, where: str) -> Any:
    """Convert ids from floats to integers; pandas makes floats of integers where one is missing."""
    import pyarrow as pa

    numbers = column.to_numpy()
    bad = ~(np.abs(numbers) < 2.0**53) | (np.floor(numbers) != numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise fail_at(where, row, name, "must hold whole numbers or text", numbers[row])
    return pa.chunked_array([pa.array(numbers.astype(np.int64))])


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


def first_uncastable(column: Any, kind: Any) -> tuple[int, str]:
    """Find the first row whose text cannot be converted to an Arrow type, by bisection.

    Args:
        column: `pyarrow.ChunkedArray` of text; at least one value cannot be converted.
        kind: The Arrow type.

    Returns:
        0-based row and its text.
    """
    import pyarrow as pa

    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(kind)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low, column[low].as_py()


def _first(flags: Any) -> int:
    return int(np.argmax(flags.to_numpy()))


def _concat(arrays: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    pieces = [array.to_numpy(zero_copy_only=False).astype(dtype, copy=False) for array in arrays]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype)
