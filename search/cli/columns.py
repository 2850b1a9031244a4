"""Which columns of a table of trials a terminal has room for, and how its headings are broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from tracking.texts import visible

USUAL = 80
"""Width of a terminal from which on a parameter in which the trials differ is always shown."""
_PIECES = re.compile(r"(?<=[_/ ])(?=.)|(?<=[.-])(?=[^\W\d_])")
"""Where a text may be broken: behind what joins its words; a number is never broken."""

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
        found: dict[str, Sequence[str]] = {}
        for group in (self.must, self.own, self.more, self.last):
            found |= {name: cells for name, cells in group.items() if name not in found}
        return found


@dataclass(frozen=True, slots=True)
class Layout:
    """How much room a table takes beside its cells.

    Attributes:
        lines: Most lines of a heading.
        edges: Whether there is a line at its left and at its right.
        gap: Letters between two columns, the line among them: 1 to 3.
    """

    lines: int
    edges: bool = True
    gap: int = 3

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """The spaces around a cell: above, right, below, left."""
        return 0, int(self.gap > 2), 0, int(self.gap > 1)

    def head(self, name: str, least: int) -> list[str]:
        """The lines of a heading that is no wider than its cells, as far as that can be.

        Args:
            name: The column's name.
            least: The width of its widest cell.
        """
        name = visible(name)
        pieces = pieces_of(name)
        for width in range(max(least, *map(cell_len, pieces)), cell_len(name)):
            lines = filled(pieces, width)
            if len(lines) <= self.lines:
                return lines
        return [name]

    def width(self, name: str, least: int) -> int:
        """How wide a column is."""
        return max(least, *map(cell_len, self.head(name, least)))

    def total(self, widths: Widths) -> int:
        """How wide a table of some columns is."""
        return self.span([self.width(*each) for each in widths.items()])

    def span(self, widths: Sequence[int]) -> int:
        """How wide a table of columns of these widths is."""
        return sum(widths) + self.gap * len(widths) + (1 if self.edges else -self.gap)


_PLAIN, _BROKEN, _NARROW = Layout(1), Layout(2), Layout(3, edges=False)
_CLOSE, TIGHT = (Layout(3, edges=False, gap=gap) for gap in (2, 1))
LAYOUTS = (_PLAIN, _BROKEN, _NARROW, _CLOSE, TIGHT)
"""From the roomiest to the tightest."""


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
    fits = [_chosen(columns, columns.own, Fit(widths, each, room)) for each in LAYOUTS[1:]]
    able = [fit for fit in fits if fit.is_whole and fit.widths.keys() >= columns.own.keys()]
    for enough in (_tells_most, _differs):
        for fit in able:
            if enough(fit, columns):
                return fit
    found, own = next(iter(able), fits[-1]), list(columns.own)
    while own and room >= USUAL and not _differs(found, columns):
        own.pop()
        other = _chosen(columns, own, Fit(widths, TIGHT, room))
        found = other if _differs(other, columns) else found
    return found


def _differs(fit: Fit, columns: Columns) -> bool:
    """Whether a parameter in which the trials differ is shown, if there is one."""
    return not columns.more or any(name in fit.widths for name in columns.more)


def _tells_most(fit: Fit, columns: Columns) -> bool:
    """Whether the most important parameter is shown, if there is one."""
    return next(iter(columns.more), None) in (None, *fit.widths)


def _chosen(columns: Columns, own: Iterable[str], given: Fit) -> Fit:
    """The columns that must be there, and of the others, in their order, each one that fits.

    No parameter is shown in place of a more important one, unless it is the only one that fits.
    """
    fit = Fit({name: given.widths[name] for name in columns.must}, given.layout, given.room)
    is_full = False
    for name in (*own, *columns.more, *columns.last):
        if is_full and name in columns.more:
            continue
        wider = Fit({**fit.widths, name: given.widths[name]}, fit.layout, fit.room)
        if not wider.is_whole:
            is_full = any(each in fit.widths for each in columns.more)
        fit = wider if wider.is_whole else fit
    return fit


def _width(text: str) -> int:
    return cell_len(visible(text))


def pieces_of(text: str) -> list[str]:
    """The pieces of a text that stay whole where it is broken.

    Example:
        >>> pieces_of("factor_dropout"), pieces_of("ratings.csv"), pieces_of("1e-09")
        (['factor_', 'dropout'], ['ratings.', 'csv'], ['1e-09'])
    """
    return _PIECES.split(text)


def filled(pieces: Sequence[str], width: int) -> list[str]:
    """Put pieces of a text on lines of a width, as few as there can be."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return lines
