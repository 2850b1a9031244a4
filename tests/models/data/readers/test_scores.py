"""Scores as people have them: missing, with decimal commas, in words."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from models import ModelsError
from models.data import Ratings, SourceOptions, load_ratings


def _load(path: Path, text: str, **options: object) -> Ratings:
    path.write_text(text, encoding="utf-8")
    return load_ratings(str(path), SourceOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["", "  ", "NA", "NaN", "null", "None", "-"])
def test_rows_without_a_score_are_left_out_where_that_is_asked_for(
    missing: str, tmp_path: Path
) -> None:
    text = f"user,movie,rating\n1,7,4\n2,7,{missing}\n2,8,3\n"
    with pytest.raises(ModelsError, match="--skip-rows-without-score"):
        _load(tmp_path / "r.csv", text)
    ratings = _load(tmp_path / "r.csv", text, skip_rows_without_score=True)
    assert ratings.scores.tolist() == [4.0, 3.0]
    assert ratings.row_index.tolist() == [0, 2]
    assert (ratings.rows_read, ratings.rows_scored) == (3, 2)
    assert ratings.warnings == ("r.csv: 1 of 3 rows have no score and were left out.",)


def test_rows_that_lack_everything_are_left_out_too(tmp_path: Path) -> None:
    """As Excel writes them below a table."""
    text = "user;movie;rating;time\n1;7;4;100\n2;8;3;200\n;;;\n;;;\n"
    ratings = _load(tmp_path / "r.csv", text, skip_rows_without_score=True)
    assert ratings.user_ids.tolist() == [1, 2]
    assert ratings.scores.tolist() == [4.0, 3.0]
    with pytest.raises(ModelsError, match=r"must have an id in every row.*row 3"):
        _load(tmp_path / "r.csv", text.replace("\n;;;", "\n;;5;300"), skip_rows_without_score=True)


@pytest.mark.parametrize("score", [None, float("nan")])
def test_a_missing_score_of_a_parquet_file_is_left_out_too(
    score: float | None, tmp_path: Path
) -> None:
    table = pa.table({"user": [1, 2, 3], "movie": [7, 8, 7], "rating": [4.0, score, 3.0]})
    parquet.write_table(table, tmp_path / "r.parquet")
    options = SourceOptions(skip_rows_without_score=True)
    assert load_ratings(str(tmp_path / "r.parquet"), options).scores.tolist() == [4.0, 3.0]


@pytest.mark.parametrize("header", ["user;movie;rating\n", ""])
def test_decimal_commas_are_read(header: str, tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.csv", f"{header}1;7;3,5\n2;7;4\n2;8;0,25\n")
    assert ratings.scores.tolist() == [3.5, 4.0, 0.25]
    assert any("commas were taken for decimal ones" in line for line in ratings.warnings)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("true", "false"), "true was taken for 1, false for 0"),
        (("True", "FALSE"), "True was taken for 1, FALSE for 0"),
        (("up", "down"), "up was taken for 1, down for 0"),
        (("👍", "👎"), "👍 was taken for 1, 👎 for 0"),
        (("like", "dislike"), "like was taken for 1, dislike for 0"),
    ],
)
@pytest.mark.parametrize("header", ["user,movie,like\n", "user,movie,rating\n", ""])
def test_thumbs_are_ones_and_zeros(
    words: tuple[str, str], told: str, header: str, tmp_path: Path
) -> None:
    yes, no = words
    options = {"score_column": "like"} if "like" in header else {}
    ratings = _load(tmp_path / "r.csv", f"{header}1,7,{yes}\n2,7,{no}\n2,8,{yes}\n", **options)
    assert ratings.scores.tolist() == [1.0, 0.0, 1.0]
    assert any(told in line for line in ratings.warnings)


def test_truth_values_of_a_parquet_file_are_ones_and_zeros(tmp_path: Path) -> None:
    table = pa.table({"user": [1, 2, 3], "movie": [7, 8, 7], "rating": [True, False, True]})
    parquet.write_table(table, tmp_path / "r.parquet")
    ratings = load_ratings(str(tmp_path / "r.parquet"))
    assert ratings.scores.tolist() == [1.0, 0.0, 1.0]


def test_scores_that_mean_no_rating_are_dropped(tmp_path: Path) -> None:
    text = "user,movie,rating\n1,7,4\n2,7,0\n2,8,3\n3,8,99\n"
    ratings = _load(tmp_path / "r.csv", text, drop_scores=[0, 99])
    assert ratings.scores.tolist() == [4.0, 3.0]
    assert ratings.user_ids.tolist() == [1, 2]
    assert (ratings.rows_read, ratings.rows_scored) == (4, 2)
    assert ratings.warnings == ("2 of 4 ratings were left out: their score is 0, 99.",)
    plain = _load(tmp_path / "r.csv", "user,movie,rating\n1,7,4\n2,8,3\n")
    assert ratings.content_hash == plain.content_hash
    for odd in (3.5e38, -3.5e38, 10**400, float("nan")):
        with pytest.raises(ModelsError, match=r"hold finite numbers of at most 3\.40282e\+38"):
            _load(tmp_path / "r.csv", text, drop_scores=[odd])


@pytest.mark.parametrize(
    "text",
    [
        "# exported today\nuser,movie,rating\n1,7,4\n2,8,3\n",
        "# exported, today\n\n1,7,4\n2,8,3\n",
        "# user,movie,rating\n1,7,4\n2,8,3\n",
        "%% user rates movie\n%user movie rating\n1 7 4\n2 8 3\n",
        "sep=;\nuser;movie;rating\n1;7;4\n2;8;3\n",
        "\n\nuser,movie,rating\n1,7,4\n2,8,3\n",
        "\ufeff# c\nuser,movie,rating\n1,7,4\n2,8,3\n",
    ],
)
def test_comments_above_the_rows_are_passed_over(text: str, tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.csv", text)
    assert ratings.user_ids.tolist() == [1, 2]
    assert ratings.movie_ids.tolist() == [7, 8]
    assert ratings.scores.tolist() == [4.0, 3.0]


def test_a_line_with_a_column_that_the_user_names_is_no_comment(tmp_path: Path) -> None:
    text = "#uid,iid,rating\n1,7,4\n2,8,3\n"
    ratings = _load(tmp_path / "r.csv", text, user_column="#uid", movie_column="iid")
    assert ratings.user_ids.tolist() == [1, 2]
    before = _load(tmp_path / "r.csv", "#1,7,4\n2,8,3\n", rules=1)  # as earlier versions read it
    assert before.user_ids.tolist() == ["#1", "2"]


def test_json_of_several_types_is_read_as_text_is(tmp_path: Path) -> None:
    text = """{"user": 7, "movie": "a", "rating": 4, "more": {"x": [1]}}
{"rating": 3.5, "user": "7.0", "movie": "b"}

{"user": 8.0, "movie": "a", "rating": "5"}
"""
    ratings = _load(tmp_path / "r.jsonl", text)
    assert ratings.user_ids.tolist() == [7, 8]
    assert ratings.user_codes.tolist() == [0, 0, 1]
    assert ratings.scores.tolist() == [4.0, 3.5, 5.0]
