"""JSON files as people have them: other encodings, scores that come later, odd shapes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from models import ModelsError
from models.data import Ratings, SourceOptions, load_ratings

FIRST = '{"user": "ann", "movie": 7, "rating": 4}'


def _load(path: Path, data: str | bytes, **options: object) -> Ratings:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return load_ratings(str(path), SourceOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},\n{}]"])
@pytest.mark.parametrize("field", ["user", "title"])
def test_json_that_is_not_utf_8_is_refused(field: str, form: str, tmp_path: Path) -> None:
    second = FIRST.replace("}", ', "title": "x"}').replace(
        '"x"', '"é"' if field == "title" else '"x"'
    )
    second = second.replace("ann", "josé") if field == "user" else second
    text = form.format(FIRST, second)
    with pytest.raises(ModelsError) as caught:
        _load(tmp_path / "r.json", text.encode("latin-1"))
    assert str(caught.value) == (
        "r.json must be UTF-8 text, but has the byte 0xe9 in line 2. Save it as UTF-8."
    )
    assert _load(tmp_path / "r.json", text).user_ids[0] == "ann"
    assert _load(tmp_path / "r.json", text.encode("utf-8-sig")).n_movies == 1


@pytest.mark.parametrize("form", ["{}\n{}\n{}\n", "[{},\n{},{}]"])
@pytest.mark.parametrize("lacks", ['{"user": "bob", "movie": 8}', '{"movie": 8, "text": "-"}'])
def test_a_first_object_without_a_score_is_no_row(lacks: str, form: str, tmp_path: Path) -> None:
    timed = FIRST.replace("}", ', "time": 100}')
    text = form.format(lacks, timed, timed.replace("7", "9"))
    with pytest.raises(ModelsError, match="--skip-rows-without-score"):
        _load(tmp_path / "r.json", text)
    ratings = _load(tmp_path / "r.json", text, skip_rows_without_score=True)
    assert (ratings.scores.tolist(), ratings.movie_ids.tolist()) == ([4.0, 4.0], [7, 9])
    assert ratings.timestamps is not None
    assert ratings.timestamps.tolist() == [100, 100]


def test_columns_that_no_object_has_are_told_with_all_that_there_are(tmp_path: Path) -> None:
    text = '{"user": 1}\n{"movie": 2, "points": 3}\n'
    with pytest.raises(ModelsError, match=r"score column .* its columns are user, movie, points"):
        _load(tmp_path / "r.json", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2, 3], [4, 5, 6]]", "must hold objects such as .* but item 1 is '\\[1, 2, 3\\]'"),
        ("[1, 2, 3]\n[4, 5, 6]\n", "one JSON object a line, .* but line 1 is '\\[1, 2, 3\\]'"),
        ('{"user": {"0": 1}, "movie": {"0": 2}, "rating": {"0": 3}}', "orient='records', lines"),
        ('{"columns": [], "index": [], "data": []}', "but is split. pandas writes a row a line"),
        ("[1, 2, 3]", "must hold objects such as .* but item 1 is '1'"),
        ("[]", "r.json must have rows, but has none"),
    ],
)
def test_lists_of_no_objects_are_told_so(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=message):
        _load(tmp_path / "r.json", text)


def test_options_for_text_files_are_said_to_have_no_effect(tmp_path: Path) -> None:
    ratings = _load(tmp_path / "r.json", FIRST, columns=("a", "b", "c"), separator="tab")
    assert any(
        "`--columns` and `--separator`, for text files, had no" in w for w in ratings.warnings
    )
    table = pa.table({"user": [1, 2], "movie": [7, 8], "rating": [4.0, 3.0]})
    parquet.write_table(table, tmp_path / "r.parquet")
    options = SourceOptions(separator="tab")
    [line] = load_ratings(str(tmp_path / "r.parquet"), options).warnings
    assert line.startswith("r.parquet names its columns itself: `--separator`, for text files,")


def test_what_can_be_read_is_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"`::`, JSON, Parquet, Feather or SQLite, but is binary"):
        _load(tmp_path / "r.bin", b"a\0b")
