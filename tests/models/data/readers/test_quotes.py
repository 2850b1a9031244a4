"""A quotation mark that is not closed loses no row."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import ModelsError
from models.data import load_ratings
from models.data.options import SourceOptions
from models.data.readers.quotes import stray_quote

HEAD = "user_id,movie_id,rating,title"
OPEN = '"Gone (1999)'


def _file(folder: Path, titles: list[str], separator: str = ",") -> Path:
    lines = [HEAD, *(f"{n},{n % 7},{1 + n % 5},{title}" for n, title in enumerate(titles))]
    path = folder / "r.csv"
    path.write_text("\n".join(lines).replace(",", separator) + "\n")
    return path


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("places", [[3], [3, 4], [3, 11], [0, 5, 9]])
def test_no_row_is_lost_behind_a_mark_that_is_not_closed(
    tmp_path: Path, places: list[int], separator: str
) -> None:
    titles = [OPEN if n in places else "Plain" for n in range(20)]
    ratings = load_ratings(str(_file(tmp_path, titles, separator)))
    assert ratings.scores.tolist() == [1 + n % 5 for n in range(20)]
    (said,) = [line for line in ratings.warnings if "quotation mark" in line]
    assert f"that row {places[0] + 1} has at the beginning" in said


@pytest.mark.parametrize("separator", [",", "\t"])
def test_nor_where_a_later_field_ends_in_a_mark_by_chance(tmp_path: Path, separator: str) -> None:
    """As inches do: all rows between would be one title."""
    titles = ["Plain", '"Alien', *["Plain"] * 8, 'Disco 12"', "Plain"]
    ratings = load_ratings(str(_file(tmp_path, titles, separator)))
    assert ratings.scores.tolist() == [1 + n % 5 for n in range(12)]
    assert [line for line in ratings.warnings if "that row 2 has at the beginning" in line]


def test_where_the_marks_matter_elsewhere_the_file_is_refused(tmp_path: Path) -> None:
    titles = ["Plain", OPEN, '"Black, White"', "Plain"]
    with pytest.raises(ModelsError, match=r"the quotation mark \(\"\) that row 2 has .* not cl"):
        load_ratings(str(_file(tmp_path, titles)))


def test_marks_that_break_their_rules_in_the_first_lines_are_told_in_a_line(tmp_path: Path) -> None:
    """A line break behind a closed field is no row for Python's reader of CSV, which raises."""
    path = tmp_path / "ratings.csv"
    path.write_text("user,movie,rating\n,,['\"']\n[],\"\n1,2,3\n")
    with pytest.raises(ModelsError, match=r"ratings\.csv"):
        load_ratings(str(path))


@pytest.mark.parametrize(
    "titles",
    [
        ['"two\nlines"', "Plain", '"1,2,3\n4,5,6"'],
        ['"two\nlines"', '"Gone" (1999)', "Plain"],  # odd, but within its line
        ['"a ""quoted"" word\nand a line"', '5" disc', "Plain"],
    ],
)
def test_line_breaks_that_are_quoted_rightly_stay(tmp_path: Path, titles: list[str]) -> None:
    path = _file(tmp_path, titles)
    assert stray_quote(path, ",", columns=4, lines_above=1, rows=3) is None
    ratings = load_ratings(str(path))
    assert ratings.scores.tolist() == [1, 2, 3]
    assert not [line for line in ratings.warnings if "quotation" in line]


def test_a_quoted_line_break_in_the_first_row_does_not_hide_the_names(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text('user_id,title,movie_id,rating\n3,"One\nmovie",8,4\n4,"Two",9,5\n')
    assert load_ratings(str(path)).scores.tolist() == [4, 5]


def test_times_that_cannot_be_read_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,movie,rating,date\n1,8,4,13/09/2001\n2,9,5,14/09/2001\n")
    for last in ("14/09/2001", ""):
        path.write_text(f"user,movie,rating,date\n1,8,4,978300760\n2,9,5,{last}\n")
        with pytest.raises(ModelsError, match=r"leave the times out: `--timestamp-column none`"):
            load_ratings(str(path))
    ratings = load_ratings(str(path), SourceOptions(timestamp_column="none"))
    assert ratings.scores.tolist() == [4, 5]
    assert ratings.timestamps is None
