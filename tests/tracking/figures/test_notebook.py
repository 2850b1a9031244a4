"""A study as HTML for a notebook."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hostile import NAMES
from made_up import made_up_study

from tracking import StudyRecord, TrackingError, TrialRecord, study_figure, study_html
from tracking.records.study import ALWAYS


def study(make_trial: Callable[..., TrialRecord], name: str = "rate") -> StudyRecord:
    trials = tuple(
        make_trial(
            number=n, value=1.0 - n / 10, state="complete", params={name: f"{name}{n}", "same": 1}
        )
        for n in range(12)
    )
    return StudyRecord(name="movies", trials=trials)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def test_the_ten_best_are_a_table_with_what_differs(make_trial: Callable[..., TrialRecord]) -> None:
    page = Page(study_html(study(make_trial)))
    assert page.tags.count("tr") == 11
    assert page.cells[:8] == [
        "movies", "rank", "trial", "best_val_rmse", "rate", "1", "11", "-0.1000",
    ]  # fmt: skip
    assert "same" not in page.cells
    assert page.tags.count("img") == 1


def test_a_rating_models_table_begins_as_the_terminals_does() -> None:
    """What our own models always tell first, then what differs, with recipes marked."""
    page = Page(study_html(made_up_study(10)))
    head = page.cells[1:12]
    assert head == ["rank", "trial", "best_val_rmse", *ALWAYS, "l2_bias", "layers", "dropout_1",
                    "factors"]  # fmt: skip
    assert {"0 baseline", "2 recipe"} <= set(page.cells)


def test_the_curves_are_a_picture_that_needs_no_network(
    make_trial: Callable[..., TrialRecord],
) -> None:
    text = study_html(study(make_trial))
    found = re.search(r"data:image/png;base64,([^\"]+)", text)
    assert found is not None
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")
    assert "http" not in text


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text(name: str, make_trial: Callable[..., TrialRecord]) -> None:
    named = study(make_trial, name)
    page = Page(study_html(replace(named, name=name, trials=named.trials[:2], monitor="none")))
    assert set(page.tags) <= {"h4", "table", "thead", "tbody", "tr", "th", "td", "img", "p"}
    assert page.tags.count("img") <= 1


def test_a_figure_is_plotlys_own(make_trial: Callable[..., TrialRecord]) -> None:
    figure = study_figure(study(make_trial), "history")
    assert type(figure).__module__.startswith("plotly")
    with pytest.raises(TrackingError, match=r"must be one of history, .* but got 'nothing'"):
        study_figure(study(make_trial), "nothing")
