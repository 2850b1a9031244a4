"""Convert Arrow columns of users and movies to ids."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.options import RULES
from models.data.readers.values import fail_at
from models.data.table import IdColumn
from models.data.whole_numbers import plain_number
from models.errors import ModelsError

_CANONICAL = re.compile(r"(0|-?[1-9][0-9]{0,18})\Z")
_INT64 = np.iinfo(np.int64)


def id_column(column: Any, name: str, where: str, rules: int = RULES) -> IdColumn:
    """Dictionary-encode a column of ids.

    Args:
        column: `pyarrow.ChunkedArray` of integers, whole floats or decimals, strings, or a
            dictionary of one of them.
        name: Name of the column.
        where: The file or table, for messages.
        rules: By which rules text is read: by the rules 1, "1.0" and " 1" are other ids than "1".

    Returns:
        The ids. Whole numbers written as floats are whole numbers ("1.0" is "1"), spaces around
        an id do not count, and strings that are all plain whole numbers have become integers.
        Where a whole number is beyond int64, all of them are text.

    Raises:
        ModelsError: An id is missing, empty, or of another type.
    """
    import pyarrow as pa

    if column.null_count:
        raise fail_at(where, _first(column.is_null()), name, "must have an id in every row")
    column = _plain_ids(column, name, where)
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
        return IdColumn(codes, values.cast(pa.int64()).to_numpy(zero_copy_only=False))
    texts = values.to_pylist()
    if rules > 1:
        codes, texts = _merged(codes, [plain_number(text.strip()) for text in texts])
    return _text_ids(codes, texts, name, where)


def _merged(codes: NDArray[np.int32], texts: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Give texts that have become the same one code."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if len(places) == len(texts):
        return codes, texts
    return np.array([places[text] for text in texts], np.int32)[codes], list(places)


def _plain_ids(column: Any, name: str, where: str) -> Any:
    """Turn a column of whole floats or decimals into one of integers, and views into strings.

    Integers of which one is beyond int64 become strings too.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
        kind = column.type
    if pa.types.is_floating(kind):
        return _whole_numbers(column, name, where)
    beyond = kind == pa.uint64() and len(column) and pc.max(column).as_py() > _INT64.max
    return column.cast(pa.string()) if beyond or pa.types.is_string_view(kind) else column


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


def _whole_numbers(column: Any, name: str, where: str) -> Any:
    """Convert ids from floats to integers; pandas makes floats of integers where one is missing."""
    import pyarrow as pa

    numbers = column.to_numpy()
    bad = ~(np.abs(numbers) < 2.0**53) | (np.floor(numbers) != numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise fail_at(where, row, name, "must hold whole numbers or text", numbers[row])
    return pa.chunked_array([pa.array(numbers.astype(np.int64))])


def _first(flags: Any) -> int:
    return int(np.argmax(flags.to_numpy()))


def _concat(arrays: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    pieces = [array.to_numpy(zero_copy_only=False).astype(dtype, copy=False) for array in arrays]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype)
