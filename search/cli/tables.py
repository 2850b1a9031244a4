"""Tables of the terminal, whose texts are broken between words and pieces of names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from search.cli.columns import LAYOUTS, Layout, filled, pieces_of
from search.cli.common import console
from tracking.texts import visible

_WHOLE = 16
"""So many letters of a heading or a word stay together, where the terminal has room for that."""


def table(
    title: str,
    columns: Sequence[str | Text],
    rows: list[list[str]],
    *,
    layout: Layout | None = None,
) -> Table:
    """Make a Rich table for the terminal from texts; it is never wider than that.

    Args:
        title: What stands above it.
        columns: The headings; a `Text` is taken as it is, say of several lines.
        rows: The cells.
        layout: How much room it takes beside its cells; None for the roomiest in which no word
            has to be broken.
    """
    out = console()
    heads = [name.plain if isinstance(name, Text) else _shown(name, out) for name in columns]
    cells = [[_shown(cell, out) for cell in row] for row in rows]
    layout, widths = _room(heads, cells, [layout] if layout else LAYOUTS, out.width)
    made = Table(
        title=Text(visible(title), style="italic"),
        title_justify="left",
        header_style="bold",
        show_edge=layout.edges,
        pad_edge=layout.edges,
        padding=layout.padding,
    )
    for name, head, width in zip(columns, heads, widths, strict=True):
        made.add_column(name if isinstance(name, Text) else _Cell(head), width=width)
    for row in cells:
        made.add_row(*map(_Cell, row))
    return made


def _shown(text: str, out: Console) -> str:
    """A text as a console writes it."""
    return out.render_str(visible(text)).plain


def _room(
    heads: Sequence[str], rows: Sequence[Sequence[str]], layouts: Sequence[Layout], room: int
) -> tuple[Layout, list[int | None]]:
    """The roomiest layout that breaks no cell, else no word of one, with the width of each column.

    Headings stay whole where that is possible. If nothing fits, the tightest, without widths.
    """
    columns = [[row[place] for row in rows] for place in range(len(heads))]
    lines = [head.split("\n") for head in heads]
    full = [max(map(cell_len, each)) for each in lines]
    uncut = [max(map(cell_len, each), default=0) for each in columns]
    most = [max(pair) for pair in zip(full, uncut, strict=True)]
    of_cells = uncut, [max(map(_least, each), default=0) for each in columns]
    of_heads = [min(width, _WHOLE) for width in full], [max(map(_least, each)) for each in lines]
    for cells, layout, head in product(of_cells, layouts, of_heads):
        widths = [max(pair) for pair in zip(head, cells, strict=True)]
        if layout.span(widths) <= room:
            return layout, [*_widened(widths, most, room - layout.span(widths))]
    return layouts[-1], [None] * len(heads)


def _widened(least: Sequence[int], most: Sequence[int], more: int) -> list[int]:
    """Share out the room that is left: a letter at a time to the narrowest column that needs it."""
    widths = list(least)
    for _ in range(more):
        needy = [place for place, width in enumerate(widths) if width < most[place]]
        if not needy:
            break
        widths[min(needy, key=lambda place: widths[place])] += 1
    return widths


def _least(text: str) -> int:
    """The width that a column needs so that no piece of a text is broken."""
    return min(max(map(cell_len, pieces_of(text))), _WHOLE)


class _Cell:
    """A text that is broken behind a space, an underscore and the like, if it has to be broken.

    Rich by itself breaks names wherever a line ends.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        least = max(map(cell_len, pieces_of(self._text)))
        return Measurement(least, cell_len(self._text)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in filled(pieces_of(self._text), options.max_width):
            yield Text(line.rstrip() or line, overflow="fold")
