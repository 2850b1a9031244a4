"""Text files as they are published: without column names, with other separators, other names."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import ModelsError
from models.data import Ratings, SourceOptions, load_ratings
from models.data.readers.text_layout import read_layout

# User, movie, score and time of two ratings.
ROWS = [("196", "242", 3.0, 881250949), ("186", "302", 4.0, 891717742)]


def _load(path: Path, text: str | bytes, **options: object) -> Ratings:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_ratings(str(path), SourceOptions(**options))  # type: ignore[arg-type]


def _rows(ratings: Ratings) -> list[tuple[str, str, float, int | None]]:
    times = ratings.timestamps
    return [
        (
            str(ratings.user_ids[user]),
            str(ratings.movie_ids[movie]),
            float(score),
            None if times is None else int(times[row]),
        )
        for row, (user, movie, score) in enumerate(
            zip(ratings.user_codes, ratings.movie_codes, ratings.scores, strict=True)
        )
    ]


def test_movielens_100k_is_read_as_it_is_published(tmp_path: Path) -> None:
    """`u.data`: tabs, no names; user, item, rating, time."""
    text = "196\t242\t3\t881250949\n186\t302\t4\t891717742\n"
    ratings = _load(tmp_path / "u.data", text)
    assert _rows(ratings) == ROWS
    assert ratings.warnings == (
        "u.data has no column names: its columns were taken for user, movie, rating, timestamp "
        "(separator: tab). Name them with `--columns` where that is wrong.",
    )


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", "|", "::"])
def test_three_columns_without_names_are_user_movie_rating(separator: str, tmp_path: Path) -> None:
    lines = [("196", "242", "3"), ("186", "302", "4")]
    text = "".join(separator.join(line) + "\n" for line in lines)
    assert _rows(_load(tmp_path / "ratings.txt", text)) == [(*row[:3], None) for row in ROWS]


def test_what_columns_between_two_colons_were_taken_for_is_said(tmp_path: Path) -> None:
    said = (
        "{}.dat has no column names: its columns were taken for user, movie, rating{} "
        "(separator: double-colon). Name them with `--columns` where that is wrong."
    )
    three = _load(tmp_path / "three.dat", "196::242::3\n186::302::4\n")
    assert three.warnings == (said.format("three", ""),)
    text = "196::242::3::881250949\n186::302::4::891717742\n"
    four = _load(tmp_path / "four.dat", text)
    assert _rows(four) == ROWS
    assert four.warnings == (said.format("four", ", timestamp"),)
    columns = ["user", "movie", "rating", "timestamp"]
    assert _load(tmp_path / "four.dat", text, columns=columns).warnings == ()


def test_ids_of_letters_need_no_names_either(tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.csv", "alice,B00A,3\nbob,B00B,4\n")
    assert _rows(ratings) == [("alice", "B00A", 3.0, None), ("bob", "B00B", 4.0, None)]


def _four(*columns: str, rows: int = 40) -> str:
    """Rows of 40 users and 30 items, with times of ten digits, in the given order of columns."""
    table = [
        {
            "user": str(1 + row * 7 % 40),
            "item": str(1 + row * 11 % 30),
            "rating": str(0.5 * (1 + row * 3 % 10)),
            "time": str(1_300_000_000 + row),
            "milliseconds": str(1_300_000_000_000 + row),
            "isbn": str(1_200_000_000 + row),
            "two": str(1 + row // 20),
        }
        for row in range(rows)
    ]
    return "".join(",".join(row[name] for name in columns) + "\n" for row in table)


@pytest.mark.parametrize("separator", [",", "\t", "::"])
@pytest.mark.parametrize("user", ["user", "two"])
@pytest.mark.parametrize("time", ["time", "milliseconds"])
def test_times_before_the_ratings_are_found_by_their_digits(
    time: str, user: str, separator: str, tmp_path: Path
) -> None:
    text = _four(user, "item", time, "rating").replace(",", separator)
    ratings = _load(tmp_path / "r.txt", text)
    usual = _four(user, "item", "rating", time).replace(",", separator)
    assert _rows(ratings) == _rows(_load(tmp_path / "usual.txt", usual))
    (said,) = (line for line in ratings.warnings if "were taken for" in line)
    assert "user, movie, timestamp, rating" in said
    before = _load(tmp_path / "r.txt", text, rules=2)  # as earlier versions read it
    assert before.scores.min() >= 1_300_000_000


def test_times_are_found_in_a_file_of_any_length(tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.csv", _four("user", "item", "time", "rating", rows=9000))
    assert (ratings.scores.min(), ratings.scores.max()) == (0.5, 5.0)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (("rating", "user", "time", "item"), 40),  # the first may be the scores
        (("rating", "user", "time", "item"), 2),
        (("user", "isbn", "time", "rating"), 40),  # what looks like times are two columns
        (("user", "item", "time", "isbn"), 40),
        (("user", "item", "rating", "time"), 40),
    ],
)
def test_where_times_are_not_plain_the_usual_order_is_taken(
    columns: tuple[str, ...], rows: int, tmp_path: Path
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(_four(*columns, rows=rows))
    layout = read_layout(path, SourceOptions(), where="r.csv")
    assert layout.names == ("user", "movie", "rating", "timestamp")


@pytest.mark.parametrize(
    "names",
    [
        "user_id,movie_id,rating,timestamp",
        "User-ID,ISBN,Book-Rating,Time",
        "user,item,rating,time",
        "user_id,business_id,stars,date",
        "reviewerID,asin,overall,unixReviewTime",
        "user_id,anime_id,rating,timestamp",
        "USER ID,BOOK.ID,SCORE,TIMESTAMP",
        "\ufeffuserId,movieId,rating,timestamp",
    ],
)
def test_columns_are_found_by_the_names_that_are_published(names: str, tmp_path: Path) -> None:
    text = f"{names}\n196,242,3,881250949\n186,302,4,891717742\n"
    assert _rows(_load(tmp_path / "r.csv", text)) == ROWS


def test_columns_without_names_are_named_by_the_user(tmp_path: Path) -> None:
    columns = ["rating", "user", "movie", "note", "timestamp"]
    text = "3;196;242;-;881250949\n4;186;302;good, seen twice;891717742\n"
    ratings = _load(tmp_path / "r.txt", text, columns=columns)
    assert _rows(ratings) == ROWS
    assert ratings.warnings == ()


def test_names_of_the_user_stand_for_those_of_the_file(tmp_path: Path) -> None:
    text = "a,b,c\n196,242,3\n186,302,4\n"
    ratings = _load(tmp_path / "r.csv", text, columns=("user", "movie", "rating"))
    assert _rows(ratings) == [(*row[:3], None) for row in ROWS]


def test_a_separator_is_taken_from_the_user(tmp_path: Path) -> None:
    """Commas would give three fields too; here they are decimal ones in an identifier."""
    text = "1,5,a;242;3\n2,5,b;302;4\n"
    for separator in (";", "semicolon"):
        ratings = _load(tmp_path / "r.txt", text, separator=separator)
        assert _rows(ratings) == [("1,5,a", "242", 3.0, None), ("2,5,b", "302", 4.0, None)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": ("user", "movie", "rating", "timestamp")},
            "`columns` must name each of the 3 columns of r.csv, but got 4",
        ),
        (
            {"columns": ("user", "user", "rating")},
            "must name each column of the file once",
        ),
        ({"columns": ("user", "movie")}, "three or more of them, but got user, movie"),
        ({"columns": ("who", "movie", "rating")}, "must have a user column"),
        ({"separator": "tab"}, "must be separated by `tab`, but its first line is '1,2,3'"),
        ({"separator": "dash"}, "`separator` must be one of double-colon, tab"),
    ],
)
def test_what_does_not_fit_the_file_is_told(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelsError) as caught:
        _load(tmp_path / "r.csv", "1,2,3\n4,5,6\n", **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("first", "options", "message"),
    [
        ("1\t18\t3\t88\t7", {}, "say `--columns user,movie,rating,timestamp,other_1`"),
        ("1\t18", {}, "say `--columns user,movie`. It has no score then"),
        ("1\t18\t3\t88\t7", {"user_column": "1", "movie_column": "18", "score_column": "3"},
         "must name its 5 columns in its first line, but that is a row: '1\\t18\\t3\\t88\\t7'"),
        ("My ratings\tof 2020", {}, "has 2 fields and the next one 5"),
    ],
)  # fmt: skip
def test_a_first_line_that_is_no_names_is_told_as_one(
    first: str, options: dict[str, str], message: str, tmp_path: Path
) -> None:
    rest = "2\t18\t3\t88\t7\n3\t9\t3\t88\t7\n" if len(first) != 4 else "2\t18\n"
    with pytest.raises(ModelsError) as caught:
        _load(tmp_path / "r.txt", f"{first}\n{rest}", **options)
    assert message in str(caught.value)


def test_numbers_that_pandas_gave_columns_are_names(tmp_path: Path) -> None:
    text = "0,1,2,3,4\n196,242,3,881250949,7\n186,302,4,891717742,7\n"
    named = {"user_column": "0", "movie_column": "1", "score_column": "2"}
    ratings = _load(tmp_path / "r.csv", text, **named, timestamp_column="3")
    assert _rows(ratings) == ROWS


@pytest.mark.parametrize("below", ["true", "yes", "like"])
@pytest.mark.parametrize("name", ["liked", "up"])
@pytest.mark.parametrize("others", ["user,item", "kunde,produkt"])
def test_names_above_scores_in_words_are_no_rating(
    others: str, name: str, below: str, tmp_path: Path
) -> None:
    text = f"{others},{name}\n1,2,{below}\n3,4,{below}\n"
    with pytest.raises(ModelsError, match=r"must have a (score|user) column"):
        _load(tmp_path / "r.csv", text)
    ratings = _load(tmp_path / "r.csv", text, columns=["user", "movie", "rating"])
    assert _rows(ratings) == [("1", "2", 1.0, None), ("3", "4", 1.0, None)]


def test_a_usual_name_beside_ids_of_letters_is_no_rating(tmp_path: Path) -> None:
    text = "user,item,like\nann,A,like\nbob,B,dislike\n"
    ratings = _load(tmp_path / "r.csv", text, columns=["user", "movie", "rating"])
    assert ratings.scores.tolist() == [1.0, 0.0]
    before = _load(tmp_path / "r.csv", text, columns=["user", "movie", "rating"], rules=1)
    assert before.scores.tolist() == [1.0, 1.0, 0.0]  # as earlier versions read it


@pytest.mark.parametrize("mark", ["#", "%", "//"])
@pytest.mark.parametrize("above", ["", "# exported, today, 2024\n\n"])
def test_ids_that_begin_as_comments_do_lose_no_row(above: str, mark: str, tmp_path: Path) -> None:
    text = f"{above}{mark}1,7,4\n{mark}2,7,3.5\nann,8,2\n"
    ratings = _load(tmp_path / "r.csv", text)
    expected = [(f"{mark}1", "7", 4.0, None), (f"{mark}2", "7", 3.5, None), ("ann", "8", 2.0, None)]
    assert _rows(ratings) == expected
    told = [line for line in ratings.warnings if "comment" in line]
    shown = ["r.csv: 1 line was passed over above the rows as comments, the first: "
             "'# exported, today, 2024'."]  # fmt: skip
    assert told == (shown if above else [])


def test_a_file_of_such_ids_alone_is_read_whole(tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.csv", "#1\t7\t4\t100\n#2\t7\t3\t200\n")
    assert _rows(ratings) == [("#1", "7", 4.0, 100), ("#2", "7", 3.0, 200)]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("196   242  3   881250949\n186   302  4   891717742\n", " "),
        ("user   movie  rating\n196    242    3\n", " "),
        ("196  242 3 881250949\n186 302 4 891717742\n", " "),
        ("196\t\t242\t\t3\n186\t\t302\t\t4\n", "\\t"),
    ],
)
def test_aligned_columns_are_told_so(text: str, sign: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError) as caught:
        _load(tmp_path / "r.txt", text)
    assert "between two columns, but has several in its first line" in str(caught.value)
    assert str(caught.value).endswith(f"tr -s '{sign}'.")


@pytest.mark.parametrize("header", ["", "user, movie, rating, timestamp\n"])
@pytest.mark.parametrize(
    "times", [("881250949", "891717742"), ("1997-12-04T15:55:49", "1998-04-04T19:22:22")]
)
def test_spaces_behind_commas_do_not_count(
    times: tuple[str, str], header: str, tmp_path: Path
) -> None:
    text = f"{header}196, 242, 3, {times[0]}\n186, 302, 4, {times[1]}\n"
    assert _rows(_load(tmp_path / "r.csv", text)) == ROWS


@pytest.mark.parametrize("missing", ["", "NA", "nan", "-"])
@pytest.mark.parametrize("columns", [None, ("user", "movie", "rating", "time")])
def test_a_first_row_without_a_score_holds_no_names(
    columns: tuple[str, ...] | None, missing: str, tmp_path: Path
) -> None:
    text = f"9,9,{missing},881250949\n196,242,3,881250949\n186,302,4,891717742\n"
    with pytest.raises(ModelsError, match=r"row 1. Use `--skip-rows-without-score`"):
        _load(tmp_path / "r.csv", text, columns=columns)
    ratings = _load(tmp_path / "r.csv", text, columns=columns, skip_rows_without_score=True)
    assert (_rows(ratings), ratings.rows_read) == (ROWS, 3)


@pytest.mark.parametrize("tag", ["<p>", "<html>", "<!doctype>", "<div>", "<a href>", "<!-- -->"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
@pytest.mark.parametrize("names", [(), ("item", "user", "rating")])
def test_ratings_of_tags_are_no_web_page(
    tag: str, separator: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [*([names] if names else []), (tag, "242", "3"), ("</p>", "302", "4")]
    text = "".join(separator.join(line) + "\n" for line in lines)
    options = {} if names else {"columns": ("item", "user", "rating")}
    read = _rows(_load(tmp_path / "r.csv", text, **options))
    assert read == [("242", tag, 3.0, None), ("302", "</p>", 4.0, None)]


def test_spaces_above_no_page_are_looked_through_at_once(tmp_path: Path) -> None:
    text = "\n \t\n" * 10_000 + "user,movie,rating\n196,242,3\n186,302,4\n"
    assert _rows(_load(tmp_path / "r.csv", text)) == [(*row[:3], None) for row in ROWS]
