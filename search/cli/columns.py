"""Which columns of a table of trials a terminal has room for, and how its headings are broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from tracking.texts import visible

USUAL = 80
"""Width of a terminal from which on a parameter in which the trials differ is always shown."""
_PADDING = 3
_PIECES = re.compile(r"(?<=[_./ -])(?=.)")
"""Where a heading may be broken: behind what joins its words."""

Cells = Mapping[str, Sequence[str]]
Widths = Mapping[str, int]
"""The width of a column's widest cell, by the column's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The cells of a table by the names of its columns, in the order in which they are shown.

    Attributes:
        must: Columns that are always shown.
        own: What our own models always tell; what does not fit is left out.
        more: Parameters in which the trials differ, the most important ones first.
        last: Figures, where there is room for them.
    """

    must: Cells
    own: Cells = field(default_factory=dict)
    more: Cells = field(default_factory=dict)
    last: Cells = field(default_factory=dict)

    @property
    def all(self) -> dict[str, Sequence[str]]:
        """All columns."""
        return {**self.must, **self.own, **self.more, **self.last}


@dataclass(frozen=True, slots=True)
class Layout:
    """How much room a table takes beside its cells.

    Attributes:
        lines: Most lines of a heading.
        edges: Whether there is a line at its left and at its right.
    """

    lines: int
    edges: bool = True

    def head(self, name: str, least: int) -> list[str]:
        """The lines of a heading that is no wider than its cells, as far as that can be.

        Args:
            name: The column's name.
            least: The width of its widest cell.
        """
        name = visible(name)
        pieces = _PIECES.split(name)
        for width in range(max(least, *map(cell_len, pieces)), cell_len(name)):
            lines = _filled(pieces, width)
            if len(lines) <= self.lines:
                return lines
        return [name]

    def width(self, name: str, least: int) -> int:
        """How wide a column is."""
        return max(least, *map(cell_len, self.head(name, least)))

    def total(self, widths: Widths) -> int:
        """How wide a table of some columns is."""
        edges = 1 if self.edges else -_PADDING
        return sum(self.width(*each) + _PADDING for each in widths.items()) + edges


_PLAIN, _BROKEN, _NARROW = Layout(1), Layout(2), Layout(3, edges=False)


@dataclass(frozen=True, slots=True)
class Fit:
    """The columns that are shown, and how.

    Attributes:
        widths: Of the cells of each column that is shown.
        layout: How they are laid out.
        room: How wide the table may be.
    """

    widths: Widths
    layout: Layout
    room: int

    @property
    def is_whole(self) -> bool:
        """Whether the table is no wider than it may be without a cell being broken."""
        return self.layout.total(self.widths) <= self.room


def fitted(columns: Columns, room: int) -> Fit:
    """Choose the columns that a terminal has room for, in the roomiest layout that will do.

    Args:
        columns: The columns.
        room: The terminal's width.

    Returns:
        Everything, if it fits. Else what fits, with a parameter in which the trials differ where
        the terminal has the usual width.
    """
    widths = {name: max(map(_width, cells), default=0) for name, cells in columns.all.items()}
    for layout in (_PLAIN, _BROKEN):
        if (whole := Fit(widths, layout, room)).is_whole:
            return whole
    for layout in (_BROKEN, _NARROW):
        found = _chosen(columns, columns.own, Fit(widths, layout, room))
        if found.widths.keys() >= columns.own.keys() and _differs(found, columns):
            return found
    own = list(columns.own)
    while own and room >= USUAL and not _differs(found, columns):
        own.pop()
        other = _chosen(columns, own, Fit(widths, _NARROW, room))
        found = other if _differs(other, columns) else found
    return found


def _differs(fit: Fit, columns: Columns) -> bool:
    """Whether a parameter in which the trials differ is shown, if there is one."""
    return not columns.more or any(name in fit.widths for name in columns.more)


def _chosen(columns: Columns, own: Iterable[str], given: Fit) -> Fit:
    """The columns that must be there, and of the others, in their order, each one that fits."""
    fit = Fit({name: given.widths[name] for name in columns.must}, given.layout, given.room)
    for name in (*own, *columns.more, *columns.last):
        wider = Fit({**fit.widths, name: given.widths[name]}, fit.layout, fit.room)
        fit = wider if wider.is_whole else fit
    return fit


def _width(text: str) -> int:
    return cell_len(visible(text))


def _filled(pieces: Sequence[str], width: int) -> list[str]:
    """Put pieces of a heading on lines of a width, as few as there can be."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and cell_len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines
