"""Which columns a terminal has room for; all widths are counted by hand."""

from __future__ import annotations

import pytest

from search.cli.columns import Columns, Layout, fitted
from search.cli.common import console
from search.cli.tables import table

COLUMNS = Columns(
    must={"trial": ["0 baseline"], "best_val_rmse": ["0.8812"]},  # 10, 13 (8 in two lines, 6)
    own={"family": ["gmf"], "batch_size": ["full"]},  # 6, 10 (6 in two lines)
    more={"long": ["x" * 30], "factors": ["8"], "l2_bias": ["1e-09"]},  # 30, 7, 7 (5)
    last={"seconds": ["3"]},  # 7
)


@pytest.mark.parametrize(
    ("name", "least", "lines", "head"),
    [
        ("learning_rate", 7, 1, ["learning_rate"]),
        ("learning_rate", 7, 2, ["learning_", "rate"]),
        ("learning_rate", 13, 3, ["learning_rate"]),
        ("best_val_rmse", 6, 2, ["best_", "val_rmse"]),
        ("best_val_rmse", 6, 3, ["best_", "val_", "rmse"]),
        ("best_val_rmse", 9, 3, ["best_val_", "rmse"]),
        ("family", 3, 3, ["family"]),
        ("a\nb", 1, 2, ["a\\nb"]),
    ],
)
def test_a_heading_is_as_narrow_as_its_cells_and_lines_allow(
    name: str, least: int, lines: int, head: list[str]
) -> None:
    assert Layout(lines).head(name, least) == head


@pytest.mark.parametrize(
    ("width", "names", "lines"),
    [
        # 10 + 13 + 6 + 10 + 30 + 7 + 7 + 7 cells, 8 x 3 beside them, and an edge.
        (115, "trial best_val_rmse family batch_size long factors l2_bias seconds", 1),
        # Headings in two lines take 5 + 4 + 2 less.
        (114, "trial best_val_rmse family batch_size long factors l2_bias seconds", 2),
        (104, "trial best_val_rmse family batch_size long factors l2_bias seconds", 2),
        # What fits is taken in order: 94 without the last, 84 without the one before it.
        (103, "trial best_val_rmse family batch_size long factors l2_bias", 2),
        (93, "trial best_val_rmse family batch_size long factors", 2),
        # The first that differs is shown in less room, rather than two that matter less: without
        # edges 28 + 30 + 4 x 3 are 70, and with two letters less between columns 62.
        (71, "trial best_val_rmse family batch_size long", 3),
        (63, "trial best_val_rmse family batch_size long", 3),
        # 43 + 10 for the factors, + 8 for the bias.
        (61, "trial best_val_rmse family batch_size factors l2_bias", 2),
        (53, "trial best_val_rmse family batch_size factors", 2),
        (52, "trial best_val_rmse family batch_size l2_bias", 2),
        # Without edges and in three lines: 10 + 6 + 6 + 6 + 3 x 3 are 37, and 10 for the factors.
        (50, "trial best_val_rmse family batch_size factors", 3),
        (46, "trial best_val_rmse family batch_size l2_bias", 3),
        # With a letter less between columns, and with two less: 28 + 3 x 2 and 28 + 3 x 1.
        (37, "trial best_val_rmse family batch_size l2_bias", 3),
        (36, "trial best_val_rmse family batch_size", 3),
        (31, "trial best_val_rmse family batch_size", 3),
        (29, "trial best_val_rmse family", 3),
        (12, "trial best_val_rmse", 3),
    ],
)
def test_columns_are_chosen_by_rank_until_the_line_is_full(
    width: int, names: str, lines: int
) -> None:
    fit = fitted(COLUMNS, width)
    assert list(fit.widths) == names.split()
    assert fit.layout.lines == lines
    assert fit.is_whole == (width > 12)


def test_from_the_usual_width_on_a_parameter_that_differs_is_shown() -> None:
    wide = Columns(
        must={"a": ["x" * 30]}, own={"b": ["x" * 20], "c": ["x" * 10]}, more={"d": ["x" * 20]}
    )  # without edges 30 + 3 + 20 + 3 + 10 are 66; in the least room d is 21 more than 62
    assert list(fitted(wide, 80).widths) == ["a", "b", "d"]
    assert list(fitted(wide, 79).widths) == ["a", "b", "c"]
    assert list(fitted(wide, 82).widths) == ["a", "b", "d"]
    assert list(fitted(wide, 83).widths) == ["a", "b", "c", "d"]
    hopeless = Columns(must=wide.must, own=wide.own, more={"d": ["x" * 60]})
    assert list(fitted(hopeless, 80).widths) == ["a", "b", "c"]


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_table_is_wider_than_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    names = ["in the search", "probability_of_best", "new seeds", "95 % interval", "P(best)"]
    console().print(table("Title", names, [["0.8812", "0.12", "0.88", "0.87 to 0.89", "99%"]]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            40,
            [
                "│ factor_dropout │ movielens │ a/b.csv │",
                "│ long words     │ 1.25e-09  │ 2       │",
            ],
        ),
        (34, ["factor_dropout│ movielens│ a/b.csv", "long words    │ 1.25e-09 │ 2      "]),
        (31, ["│ factor_ │ movielens │ a/b.  │", "│ dropout │           │ csv   │"]),
        (24, ["factor_│movielens│a/b.  ", "dropout│         │csv   "]),
    ],
)
def test_a_cell_is_broken_behind_what_joins_its_words(
    width: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [["factor_dropout", "movielens", "a/b.csv"], ["long words", "1.25e-09", "2"]]
    console().print(table("T", ["what", "one", "other"], rows))
    told = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert told[:2] == lines


def test_what_stands_between_colons_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(table(":smile:", [":heart:"], [[":heart:"]]), ":heart:")
    assert capsys.readouterr().out.count(":heart:") == 3
