"""Tables of rows to predict are read as they stand there, and written back."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from search.errors import SearchError
from search.prediction.table import read_table, write_table

CELLS = 'user,"movie, or so",note\n007,"a, b",NA\n 1,,"x\ny"\n2,"say ""hi""",é\n'


def test_cells_of_a_text_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(CELLS)
    table = read_table(path)
    assert table.frame["user"].tolist() == ["007", " 1", "2"]
    assert table.frame["movie, or so"].tolist() == ["a, b", "", 'say "hi"']
    assert table.frame["note"].tolist() == ["NA", "x\ny", "é"]
    write_table(table, tmp_path / "same.csv")
    assert (tmp_path / "same.csv").read_text() == CELLS
    assert sorted(each.name for each in tmp_path.iterdir()) == ["pairs.csv", "same.csv"]


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_the_separator_is_found_and_kept(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(f"user{separator}movie\n1{separator}2\n")
    table = read_table(path)
    assert table.frame.to_dict("list") == {"user": ["1"], "movie": ["2"]}
    write_table(table, tmp_path / "same.txt")
    assert (tmp_path / "same.txt").read_bytes() == path.read_bytes()


def test_a_named_separator_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("user name|movie,id\n1|2\n")
    assert list(read_table(path, "pipe").frame) == ["user name", "movie,id"]
    with pytest.raises(SearchError, match="`--separator` must be one character, or one of"):
        read_table(path, "::")


def test_other_formats_are_read_and_parquet_is_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [1, 2], "movie": ["a", "b"]})
    frame.to_parquet(tmp_path / "pairs.parquet")
    frame.to_feather(tmp_path / "pairs.feather")
    (tmp_path / "pairs.csv.gz").write_bytes(gzip.compress(b"user,movie\n1,a\n2,b\n"))
    for name in ("pairs.parquet", "pairs.feather"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name).frame, frame)
    packed = read_table(tmp_path / "pairs.csv.gz")
    assert packed.frame["user"].tolist() == ["1", "2"]
    write_table(read_table(tmp_path / "pairs.parquet"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "user,movie\n1,a\n2,b\n"
    write_table(packed, tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["movie"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "must begin with column names, but t.csv does not"),
        (b"user,user\n1,2\n", "must name each column once, but t.csv has 'user' twice"),
        (b"user,movie\n1,2,3\n", "must be a table, but t.csv is not one"),
        (b"user,movie\n1,2\n1,2,3\n", "must be a table, but t.csv is not one"),
        (b"user,movie\n\xff,2\n", "must be a table, but t.csv is not one"),
        (b"PAR1", "must be a table, but t.csv is not one"),
        (b"SQLite format 3\0", "must be a table by itself, but t.csv is a database"),
    ],
)
def test_what_is_no_such_table_is_one_line(content: bytes, fragment: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SearchError) as told:
        read_table(tmp_path / "t.csv")
    assert fragment in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"cannot be read: No such file or directory\."):
        read_table(tmp_path / "none.csv")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    table = read_table(tmp_path / "t.csv")
    with pytest.raises(SearchError, match="must be a file that can be written"):
        write_table(table, tmp_path / "no" / "such.csv")
    with pytest.raises(SearchError, match="must name a file"):
        write_table(table, Path())


def test_a_carriage_return_in_a_cell_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(b'user,movie\n"a\rb","1"\n')
    write_table(read_table(path), tmp_path / "same.csv")
    assert (tmp_path / "same.csv").read_bytes() == path.read_bytes()
