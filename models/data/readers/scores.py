"""Convert Arrow columns of scores to numbers."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.data.readers.values import fail_at, first_uncastable
from models.errors import ModelsError

_WORDS = {
    **dict.fromkeys(("true", "yes", "up", "like", "liked", "thumbs up", "thumbs_up", "👍"), "1"),
    **dict.fromkeys(("false", "no", "down", "dislike", "disliked"), "0"),
    **dict.fromkeys(("thumbs down", "thumbs_down", "👎"), "0"),
}
_FAMILIES = (
    ("true", "false"),
    ("yes", "no"),
    ("up", "down"),
    ("like", "dislike"),
    ("liked", "disliked"),
    ("thumbs up", "thumbs down"),
    ("thumbs_up", "thumbs_down"),
    ("👍", "👎"),
)
_MISSING = ("na", "n/a", "nan", "null", "none", "\\n", "-", "?")
_WAY_OUT = "Use `--skip-rows-without-score` to leave such rows out."
_DECIMAL_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?$"
_THOUSANDS = r"^[+-]?[0-9]+(,[0-9]{3})?$"


class ScoreColumn(NamedTuple):
    """A column of scores.

    Attributes:
        scores: Scores, `[row]`, 0 where a row has none.
        has_score: Which rows have one, `[row]`; None where all have.
        note: What a user should know of how they were read; empty where that is plain.
    """

    scores: NDArray[np.float32]
    has_score: NDArray[np.bool_] | None
    note: str


def is_word(text: str) -> bool:
    """Whether a text is a score in words: "true", "down", "👍"."""
    return text.strip().lower() in _WORDS


def is_missing(text: str) -> bool:
    """Whether a text stands for a score that is not there: "", "NA", "-"."""
    return text.strip().lower() in ("", *_MISSING)


def word_family(text: str) -> int | None:
    """Number the pair of words to which a score in words belongs; None for any other text.

    "up" and "Down" are of one pair, "liked" and "true" are not.
    """
    word = text.strip().lower()
    return next((place for place, pair in enumerate(_FAMILIES) if word in pair), None)


def score_column(column: Any, name: str, where: str, *, gaps: bool) -> ScoreColumn:
    """Convert a column of scores to float32.

    Text is read as numbers, with a decimal point or, throughout, a decimal comma. True and false,
    yes and no, up and down, like and dislike are 1 and 0.

    Args:
        column: `pyarrow.ChunkedArray` of numbers, truth values, or text that reads as such.
        name: Name of the column.
        where: The file or table, for messages.
        gaps: Whether a row may lack a score: empty, NaN, or text such as "NA".

    Raises:
        ModelsError: A score is missing, no number, NaN or infinite.
    """
    import pyarrow as pa

    column, note = _as_numbers(column, name, where, gaps=gaps)
    kind = column.type
    has_score = None
    if column.null_count:
        has_score = column.is_valid().to_numpy()
        if not gaps:
            error = fail_at(
                where, int(np.argmin(has_score)), name, "must have a score in every row"
            )
            raise ModelsError(f"{error} {_WAY_OUT}")
        column = column.fill_null(0) if not pa.types.is_null(kind) else pa.nulls(0)
    return ScoreColumn(_finite(column, name, where, has_score), has_score, note)


def _as_numbers(column: Any, name: str, where: str, *, gaps: bool) -> tuple[Any, str]:
    """Turn a column of any type into one of numbers, and say how, where that is not plain."""
    import pyarrow as pa

    note = ""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column, note = _numbers(column.cast(pa.string()), name, where, gaps=gaps)
    elif pa.types.is_boolean(kind):
        column, note = column.cast(pa.int8()), "true was taken for 1, false for 0"
    elif pa.types.is_floating(kind) and gaps:
        column = pa.chunked_array(
            [pa.array(chunk.to_numpy(zero_copy_only=False), from_pandas=True)
             for chunk in column.chunks], kind,
        )  # fmt: skip
    kind = column.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not numeric and not pa.types.is_null(kind):
        raise ModelsError(f"{where}: column {name!r} must hold numbers, but holds {kind}.")
    return column, note


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
        error = fail_at(where, row, name, "must hold numbers of single precision", wide[row])
        raise ModelsError(f"{error} {_WAY_OUT}" if np.isnan(wide[row]) else str(error))
    return scores


def _numbers(column: Any, name: str, where: str, *, gaps: bool) -> tuple[Any, str]:
    """Read text as float64, and say how, where that is not plain; empty text is a missing value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(pc.utf8_lower(texts), pa.array(["", *(_MISSING if gaps else ())]))
    texts = pc.if_else(missing, pa.scalar(None, texts.type), texts)
    try:
        return texts.cast(pa.float64()), ""
    except pa.ArrowInvalid:
        pass
    words = _from_words(texts)
    if words is not None:
        return words.cast(pa.float64()), _taken(texts)
    if _all(texts, _DECIMAL_COMMA) and not _all(texts, _THOUSANDS):
        numbers = pc.replace_substring(texts, ",", ".").cast(pa.float64())
        return numbers, "commas were taken for decimal ones"
    row, value = first_uncastable(texts, pa.float64())
    if value.lower() in _MISSING:
        error = fail_at(where, row, name, "must have a score in every row", value)
        raise ModelsError(f"{error} {_WAY_OUT}")
    if _all(texts, _THOUSANDS):
        error = fail_at(where, row, name, "must hold numbers", value)
        raise ModelsError(f"{error} It may be a decimal or a thousand: write it with a point.")
    error = fail_at(where, row, name, "must hold numbers", value)
    if re.match(_DECIMAL_COMMA, value):
        raise ModelsError(f"{error} Decimal commas and points are mixed: write all alike.")
    raise ModelsError(f"{error} Write each score as a number.")


def _from_words(texts: Any) -> Any:
    """Replace words such as "true" and "down" by "1" and "0"; None where a text is no such word."""
    import pyarrow as pa

    encoded = texts.dictionary_encode().unify_dictionaries()
    known = [each.lower() for each in encoded.chunk(0).dictionary.to_pylist() if each is not None]
    if not known or not all(each in _WORDS for each in known):
        return None
    numbers = pa.array([_WORDS[each] for each in known])
    return pa.chunked_array([numbers.take(chunk.indices) for chunk in encoded.chunks])


def _taken(texts: Any) -> str:
    """Say for which number each word was taken: "up was taken for 1, down for 0"."""
    words = sorted({text for text in texts.unique().to_pylist() if text is not None})
    ordered = sorted(words, key=lambda word: _WORDS[word.lower()], reverse=True)
    first, *others = [f"{word} for {_WORDS[word.lower()]}" for word in ordered]
    return ", ".join([first.replace(" for ", " was taken for "), *others])


def _all(texts: Any, pattern: str) -> bool:
    """Whether every text matches a pattern; missing ones do not count."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())
