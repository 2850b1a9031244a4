"""What a Jupyter cell shows of a running study, and how often it is drawn."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from search import Silent
from search.trial.notebook import NotebookProgress, Page, curve_svg, in_kernel, shown
from tracking import BASELINE_TAG, EpochRecord, StudyRecord, TrialRecord

GMF = TrialRecord(study="movies", number=4, params={"family": "gmf", "factors": 35})


class Cell:
    """A cell's output, with a clock that a test sets and calls that a test makes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pages: list[Page] = []
        self.displays = 0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def show(self, page: Page) -> Callable[[Page], object]:
        self.displays += 1
        self.pages.append(page)
        return self.pages.append

    def progress(self) -> NotebookProgress:
        def later(seconds: float, call: Callable[[], None]) -> None:
            self.due.append((seconds, call))

        return NotebookProgress(self.show, clock=lambda: self.now, later=later)


class _Cells(HTMLParser):
    """The rows of a page's table as texts, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "div" and self.text:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def epoch(number: int, value: float) -> EpochRecord:
    return EpochRecord(epoch=number, seconds=0.1, metrics={"val_rmse": value})


def busy(progress: NotebookProgress) -> NotebookProgress:
    """A study with a pruned and a failed trial, its best and baseline, and two that run."""
    progress.study(StudyRecord(name="movies", monitor="val_rmse"), finished=0, target=10)
    progress.left(26)
    ends = [("complete", 0.9360), ("pruned", 0.95), ("failed", None), ("complete", 0.8917)]
    for number, (state, value) in enumerate(ends):
        tags = {BASELINE_TAG: "true"} if number == 0 else {}
        ended = TrialRecord(study="movies", number=number, params={}, state=state, value=value,
                            tags=tags)  # fmt: skip
        progress.ended(ended, finished=number + 1, target=10)
    progress.trial(GMF, epochs=15)
    for number, value in enumerate((0.95, 0.92, 0.90, 0.91), start=1):
        progress.epoch(GMF, epoch(number, value), min(value, 0.90) if number > 2 else value)
    progress.trial(replace(GMF, number=5), epochs=15)
    return progress


def test_the_cell_tells_how_far_the_study_is_and_what_runs() -> None:
    page = _Cells(busy(Cell().progress()).page().html)
    assert page.text.splitlines()[0].startswith(
        "movies\u20024/10 · 1 pruned · 1 failed · 0:00, about 0:26 left"
        " · best 0.8917 (trial 3, -0.0443 against the baseline)"
    )
    assert page.rows == [
        ["trial", "tries", "epoch", "value", "best so far", "curve"],
        ["4", "gmf f35", "4/15", "0.9100", "0.9000", ""],
        ["5", "gmf f35", "building", "", "", ""],
    ]


def test_a_running_trial_with_two_values_has_a_curve() -> None:
    html = busy(Cell().progress()).page().html
    (points,) = re.findall(r'<polyline points="([^"]+)"', html)
    across = [float(point.split(",")[0]) for point in points.split()]
    down = [float(point.split(",")[1]) for point in points.split()]
    assert across[0] == 2.0
    assert across[-1] == 118.0
    assert down.index(min(down)) == 0  # the worst value is on top
    assert down[2] == max(down) == 22.0  # the best one at the foot


def test_a_curve_shows_the_rest_where_the_first_epoch_is_far_off() -> None:
    """1.0 to 0.9 takes up a visible part of the height, although 40 is there too."""
    points = re.findall(r"[\d.]+,([\d.]+)", curve_svg([40.0, 1.0, 0.95, 0.92, 0.9]))
    assert float(points[0]) == 2.0
    assert float(points[1]) == pytest.approx(22 - 20 * 0.5)  # the cap: 0.9 + 4 * (0.95 - 0.9)


def test_a_curve_of_what_is_maximised_rises_to_the_best() -> None:
    points = re.findall(r"[\d.]+,([\d.]+)", curve_svg([0.1, 0.8, 0.9], sign=-1))
    assert float(points[2]) == 2.0
    assert float(points[0]) == 22.0


@pytest.mark.parametrize("values", [[], [1.0], [float("nan")] * 3, [float("inf"), 1.0]])
def test_too_few_values_have_no_curve(values: list[float]) -> None:
    assert curve_svg(values) == ""


def test_equal_values_are_a_level_line() -> None:
    points = re.findall(r"[\d.]+,([\d.]+)", curve_svg([1.0, 1.0]))
    assert points == ["12.0", "12.0"]


def test_a_long_epoch_tells_its_share() -> None:
    progress = Cell().progress()
    progress.study(StudyRecord(name="s"), finished=0, target=2)
    progress.trial(GMF, epochs=30)
    progress.within(GMF, 1, 0.123)
    assert _Cells(progress.page().html).rows[1][2] == "1/30, 12% of it"


def test_every_text_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    progress = Cell().progress()
    progress.message(evil)
    assert evil not in progress.page().html
    progress.study(StudyRecord(name=evil, monitor=evil), finished=0, target=1)
    progress.trial(TrialRecord(study=evil, number=0, params={evil: evil}), epochs=1)
    html = progress.page().html
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4  # the name, a parameter and its value, the message


def test_messages_are_lines_below_and_hide_passwords() -> None:
    progress = Cell().progress()
    for number in range(6):
        progress.message(f"line {number}")
    progress.message("at postgresql://me:secret@host/db")
    lines = _Cells(progress.page().html).text.splitlines()[1:]
    assert lines[:4] == ["line 2", "line 3", "line 4", "line 5"]
    assert "secret" not in lines[4]
    assert len(lines) == 5


def test_the_cell_is_drawn_at_most_twice_a_second_and_no_event_is_lost() -> None:
    cell = Cell()
    progress = cell.progress()
    progress.message("first")
    assert len(cell.pages) == 1
    for number in range(20):
        cell.now += 0.02
        progress.message(f"line {number}")
    assert len(cell.pages) == 1
    ((seconds, call),) = cell.due  # one drawing is due, whatever comes until then
    assert seconds == pytest.approx(0.48)
    cell.now = 100.5
    call()
    assert len(cell.pages) == 2
    assert "line 19" in cell.pages[-1].html
    cell.now = 101.0
    progress.message("later")
    assert len(cell.pages) == 3
    assert cell.displays == 1  # the others replace the first


def test_a_drawing_that_is_due_does_not_follow_one_of_an_event_at_once() -> None:
    cell = Cell()
    progress = cell.progress()
    progress.message("first")
    cell.now += 0.1
    progress.message("second")
    cell.now += 0.4
    progress.message("third")  # half a second is over: drawn by this event
    assert len(cell.pages) == 2
    cell.due[0][1]()
    assert len(cell.pages) == 2  # nothing new
    cell.now += 0.1
    progress.message("fourth")
    assert len(cell.pages) == 2
    seconds, call = cell.due[1]
    assert seconds == pytest.approx(0.4)
    cell.now += 0.2
    call()  # a timer may be too early: it waits for the rest
    assert len(cell.pages) == 2
    cell.now += cell.due[2][0]
    cell.due[2][1]()
    assert len(cell.pages) == 3
    assert "fourth" in cell.pages[-1].html


def test_the_end_is_drawn_without_the_trials_and_nothing_after_it() -> None:
    cell = Cell()
    with cell.progress() as progress:
        busy(progress)
    assert len(cell.pages) == 2
    assert "<table" not in cell.pages[-1].html
    assert "best 0.8917" in cell.pages[-1].html
    assert "left" not in cell.pages[-1].html
    for _, call in cell.due:
        call()
    assert len(cell.pages) == 2


def test_a_run_that_tells_nothing_shows_nothing() -> None:
    cell = Cell()
    with cell.progress():
        pass
    for _, call in cell.due:
        call()
    assert cell.pages == []


def test_a_start_that_takes_long_is_told_and_leaves_nothing_where_nothing_follows() -> None:
    cell = Cell()
    with cell.progress() as progress:
        ((seconds, call),) = cell.due
        assert seconds == 2.0
        call()
        assert _Cells(cell.pages[-1].html).text == "Starting, and reading the ratings …"
        assert progress.page().line == "Starting, and reading the ratings …"
    assert [page.html for page in cell.pages[1:]] == [""]
    assert cell.displays == 1


def test_a_study_that_began_is_not_told_to_start() -> None:
    cell = Cell()
    with cell.progress() as progress:
        progress.study(StudyRecord(name="s"), finished=0, target=2)
        (_, call) = cell.due[0]
        call()
        assert len(cell.pages) == 1


def test_nothing_raises_whatever_goes_wrong() -> None:
    def broken(*_: object) -> Callable[[Page], object]:
        raise OSError("the browser is gone")

    with NotebookProgress(broken, later=broken) as progress:
        progress.message("first")
        progress.message(7)  # type: ignore[arg-type]
        progress.study(None, finished=0, target=1)  # type: ignore[arg-type]
        progress.ended(None, finished=0, target=1)  # type: ignore[arg-type]
        progress.epoch(GMF, None, 1.0)  # type: ignore[arg-type]
        progress.message("second")  # within half a second: broken as well


def test_trials_of_several_threads_are_all_shown() -> None:
    cell = Cell()
    progress = cell.progress()
    progress.study(StudyRecord(name="s"), finished=0, target=4)

    def work(number: int) -> None:
        trial = replace(GMF, number=number)
        progress.trial(trial, epochs=50)
        for each in range(1, 51):
            progress.epoch(trial, epoch(each, 1 / each), 1 / each)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = _Cells(progress.page().html).rows[1:]
    assert [row[:4] for row in rows] == [[str(n), "gmf f35", "50/50", "0.0200"] for n in range(4)]


def test_without_html_the_cell_has_a_line() -> None:
    page = busy(Cell().progress()).page()
    assert repr(page).startswith("movies  4/10 · 1 pruned · 1 failed")
    assert page._repr_html_() == page.html


# Where it is shown.


class ZMQInteractiveShell:
    """Named as the shell of a Jupyter kernel."""


class Colab(ZMQInteractiveShell):
    """A kernel whose shell is one of its own."""


class TerminalInteractiveShell:
    """Named as the shell of IPython in a terminal."""


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(ZMQInteractiveShell(), True), (Colab(), True), (TerminalInteractiveShell(), False),
     (None, False)],
)  # fmt: skip
def test_a_kernel_is_told_by_its_shell(
    shell: object, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)  # type: ignore[arg-type]
    assert in_kernel() is expected
    with shown(None) as progress:
        assert isinstance(progress, NotebookProgress if expected else Silent)
    silent = Silent()
    with shown(silent) as progress:
        assert progress is silent


def test_without_ipython_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_kernel()
    assert "IPython" not in sys.modules
