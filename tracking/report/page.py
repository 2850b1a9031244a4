"""The whole page: its head, its contents, a chapter a study, and what its scripts need."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from tracking.figures.html_canvas import CONFIG, TEMPLATE, script
from tracking.report.chapter import Chapter
from tracking.report.comparison import comparison
from tracking.report.figure import Figure, as_script_data
from tracking.report.markup import Html, tag
from tracking.report.sections import Section, sections_of, summary

MARK = "Trialbook report"
"""Stands in the head of each report, by which one is told from another file."""


def page(chapters: Sequence[Chapter]) -> str:
    """Write a report of some studies as one HTML page.

    The page allows itself no network, and no script but its own two: plotly and `page.js`.

    Args:
        chapters: The studies, in their order.
    """
    plots: dict[str, Any] = {}
    names = [chapter.study.name for chapter in chapters]
    title = f"Study {names[0]}" if len(names) == 1 else f"{len(names)} studies"
    titles = ["In short"] if len(names) == 1 else [f"Study {name}" for name in names]
    sections = [sections_of(chapter) for chapter in chapters]
    written = [
        _chapter((number, titles[number - 1]), chapter, found, plots)
        for number, (chapter, found) in enumerate(zip(chapters, sections, strict=True), start=1)
    ]
    several = None
    if len(chapters) > 1:
        heading = tag("h2", "The studies compared", id="compared")
        several = tag("section", heading, comparison([chapter.study for chapter in chapters]))
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = tag("header", tag("h1", title), tag("p", f"Report by Trialbook, written {at}."))
    contents = _contents(names, sections)
    data = {"template": TEMPLATE, "config": CONFIG, "plots": plots}
    scripts = (Html(script()), Html(_file("page.js")))
    body = tag(
        "body",
        tag("a", "Skip to the contents", href="#main", class_="skip"),
        tag("div", contents, tag("main", head, several, *written, id="main"), class_="page"),
        tag(
            "noscript", tag("p", "The figures need JavaScript; their captions say what they show.")
        ),
        tag("script", as_script_data(data), type="application/json", id="data"),
        *(tag("script", each) for each in scripts),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(title, scripts), body, lang='en')}\n"


def _head(title: str, scripts: Sequence[str]) -> Html:
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    )
    # The hashes hold no letter that has to be escaped in an attribute but the quotation marks.
    rule = Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="generator", content=MARK),
        rule,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title}: Trialbook report"),
        tag("style", Html(_file("page.css"))),
    )


def _file(name: str) -> str:
    return files("tracking.report").joinpath(name).read_text(encoding="utf-8")


def _contents(names: Sequence[str], sections: Sequence[Sequence[Section]]) -> Html:
    """Links to every section, below their study's."""
    items = (
        [] if len(names) == 1 else [tag("li", tag("a", "The studies compared", href="#compared"))]
    )
    for number, (name, found) in enumerate(zip(names, sections, strict=True), start=1):
        links = [
            tag("li", tag("a", section.title, href=f"#s{number}-about-{section.name}"))
            for section in found
        ]
        study = tag("a", name, href=f"#s{number}")
        items.append(tag("li", study, tag("ul", *links)))
    return tag("nav", tag("ul", *items), aria_label="Contents")


def _chapter(
    head: tuple[int, str], chapter: Chapter, sections: Sequence[Section], plots: dict[str, Any]
) -> Html:
    """A chapter with its number and title; what plotly draws is added to `plots`, by its place."""
    key = f"s{head[0]}"
    parts = []
    for section in sections:
        heading = tag("h3", section.title, id=f"{key}-about-{section.name}")
        body = _placed(section.parts, key, plots)
        parts.append(tag("section", heading, *body))
    heading = tag("h2", head[1], id=key)
    return tag("article", heading, summary(chapter.study), *parts)


def _placed(parts: Sequence[Html | Figure | None], key: str, plots: dict[str, Any]) -> list[Html]:
    """The parts of a section as HTML; small figures stand side by side."""
    found: list[Html] = []
    small: list[Html] = []
    for part in parts:
        if isinstance(part, Figure):
            name = f"{key}-{part.name}"
            if part.plot is not None:
                plots[name] = _untitled(part.plot)
            (small if part.is_small else found).append(part.html(name))
        elif part is not None:
            found.append(part)
    return [*found, tag("div", *small, class_="grid")] if small else found


def _untitled(plot: Any) -> dict[str, Any]:
    """A plot without the title, which is a heading of the page."""
    layout = {name: value for name, value in plot["layout"].items() if name != "title"}
    return {"data": plot["data"], "layout": layout}
