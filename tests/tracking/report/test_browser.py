"""A report as a person sees it: in a real browser, where there is one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import NEEDS_BROWSER, started_browser
from made_up import made_up_study

from tracking import Chapter, StudyRecord, TrialRecord, write_report
from tracking.figures.data import landscape

PATIENT_MS = 120_000
WIDTHS = (1280, 390)
HOSTILE = "<script>alert(1)</script>"

pytestmark = NEEDS_BROWSER


def _choices() -> StudyRecord:
    """A study of twelve parameters with long names and long choices."""
    names = [f"{letter}_{'long' * 5}" for letter in "abcdefghijkl"]
    choices = ("rowwise_adagrad", "sgd", "adam")
    trials = tuple(
        TrialRecord(
            study="choices", number=n, state="complete", value=0.9 + n / 10,
            params=dict.fromkeys(names, choices[n % 3]),
        )
        for n in range(6)
    )  # fmt: skip
    return StudyRecord(name="choices", trials=trials)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a study of many trials, and of one with a hostile name."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    studies = [made_up_study(300), made_up_study(25, name=HOSTILE), made_up_study(0, name="none")]
    studies.append(_choices())
    write_report([Chapter(study=study) for study in studies], path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started_browser() as browser:
        yield browser


@pytest.fixture
def opened(browser: Any, path: Path) -> Iterator[Callable[[int], Any]]:
    """Opens the report at a width; what a page asks for or complains of is in `page.told`."""
    contexts = []

    def open_at(width: int) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.told = []
        page.on("console", lambda m: m.type in ("error", "warning") and page.told.append(m.text))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("dialog", lambda dialog: (page.told.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda asked: page.told.append(asked.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn=all]", timeout=PATIENT_MS)
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_all_figures_are_drawn_without_network_and_fit(
    opened: Callable[[int], Any], path: Path, width: int, tmp_path: Path
) -> None:
    page = opened(width)
    asked = [each for each in page.told if not each.startswith(("data:", "blob:"))]
    assert asked == [path.as_uri()]
    sizes = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert sizes[0] <= sizes[1]
    plots = page.locator(".plot")
    assert plots.count() > 30
    drawn = page.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('.main-svg').length)"
    )
    assert min(drawn) > 0
    marks = page.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll("
        "'.trace path, .points path, .contourlayer path, .heatmaplayer image, .hm image').length)"
    )
    assert min(marks) > 0
    wide = page.evaluate(
        "[...document.querySelectorAll('figure')].filter(f => f.scrollWidth > f.clientWidth + 1)"
        ".map(f => f.innerText.slice(0, 80))"
    )
    assert wide == []
    assert page.locator(f"h2:has-text('{HOSTILE}')").count() == 1
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page.screenshot(path=str(folder / f"report-{width}.png"))
    page.locator("#s1-history").first.scroll_into_view_if_needed()
    page.screenshot(path=str(folder / f"report-figures-{width}.png"))


_NAMES = """
id => {
  const plot = document.getElementById(id), room = plot.getBoundingClientRect();
  return [...plot.querySelectorAll('.xtick text')]
    .filter(t => getComputedStyle(t).display !== 'none' && t.style.opacity !== '0')
    .filter(t => t.getBoundingClientRect().right <= room.right + 1)
    .map(t => t.textContent);
}
"""
_CROSSED = """
id => {
  const texts = [...document.getElementById(id).querySelectorAll('.annotation-text')];
  const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1)
    .filter(([_, b]) => a.left < b.right && b.left < a.right)
    .filter(([_, b]) => a.top < b.bottom && b.top < a.bottom)
    .map(([other]) => [name, other]));
}
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_every_scale_has_a_name_and_texts_do_not_cross(
    opened: Callable[[int], Any], width: int
) -> None:
    """Of parallel coordinates: the last name too, and a long choice beside another scale."""
    page = opened(width)
    for key, study in (("s1-parallel", made_up_study(300)), ("s4-parallel", _choices())):
        shown = page.evaluate(_NAMES, key)
        axes = landscape(study).axes
        assert shown == [axis.label for axis in axes]
        assert page.evaluate(_CROSSED, key) == []


def _column(page: Any, place: int) -> list[str]:
    cells: list[str] = page.locator("table.sortable").first.locator(
        f"tbody td:nth-child({place})"
    ).all_inner_texts()  # fmt: skip
    return cells


def _sorted_by(page: Any) -> list[tuple[str, str]]:
    heads = page.locator("table.sortable").first.locator("th")
    found = heads.evaluate_all(
        "heads => heads.map(h => [h.innerText.trim(), h.getAttribute('aria-sort')])"
    )
    return [(name, how) for name, how in found if how != "none"]


def test_the_leaderboard_is_sorted_by_click_and_by_key(opened: Callable[[int], Any]) -> None:
    page = opened(1280)
    study = made_up_study(300)
    ranked = [f"{t.value:.4f}" for t in study.ranked()]
    assert _sorted_by(page) == [("Rank", "ascending")]
    assert _column(page, 4)[: len(ranked)] == ranked

    seconds = [name.strip() for name in page.locator("table.sortable").first.locator(
        "th").all_inner_texts()].index("Seconds")  # fmt: skip
    head = page.locator("table.sortable").first.locator("th button").nth(seconds)
    head.click()
    values = [float(text) for text in _column(page, seconds + 1)]
    assert values == sorted(values)
    assert _sorted_by(page) == [("Seconds", "ascending")]
    head.focus()
    page.keyboard.press("Enter")
    values = [float(text) for text in _column(page, seconds + 1)]
    assert values == sorted(values, reverse=True)
    assert _sorted_by(page) == [("Seconds", "descending")]

    batch = page.locator("table.sortable").first.locator("th button:has-text('batch_size')")
    batch.focus()
    page.keyboard.press("Space")
    place = [name.strip() for name in page.locator("table.sortable").first.locator(
        "th").all_inner_texts()].index("batch_size")  # fmt: skip
    found = list(dict.fromkeys(_column(page, place + 1)))
    assert found == ["full", "16384", "4096", "1024", "256"]

    value = page.locator("table.sortable").first.locator("th button").nth(3)
    value.click()
    value.click()  # the worst first, and what has no value last, as in the other direction
    texts = _column(page, 4)
    known = [text for text in texts if text]
    assert texts[: len(known)] == known == sorted(known, reverse=True)
    assert len(known) < len(texts)


def test_a_keyboard_alone_reaches_the_contents_and_the_tables(
    opened: Callable[[int], Any],
) -> None:
    page = opened(390)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    assert box
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    reached = page.evaluate(
        "[...document.querySelectorAll('.box')].every(b => b.tabIndex === 0 && b.ariaLabel)"
    )
    assert reached


def test_a_keyboard_hides_and_shows_what_a_legend_does(opened: Callable[[int], Any]) -> None:
    page = opened(1280)

    def hidden(figure: str) -> list[str]:
        names: list[str] = page.evaluate(
            f"document.querySelector('.plot#{figure}').data.filter(t => t.visible === 'legendonly')"
            ".map(t => t.name)"
        )
        return names

    for figure, name in (("s1-parallel", "the best"), ("s1-curves", "baseline: ")):
        groups = page.locator(f"figure:has(.plot#{figure}) .groups")
        groups.locator("summary").focus()
        page.keyboard.press("Enter")
        button = groups.locator(f"button:has-text('{name}')").last
        button.focus()
        page.keyboard.press("Space")
        page.wait_for_selector(f"figure:has(.plot#{figure}) .groups button[aria-pressed=false]")
        found = hidden(figure)
        assert found
        assert all(each.startswith(name) for each in found)
        assert button.get_attribute("aria-pressed") == "false"
        page.keyboard.press("Enter")
        pressed = f"figure:has(.plot#{figure}) .groups [aria-pressed=false]"
        page.wait_for_selector(pressed, state="detached")
        assert hidden(figure) == []
    assert page.locator("figure:has(.plot#s1-slice-0) .groups").count() == 0
    shown = page.locator("figure:has(.plot#s2-history) .groups button").first.inner_text
    page.locator("figure:has(.plot#s2-history) .groups summary").click()
    assert shown().startswith("complete (")
