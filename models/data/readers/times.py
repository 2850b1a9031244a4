"""Convert a column of times to whole seconds since 1970."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.readers.values import fail_at, first_uncastable
from models.errors import ModelsError

MILLISECONDS_ABOVE = 1e11
_WAY = "Name another one, or leave the times out: `--timestamp-column none`."
_LATEST = 4_102_444_800  # 2100-01-01: later seconds are another unit or a slip


def seconds_column(
    column: Any, name: str, where: str, *, has_score: NDArray[np.bool_] | None, gaps: bool
) -> NDArray[np.int64] | None:
    """Convert a column of times to whole seconds since 1970.

    Whole numbers are seconds, or milliseconds where all of them are above 1e11; text is ISO 8601,
    UTC where it names no zone: "1970-01-02" is 86,400.

    Args:
        column: `pyarrow.ChunkedArray` of numbers, text, dates or timestamps, `[row]`.
        name: Name of the column.
        where: The file or table, for messages.
        has_score: Rows that count, or None for all: a row without a score may lack a time.
        gaps: Whether a scored row may lack a time.

    Returns:
        Seconds, `[row]`; None where `gaps` allows them and there are some.

    Raises:
        ModelsError: A time is missing, unreadable, before 1970 or after 2100.
    """
    import pyarrow as pa

    missing = column.is_null().to_numpy() if column.null_count else np.zeros(0, bool)
    if missing.size:
        lacking = missing if has_score is None else missing & has_score
        if lacking.any():
            if gaps:
                return None
            rule = "must have a time in every row"
            raise fail_at(where, int(np.argmax(lacking)), name, rule, way=_WAY)
    numbers = _numbers(column, name, where)
    kind = numbers.type
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.int64)
    seconds: NDArray[np.int64] = numbers.fill_null(0).to_numpy()
    if not pa.types.is_temporal(column.type):
        seconds = _unit(seconds, missing, name, where)
    return _in_range(seconds, column, name, where)


def _numbers(column: Any, name: str, where: str) -> Any:
    """Convert a column of times to int64: dates become seconds, while numbers keep their unit."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column, name, where)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    if pa.types.is_floating(kind):
        return _floored(column, name, where)
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column if pa.types.is_null(kind) else column.cast(pa.int64(), safe=False)
    raise ModelsError(f"{where}: column {name!r} must hold times, but holds {kind}.")


def _floored(column: Any, name: str, where: str) -> Any:
    """Round floats down to int64."""
    import pyarrow as pa

    floats = column.fill_null(0).to_numpy()
    bad = ~(np.abs(floats) < 2.0**53)
    if bad.any():
        row = int(np.argmax(bad))
        raise fail_at(where, row, name, "must hold times", floats[row])
    return pa.chunked_array([pa.array(np.floor(floats).astype(np.int64))])


def _from_text(column: Any, name: str, where: str) -> Any:
    """Read text as numbers; where that fails, read ISO 8601 times as seconds since 1970."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.utf8_trim_whitespace(column)
    for number in (pa.int64(), pa.float64()):
        try:
            cast = column.cast(number)
        except pa.ArrowInvalid:
            continue
        return cast if pa.types.is_integer(number) else _floored(cast, name, where)
    # Arrow refuses a fraction at a unit too coarse for it, and a zone at a type without one.
    for unit in ("s", "ns"):
        for zone in (None, "UTC"):
            try:
                parsed = column.cast(pa.timestamp(unit, zone))
            except pa.ArrowInvalid:
                continue
            return parsed.cast(pa.timestamp("s", zone), safe=False).cast(pa.int64())
    first = next((text for text in column.to_pylist() if text is not None), "")
    kind = pa.int64() if first.lstrip("-").isdigit() else pa.timestamp("s")
    row, value = first_uncastable(column, kind)
    raise fail_at(
        where,
        row,
        name,
        "must hold seconds since 1970 or ISO times",
        value,
        way=_WAY,
    )


def _unit(
    values: NDArray[np.int64], missing: NDArray[np.bool_], name: str, where: str
) -> NDArray[np.int64]:
    """Convert milliseconds (values above 1e11) to seconds; refuse a column that mixes the units."""
    large = values > MILLISECONDS_ABOVE
    if not large.any():
        return values
    mixed = ~large if not missing.size else ~large & ~missing
    if mixed.any():
        row = int(np.argmax(mixed if large[0] else large))
        raise fail_at(where, row, name, "must keep to seconds or to milliseconds", values[row])
    return values // 1000


def _in_range(seconds: NDArray[np.int64], column: Any, name: str, where: str) -> NDArray[np.int64]:
    """Refuse times before 1970 and from 2100 on."""
    bad = (seconds < 0) | (seconds >= _LATEST)
    if bad.any():
        row = int(np.argmax(bad))
        raise fail_at(where, row, name, "must hold times from 1970 to 2099", column[row].as_py())
    return seconds
