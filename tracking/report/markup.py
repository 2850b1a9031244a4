"""Makes HTML of texts; a text is escaped unless it is HTML that was made here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from tracking.records import Scalar
from tracking.texts import short_number, visible

_EMPTY = {"meta", "br", "hr"}


class Html(str):
    """HTML, which is not escaped again."""

    __slots__ = ()


def html(part: object) -> Html:
    """A part as HTML: escaped, with unseen characters written out, unless it is HTML already."""
    return part if isinstance(part, Html) else Html(escape(visible(str(part), "\n")))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after another."""
    return Html(between.join(html(part) for part in parts if part is not None))


def tag(name: str, /, *parts: object, **attributes: object) -> Html:
    """An element with its parts and attributes.

    An underline in an attribute's name becomes a hyphen, and one at its end is taken off: `class_`
    is `class`. An attribute that is None is left out, and one that is True has no value.
    """
    written = "".join(
        f" {_attribute(key)}" + ("" if value is True else f'="{html(value)}"')
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(parts)}</{name}>")


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def box(label: str, table: Html) -> Html:
    """A table in a box of its own, which scrolls where there is no room, also by keyboard."""
    return tag("div", table, class_="box", role="region", aria_label=label, tabindex="0")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table with a caption, whose first column heads the rows, in a box that scrolls."""
    head = tag("tr", *(tag("th", each, scope="col") for each in heads))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", each) for each in row[1:]))
        for row in rows
    ]
    parts = (tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return box(caption, tag("table", *parts))


def facts(rows: Iterable[tuple[str, object]]) -> Html:
    """A list of names with what there is to say of each; what is empty is left out."""
    pairs = [
        tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if str(value).strip()
    ]
    return tag("dl", *pairs, class_="facts")


def number(value: float | None) -> str:
    """A value with four decimals, or four digits where it is very large or small; "" for none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else short_number(value)


def short(value: Scalar) -> str:
    """A parameter's value as a short text; None as an empty text."""
    if isinstance(value, float):
        return short_number(value)
    return "" if value is None else str(value)


def duration(seconds: float) -> str:
    """Seconds in words: 75 is "1 min 15 s"."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 trial", "1,000 trials"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
