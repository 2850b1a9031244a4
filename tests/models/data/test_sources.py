"""Whatever is wrong with a source is told in one line, and nothing is written."""

from __future__ import annotations

import datetime
import gzip
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from models.data import SourceOptions, load_ratings, split_ratings
from models.errors import ModelsError

GOOD = [(1, 10, 4.0, 100), (1, 20, 3.0, 200), (2, 10, 5.0, 300), (2, 30, 2.0, 400)] + [
    (user, movie, 3.5, 1000 + user) for user in (3, 4, 5) for movie in (10, 20, 30)
]
NOON = datetime.time(12)
_SKIP = "--skip-rows-without-score"
HEADER = "userId,movieId,rating,timestamp\n"


def _csv_text(rows: list[Any] | None = None) -> str:
    chosen = GOOD if rows is None else rows
    return HEADER + "".join(",".join(map(str, row)) + "\n" for row in chosen)


@dataclass
class Case:
    name: str
    build: Callable[[Path], str]
    fragments: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    split: str = "published"


def _file(name: str, content: str | bytes) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return build


def _named(source: str) -> Callable[[Path], str]:
    return lambda folder: source


def _row(line: str, at: int = 2) -> str:
    """The good CSV with data row `at` (1-based) replaced."""
    lines = _csv_text().splitlines()
    lines[at] = line
    return "\n".join(lines) + "\n"


def _parquet(**columns: Any) -> Callable[[Path], str]:
    users, movies, scores, times = (list(column) for column in zip(*GOOD, strict=True))
    data: dict[str, Any] = {
        "userId": users,
        "movieId": movies,
        "rating": scores,
        "timestamp": times,
    } | columns

    def build(folder: Path) -> str:
        path = folder / "r.parquet"
        parquet.write_table(pa.table({k: v for k, v in data.items() if v is not None}), path)
        return str(path)

    return build


def _cut_parquet(keep: Callable[[int], int]) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        path = Path(_parquet()(folder))
        data = path.read_bytes()
        path.write_bytes(data[: keep(len(data))])
        return str(path)

    return build


def _sqlite(*statements: str, rows: Any = None, cut: int | None = None) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        path = folder / "r.sqlite"
        connection = sqlite3.connect(path)
        for statement in statements:
            if "?" in statement:
                connection.executemany(statement, GOOD if rows is None else rows)
            else:
                connection.execute(statement)
        connection.commit()
        connection.close()
        if cut is not None:
            path.write_bytes(path.read_bytes()[:cut])
        return str(path)

    return build


def _table(name: str = "ratings") -> tuple[str, str]:
    return (
        f"CREATE TABLE {name} (user_id, movie_id, rating, timestamp)",
        f"INSERT INTO {name} VALUES (?, ?, ?, ?)",
    )


def _zip(*names: str) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        with zipfile.ZipFile(folder / "r.zip", "w") as archive:
            for name in names:
                archive.writestr(name, _csv_text())
        return str(folder / "r.zip")

    return build


def _tar(packing: str) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        path = folder / (f"r.tar.{packing}" if packing else "r.tar")
        mode: Any = f"w:{packing}"
        with tarfile.open(path, mode) as archive:
            archive.add(__file__, "ratings.csv")
        return str(path)

    return build


def _directory(folder: Path) -> str:
    (folder / "sub").mkdir()
    return str(folder / "sub")


def _empty_mubi(folder: Path) -> str:
    (folder / "sub").mkdir()
    (folder / "sub" / "readme.txt").write_text("nothing")
    return f"mubi:{folder / 'sub'}"


def _text_mubi(folder: Path) -> str:
    return f"mubi:{_file('m.csv', _row('1,20,x,200'))(folder)}"


def _unreadable(folder: Path) -> str:
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    return str(folder / "loop.csv")


_NO_TIMES = "".join(line.rsplit(",", 1)[0] + "\n" for line in _csv_text().splitlines())
_WIDE = "".join(f"c{i}," for i in range(200)) + "z\n" + "1," * 200 + "1\n"
_SPLIT_ONE_LINE = "user,movie,rating\n1,2,3\n2,3,4\n"

PAGES = [
    '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head/></html>\n',
    '\n<!-- saved from url=(0014)about:internet -->\n<!DOCTYPE html>\n<html lang="en">\n',
    "<!-- a, b, c -->\n<html>\n<p>1,2,3</p>\n",
    "\ufeff <!--\na\n--><!-- b --> <HTML>\n",
    '<div class="a b c">\n<p>1,2,3</p>\n</div>\n',
    "<table>\n<tr><td>1</td><td>2</td><td>3</td></tr>\n</table>\n",
    "<p>Please sign in, or register, to go on</p>\n",
    "<body>\n1,2,3\n",
    "<head><title>Files | Ratings | user, movie, rating</title></head>\n<body>\n",
    "<script>var user,movie,rating;</script>\n<script>a</script>\n",
    "<!-- of a page -->\n<table>\n",
]

CASES = [
    Case(
        "missing file", lambda f: str(f / "no.csv"), ("no.csv", "must exist", "Correct the path.")
    ),
    Case(
        "missing file, one near",
        lambda f: _file("ratings.csv", _csv_text())(f).replace("ratings.csv", "ratngs.csv"),
        ("ratngs.csv", "Near it: ratings.csv."),
    ),
    Case("missing folder", lambda f: str(f / "no" / "r.csv"), ("The folder", "is not there")),
    Case("unknown name", _named("netflix"), ("'netflix'", "movielens-25m", "mubi", "synthetic")),
    Case("newline in name", _named("net\nflix"), ("'net\\nflix'",)),
    Case("nul in name", _named("net\0flix"), ("'net\\x00flix'",)),
    Case("very long name", _named("x" * 5000), ("xxx",)),
    Case("empty name", _named(""), ("movielens", "or a file, but got ''")),
    Case("directory", _directory, ("sub", "folder")),
    Case("symlink loop", _unreadable, ("loop.csv",)),
    Case("below a file", lambda f: _file("r.csv", _csv_text())(f) + "/x", ("r.csv/x",)),
    Case("empty", _file("r.csv", ""), ("empty", "r.csv")),
    Case("blank lines", _file("r.csv", "\n\n\n"), ("empty", "r.csv")),
    Case("header only", _file("r.csv", HEADER), ("must have rows", "r.csv")),
    Case("header, no newline", _file("r.csv", HEADER.strip()), ("must have rows",)),
    Case("header, blank lines", _file("r.csv", HEADER + "\n\n"), ("must have rows",)),
    Case("no user column", _file("r.csv", "movie,rating\n1,2\n"), ("user", "movie, rating")),
    Case("no movie column", _file("r.csv", "user,rating\n1,2\n"), ("movie", "--movie-column")),
    Case("no score column", _file("r.csv", "user,movie\n1,2\n"), ("score", "--score-column")),
    Case("200 columns", _file("r.csv", _WIDE), ("c0, c1", "...")),
    Case("long names", _file("r.csv", ("n" * 3000 + ",m\n1,2\n")), ("user", "--user-column")),
    Case("text score", _file("r.csv", _row("1,20,good,200")), ("'rating'", "'good'", "row 2")),
    Case("long text score", _file("r.csv", _row(f"1,20,{'g' * 900},2")), ("'rating'", "row 2")),
    Case("nan score", _file("r.csv", _row("1,20,NaN,200")), ("'rating'", "nan", "row 2", _SKIP)),
    Case("NA score", _file("r.csv", _row("1,20,NA,200")), ("'NA'", "row 2", _SKIP)),
    Case("parquet nan score", _parquet(rating=[1, float("nan")] + [2] * 11), ("row 2", _SKIP)),
    Case(
        "no score at all",
        _file("r.csv", HEADER + "1,2,,3\n2,3,,4\n"),
        ("must have scores", "no row"),
        {"skip_rows_without_score": True},
    ),
    Case("decimal or thousand", _file("r.csv", "user;movie;rating\n1;2;3,500\n"), ("thousand",)),
    Case("word and number", _file("r.csv", _row("1,20,true,200")), ("'true'", "row 2")),
    Case("inf score", _file("r.csv", _row("1,20,inf,200")), ("'rating'", "inf", "row 2")),
    Case("-inf score", _file("r.csv", _row("1,20,-inf,200")), ("'rating'", "-inf", "row 2")),
    Case("huge score", _file("r.csv", _row("1,20,1e300,200")), ("'rating'", "1e+300", "row 2")),
    Case("empty score", _file("r.csv", _row("1,20,,200")), ("'rating'", "none in row 2")),
    Case("blank score", _file("r.csv", _row("1,20,  ,200")), ("'rating'", "row 2")),
    Case("decimal comma", _file("r.csv", _row('1,20,"3,5",200')), ("'rating'", "'3,5'", "row 2")),
    Case("no user id", _file("r.csv", _row(",20,3,200")), ("'userId'", "none in row 2")),
    Case("blank user id", _file("r.csv", _row("  ,20,3,200")), ("'userId'", "none in row 2")),
    Case("no movie id", _file("r.csv", _row("1,,3,200", 5)), ("'movieId'", "none in row 5")),
    Case("no time", _file("r.csv", _row("1,20,3,")), ("'timestamp'", "none in row 2")),
    Case("one user", _file("r.csv", _csv_text([(1, m, 3, 5) for m in range(9)])), ("2 users",)),
    Case("one movie", _file("r.csv", _csv_text([(u, 1, 3, 5) for u in range(9)])), ("2 movies",)),
    Case("2 rows", _file("r.csv", _SPLIT_ONE_LINE), ("`published`", "2 ratings")),
    Case(
        "2 rows, random", _file("r.csv", _SPLIT_ONE_LINE), ("`random`", "2 ratings"), split="random"
    ),
    Case("parquet cut at 4", _cut_parquet(lambda n: 4), ("r.parquet", "Parquet")),
    Case("parquet cut at 20", _cut_parquet(lambda n: 20), ("r.parquet", "Parquet")),
    Case("parquet half", _cut_parquet(lambda n: n // 2), ("r.parquet", "Parquet")),
    Case("parquet less footer", _cut_parquet(lambda n: n - 8), ("r.parquet", "Parquet")),
    Case("parquet less 1", _cut_parquet(lambda n: n - 1), ("r.parquet", "Parquet")),
    Case("parquet cut at 2", _cut_parquet(lambda n: 2), ("r.parquet", "parquet")),
    Case("parquet time score", _parquet(rating=[NOON] * 13), ("'rating'", "must hold numbers")),
    Case("parquet nested score", _parquet(rating=[[1.0]] * 13), ("'rating'", "list")),
    Case("parquet struct user", _parquet(userId=[{"a": 1}] * 13), ("'userId'", "struct")),
    Case("parquet float ids", _parquet(userId=[1.5] * 13), ("'userId'", "1.5", "row 1")),
    Case("parquet nan id", _parquet(userId=[1.0, float("nan")] + [2.0] * 11), ("row 2", "nan")),
    Case("parquet null id", _parquet(movieId=[1, None] + [2] * 11), ("'movieId'", "row 2")),
    Case("parquet null score", _parquet(rating=[1, None] + [2] * 11), ("'rating'", "row 2")),
    Case("parquet all null", _parquet(rating=pa.nulls(13)), ("'rating'", "row 1")),
    Case("parquet all null ids", _parquet(userId=pa.nulls(13)), ("'userId'", "row 1")),
    Case("parquet bytes ids", _parquet(userId=[b"\xff"] * 13), ("'userId'", "binary")),
    Case("parquet bool time", _parquet(timestamp=[True] * 13), ("'timestamp'", "bool")),
    Case("parquet nan time", _parquet(timestamp=[float("nan")] * 13), ("'timestamp'", "row 1")),
    Case("parquet no rows", _parquet(userId=[], movieId=[], rating=[], timestamp=[]), ("rows",)),
    Case("parquet that is csv", _file("r.parquet", _csv_text()), ("r.parquet", "by its name")),
    Case("sqlite that is text", _file("r.sqlite", _csv_text()), ("r.sqlite", "by its name")),
    Case("sqlite header only", _sqlite(*_table(), cut=16), ("r.sqlite", "SQLite")),
    Case("sqlite cut at 100", _sqlite(*_table(), cut=100), ("r.sqlite", "SQLite")),
    Case("sqlite one page", _sqlite(*_table(), cut=4096), ("r.sqlite", "SQLite")),
    Case("sqlite half page", _sqlite(*_table(), cut=6000), ("r.sqlite", "SQLite")),
    Case("sqlite no table", _sqlite("CREATE TABLE a (x)", "DROP TABLE a"), ("r.sqlite", "table")),
    Case("sqlite unfit", _sqlite("CREATE TABLE a (x)", "CREATE TABLE b (y)"), ("a, b", "--table")),
    Case("sqlite unfit one", _sqlite("CREATE TABLE a (x)"), ("user column", "x")),
    Case("sqlite two fit", _sqlite(*_table("a"), *_table("b")), ("one table", "a, b", "--table")),
    Case("sqlite table", _sqlite(*_table()), ("'nope'", "ratings"), {"table": "nope"}),
    Case("sqlite empty", _sqlite(_table()[0]), ("must have rows",)),
    Case(
        "sqlite text score",
        _sqlite(*_table(), rows=[(1, 1, 3, 5), (2, 2, "bad", 5), (3, 3, 4, 5)]),
        ("'rating'", "'bad'", "row 2"),
    ),
    Case(
        "sqlite null score",
        _sqlite(*_table(), rows=[(1, 1, 3, 5), (2, 2, None, 5), (3, 3, 4, 5)]),
        ("'rating'", "row 2"),
    ),
    Case(
        "sqlite huge time",
        _sqlite(*_table(), rows=[(1, 1, 3, 5), (2, 2, 3, 2**62), (3, 3, 4, 5)]),
        ("'timestamp'", "row 2"),
    ),
    Case("binary", _file("r.csv", bytes(range(256)) * 9), ("r.csv", "binary")),
    Case("nul byte", _file("r.csv", _row("1,20,3\0,200")), ("r.csv", "binary")),
    Case(
        "late nul byte",
        _file("r.csv", HEADER + "a,b,3,5\nb,c,4,6\n" * 9000 + "a\0,b,3,5\n"),
        ("'userId'", "NUL", "row 18001"),
    ),
    Case("carets", _file("r.csv", _csv_text().replace(",", "^")), ("commas", "userId^movie")),
    Case("two words", _file("r.csv", "user rating\n1 2\n"), ("spaces", "user rating")),
    Case(
        "a web page",
        _file("ratings.dat", "<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n"),
        ("ratings.dat", "is a web page"),
    ),
    *(
        Case(f"a web page: {page[:20]!r}", _file("r.csv", page), ("r.csv", "is a web page"))
        for page in PAGES
    ),
    Case("latin-1", _file("r.csv", _row("J\xfcrg,20,3,200").encode("latin-1")), ("UTF-8", "0xfc")),
    Case("latin-1 header", _file("r.csv", b"us\xe9r,movie,rating\n1,2,3\n"), ("0xe9", "line 1")),
    Case(
        "late latin-1",
        _file("r.csv", (_csv_text() + "1,20,3,200\n" * 9000 + "J\xfc,2,3,200\n").encode("latin-1")),
        ("UTF-8", "0xfc", "row 9014"),
    ),
    Case(
        "latin-1 behind a byte order mark",
        _file("r.csv", b"\xef\xbb\xbf" + _row("J\xfcrg,20,3,200").encode("latin-1")),
        ("0xfc", "line 3"),
    ),
    Case("utf-16", _file("r.csv", _csv_text().encode("utf-16")), ("UTF-8", "UTF-16")),
    Case("utf-16 bare", _file("r.csv", _csv_text().encode("utf-16-le")), ("binary",)),
    Case("gzip cut", _file("r.csv.gz", gzip.compress(_csv_text().encode())[:40]), ("whole gzip",)),
    Case("zip cut", _file("r.zip", b"PK\x03\x04" + bytes(100)), ("whole zip archive",)),
    Case("zip of two", _zip("a.csv", "b.csv"), ("a.csv, b.csv", "Unpack it")),
    Case("zip of none", _zip("readme.txt"), ("readme.txt", "one file of ratings")),
    Case("a workbook", _zip("xl/workbook.xml", "xl/a.xml"), ("Excel workbook", "CSV")),
    Case("packed twice", _file("r.gz", gzip.compress(gzip.compress(b"1"))), ("compressed once",)),
    Case("tar", _tar(""), ("r.tar", "is a tar archive")),
    Case("tar.gz", _tar("gz"), ("r.tar.gz", "a tar archive")),
    Case("feather cut", _file("r.feather", b"ARROW1" + bytes(90)), ("whole Feather file",)),
    Case("feather 1", _file("r.feather", b"FEA1" + bytes(90)), ("version 2", "Write it again")),
    Case("feather by name", _file("r.feather", _csv_text()), ("Feather by its name",)),
    Case("python's dicts", _file("r.json", "{'user': 1, 'movie': 2}\n"), ("line 1", "{'user'")),
    Case("JSON list cut", _file("r.json", '[{"user": 1, "movie"'), ("r.json", "must be JSON")),
    Case("JSON item", _file("r.json", '[{"user": 1, "movie": 2, "rating": 3}, 4]'), ("item 2",)),
    Case("JSON over lines", _file("r.json", '{\n"user": 1\n}\n'), ("line 1", "lines=True")),
    Case(
        "JSON of columns",
        _file("r.json", '{"user":{"0":1},"movie":{"0":2},"rating":{"0":3}}\n'),
        ("'user'", "one value a row"),
    ),
    Case("JSON without score", _file("r.json", '{"user": 1, "movie": 2}\n'), ("score column",)),
    Case(
        "JSON row",
        _file("r.json", '{"user": 1, "movie": 2, "rating": 3}\n' * 3 + "5\n"),
        ("line 4", "'5'"),
    ),
    Case("comments alone", _file("r.csv", "# a\n# b\n"), ("empty", "r.csv")),
    Case("ragged below comments", _file("r.csv", "# a\n" + _row("1,20,3")), ("row 2", "has 3")),
    Case(
        "dropped",
        _file("r.csv", "user,movie,rating\n1,2,0\n2,3,0\n"),
        ("all 2 scores are 0",),
        {"drop_scores": (0,)},
    ),
    Case("too few fields", _file("r.csv", _row("1,20,3")), ("4 fields", "row 2", "has 3")),
    Case("too many", _file("r.csv", _row("1,20,3,4,5", 4)), ("4 fields", "row 4", "has 5")),
    Case("long ragged", _file("r.csv", _row("1," * 3000)), ("4 fields", "row 2")),
    Case(
        "ragged colons",
        _file("r.dat", "1::2::3::4\n1::3::3::4\n1::3\n2::3::3::4\n"),
        ("4 fields", "row 3", "has 2"),
    ),
    Case("text colons", _file("r.dat", "1::2::3::4\n1::3::x::4\n2::2::3::1\n"), ("'x'", "row 2")),
    Case("five colons", _file("r.dat", "1::2::3::4::5\n1::3::3::4::5\n"), ("its 5 columns",)),
    Case("twice", _file("r.csv", "user,movie,rating,user\n1,2,3,4\n"), ("'user'", "twice")),
    Case("named", _file("r.csv", _csv_text()), ("'who'", "userId"), {"user_column": "who"}),
    Case("named s", _file("r.csv", _csv_text()), ("'stars'", "rating"), {"score_column": "stars"}),
    Case(
        "named t", _file("r.csv", _csv_text()), ("'when'", "rating"), {"timestamp_column": "when"}
    ),
    Case(
        "two roles", _file("r.csv", _csv_text()), ("one column each",), {"user_column": "movieId"}
    ),
    Case("negative time", _file("r.csv", _row("1,20,3,-5")), ("'timestamp'", "-5", "row 2")),
    Case("absurd time", _file("r.csv", _row("1,20,3,99999999999")), ("1970", "row 2", "999999")),
    Case("overflowing time", _file("r.csv", _row(f"1,20,3,{10**30}")), ("'timestamp'", "row 2")),
    Case("text time", _file("r.csv", _row("1,20,3,soon")), ("'timestamp'", "'soon'", "row 2")),
    Case(
        "text ISO time",
        _file("r.csv", HEADER + "1,2,3,2020-01-01 10:00:00\n2,3,3,2020-13-01 10:00:00\n"),
        ("'timestamp'", "2020-13-01", "row 2"),
    ),
    Case("synthetic:0", _named("synthetic:0"), ("above 0", "got 0")),
    Case("synthetic:-1", _named("synthetic:-1"), ("above 0", "got -1")),
    Case("synthetic:nan", _named("synthetic:nan"), ("above 0", "got nan")),
    Case("synthetic:inf", _named("synthetic:inf"), ("at most 10", "got inf")),
    Case("synthetic:abc", _named("synthetic:abc"), ("number", "'abc'")),
    Case("synthetic:", _named("synthetic:"), ("number", "''")),
    Case("synthetic tiny", _named("synthetic:0.00001"), ("at least 10 users", "leaves 1")),
    Case("synthetic long", _named("synthetic:" + "a\n" * 400), ("number",)),
    Case("mubi, no path", _named("mubi"), ("mubi:PATH",)),
    Case("mubi:, no path", _named("mubi:"), ("mubi:PATH",)),
    Case("mubi, missing", _named("mubi:missing.sqlite"), ("missing.sqlite",)),
    Case("mubi, empty folder", _empty_mubi, ("sub", "is a folder")),
    Case("mubi, text", _text_mubi, ("'rating'", "'x'", "row 2")),
    Case("mubi, all out", lambda f: f"mubi:{_file('m.csv', _csv_text())(f)}", ("20 to 1000",)),
    Case("unfetched", _named("movielens-1m"), ("movielens-1m", "data fetch")),
    Case("unknown user's home", _named("~nobody-1"), ("one of", "~nobody-1", "neither")),
    Case("file of such a home", _named("~nobody-1/r.csv"), ("~nobody-1/r.csv",)),
    Case("mubi of such a home", _named("mubi:~nobody-1/m.csv"), ("~nobody-1/m.csv",)),
    Case("unfetched small", _named("latest-small"), ("data fetch",)),
    Case("filter", _file("r.csv", _csv_text()), ("must have 50", "--no-user"), {"min_ratings": 50}),
    Case("unknown split", _file("r.csv", _csv_text()), ("'by-luck'", "random"), split="by-luck"),
    Case("temporal", _file("r.csv", _NO_TIMES), ("`temporal`", "time", "r.csv"), split="temporal"),
    Case(
        "leave-last-out",
        _file("r.csv", _NO_TIMES),
        ("`leave-last-out`", "--timestamp-column"),
        split="leave-last-out",
    ),
    Case(
        "leave-last-out of two",
        _file("r.csv", _csv_text(GOOD[:4])),
        ("of 4 ratings",),
        split="leave-last-out",
    ),
    Case("open quote", _file("r.csv", _row('1,20,"3,200')), ("r.csv",)),
    Case("quote inside", _file("r.csv", _row('1,20,3"5,200')), ("'rating'", "row 2")),
    Case("quoted header", _file("r.csv", '"user,movie,rating\n1,2,3\n'), ("r.csv",)),
    Case("giant field", _file("r.csv", "u" * 200_000 + ",movie,rating\n1,2,3\n"), ("r.csv",)),
]


def _listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_source_is_told_in_one_line(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    source = case.build(folder)
    before = _listing(tmp_path)
    with pytest.raises(ModelsError) as caught:
        split_ratings(load_ratings(source, SourceOptions(**case.options)), case.split)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert len(text.replace(str(folder), "")) <= 400
    for fragment in case.fragments:
        assert fragment in text
    assert _listing(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ({"min_ratings": 0}, ("`min_ratings`", "got 0", "--no-user-filter")),
        ({"max_ratings": -3}, ("`max_ratings`", "got -3")),
        ({"min_ratings": 9, "max_ratings": 8}, ("`min_ratings`", "9 and 8")),
        ({"seed": -1}, ("`seed`", "got -1")),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], fragments: tuple[str, ...]) -> None:
    with pytest.raises(ModelsError) as caught:
        SourceOptions(**options)
    assert all(fragment in str(caught.value) for fragment in fragments)


def test_min_above_the_default_max_of_mubi_is_refused(tmp_path: Path) -> None:
    source = f"mubi:{_file('m.csv', _csv_text())(tmp_path)}"
    with pytest.raises(ModelsError, match="2000 and 1000"):
        load_ratings(source, SourceOptions(min_ratings=2000))
