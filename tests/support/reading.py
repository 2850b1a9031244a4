"""Reads a report as a program without a browser does."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any


class Report(HTMLParser):
    """The parts of a page.

    Attributes:
        text: What a reader sees.
        tables: For each caption the rows as texts, the heads first.
        scripts: The texts of the scripts.
        plots: What plotly draws, by identifier.
        labels: The alternative text of each figure, by identifier.
        headings: Level and text of each heading.
        tags: Every element.
        attributes: Every attribute with its value.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[str] = []
        self.labels: dict[str, str] = {}
        self.headings: list[tuple[int, str]] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(page)
        data: dict[str, Any] = json.loads(next(s for s in self.scripts if s.startswith("{")))
        self.plots: dict[str, Any] = data["plots"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.attributes += list(given.items())
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag == "script":
            self.scripts.append("")
        elif tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), ""))
        elif given.get("class") == "plot":
            self.labels[given["id"]] = given["aria-label"]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        within = self._open[-1] if self._open else ""
        if within == "script":
            self.scripts[-1] += data
        elif within != "style":
            self.text += data
        if within == "caption":
            self._caption += data
        if "td" in self._open or "th" in self._open:
            self._rows[-1][-1] += data
        if within in ("h1", "h2", "h3", "h4"):
            level, text = self.headings[-1]
            self.headings[-1] = level, text + data

    def table(self, word: str) -> list[list[str]]:
        """The rows of the table whose caption has a word."""
        return next(rows for caption, rows in self.tables.items() if word in caption)

    def column(self, word: str, head: str) -> list[str]:
        """The cells of a column of such a table."""
        heads, *rows = self.table(word)
        return [row[heads.index(head)] for row in rows]
