"""Names that users give, as texts of pictures and pages."""

from __future__ import annotations

import html as entities
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hostile import LETTERS, NAMES, PAGES, quick_few
from matplotlib.cbook import is_math_text

from tracking import StudyRecord, TrialRecord, draw_study, draw_trial
from tracking.figures import html, png
from tracking.figures.draw import _frontier, figures_of
from tracking.figures.png_canvas import plain
from tracking.texts import visible

Make = Callable[..., TrialRecord]
WORST = ("$x$ and $\\bad{$", "\x1b[31mred", "two\nlines", "🎬", "電影", "y" * 5000)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def _study(make: Make, names: tuple[str, ...]) -> StudyRecord:
    """A study whose name, parameters, choices, goals and metric all are such names."""
    metrics = {"best_val_rmse": 0.9, **dict.fromkeys(names, 1.0)}
    trials = [
        make(i, 0.9 + i, params={n: n if i % 2 else "other" for n in names}, metrics=metrics)
        for i in range(20)
    ]
    shares = {name: 0.1 + 0.01 * place for place, name in enumerate(names)}
    return StudyRecord(
        name=names[0],
        trials=tuple(trials),
        importances=shares,
        goals=("best_val_rmse", names[-1]),
    )


def _pages(study: StudyRecord) -> dict[str, Any]:
    drawn = {name: draw() for name, draw in figures_of(study, html).items()}
    drawn["frontier"] = _frontier(study, html)
    return {name: html.notebook_figure(plot) for name, plot in drawn.items()}


class _Page(HTMLParser):
    """The elements, attributes, links and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value or "" for name, value in attrs if name.endswith(("href", "src"))]
        self._in_script = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._in_script else f"{data} "


def _texts(value: Any, key: str = "") -> list[str]:
    """The texts of a figure that plotly reads tags in."""
    if isinstance(value, dict):
        return [text for name, inner in value.items() for text in _texts(inner, name)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner, key)]
    return (
        [value] if isinstance(value, str) and key in ("text", "ticktext", "label", "name") else []
    )


@pytest.mark.parametrize("name", quick_few(*NAMES))
def test_a_page_shows_a_name_as_text(name: str, make_trial: Make) -> None:
    usual = _pages(_study(make_trial, ("usual", "b")))
    for figure, page in _pages(_study(make_trial, (name, "b"))).items():
        found = _Page(page.to_html(include_plotlyjs=False))
        assert found.tags == _Page(usual[figure].to_html(include_plotlyjs=False)).tags
        assert not [attribute for attribute in found.attributes if attribute.startswith("on")]
        told = page.to_plotly_json()
        for trace in told["data"]:  # plotly writes these as they are
            for scale in trace.get("dimensions", []) if trace["type"] == "parcoords" else []:
                assert all(text.isprintable() for text in scale.pop("ticktext"))
        for text in _texts(told):
            assert "<" not in text
            assert text.isprintable()
            assert entities.escape(entities.unescape(text), quote=False) == text


def test_a_name_that_looks_like_a_number_keeps_its_bar(make_trial: Make) -> None:
    names = ("0", "1", "2020-01-01", "__proto__", "nan")
    page = _pages(_study(make_trial, names))["importances"]
    assert list(page.data[0].y) == [0, 1, 2, 3, 4]
    assert sorted(page.layout.yaxis.ticktext) == sorted(names)
    assert list(page.layout.yaxis.tickvals) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_writes_a_name_as_it_is(name: str) -> None:
    """Between two dollar signs matplotlib would read TeX, and a letter the font lacks warns."""
    shown = plain(name)
    assert not is_math_text(shown)
    assert shown.replace(r"\$", "$").isprintable()
    assert len(shown) <= 40 * 10


@pytest.mark.parametrize(
    "names",
    [
        WORST,
        *(
            pytest.param(NAMES[start : start + 8], marks=pytest.mark.slow)
            for start in range(0, len(NAMES), 8)
        ),
    ],
    ids=lambda names: ascii(names[0])[:20],
)
def test_every_picture_is_drawn_whatever_the_names(
    names: tuple[str, ...],
    make_trial: Make,
    tmp_path: Path,
) -> None:
    study = _study(make_trial, names)
    for path in draw_study(study, tmp_path / "plots"):
        assert path.read_bytes().startswith(b"\x89PNG")
    draw_trial(replace(study.trials[0], study=names[0]), tmp_path / "trial.png")
    assert (tmp_path / "trial.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"plots", "trial.png"}


def test_a_long_name_leaves_room_for_the_picture(make_trial: Make) -> None:
    figure = figures_of(_study(make_trial, LETTERS), png)["importances"]()
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_position().width > 0.3
    assert max(len(label.get_text()) for label in axes.get_yticklabels()) <= 40 * 10


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium on the PATH")
@pytest.mark.parametrize("first", PAGES[:3])
def test_a_browser_shows_names_as_text(first: str, make_trial: Make, tmp_path: Path) -> None:
    """A browser takes seconds to start: all names are parameters, and each of three a study's."""
    assert BROWSER is not None
    names = (first, *(name for name in PAGES if name != first))
    for name, figure in _pages(_study(make_trial, names)).items():
        path = tmp_path / f"{name}.html"
        figure.write_html(str(path))
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += ["--virtual-time-budget=5000", "--host-resolver-rules=MAP * ~NOTFOUND"]
        done = subprocess.run(
            [*command, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        written, drawn = _Page(path.read_text(encoding="utf-8")), _Page(done.stdout)
        assert "svg" in drawn.tags
        assert drawn.tags.count("script") == written.tags.count("script")
        assert "img" not in drawn.tags
        assert not [attribute for attribute in drawn.attributes if attribute.startswith("on")]
        assert not [link for link in drawn.links if "example.com" in link or "script:" in link]
        shown = " ".join(drawn.text.split())
        assert visible(first) in shown
        if path.stem == "importances":
            assert [name for name in names if visible(name) not in shown] == []
