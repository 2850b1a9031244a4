"""What must hold whatever a user gives: done, or refused in one clear line, and nothing left."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search.errors import USER_ERRORS, as_line

MOST_LETTERS = 2500  # a line that lists every setting of a study has some 1,500


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended.

    Attributes:
        code: The exit code; 0 for done.
        out: What it wrote on standard output.
        err: What it wrote on standard error.
    """

    code: int
    out: str
    err: str


def answer(*arguments: str) -> Answer:
    """Run the command in this process, and check that it ended as it may end.

    Standard output and standard error are as strict about characters as those of a real process.
    """
    from search.cli.main import run

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    told = []
    for stream in (out, err):
        stream.seek(0)
        told.append(stream.read())
    ended = Answer(code, *told)
    _check(ended, arguments)
    return ended


_BESIDE = ("Waiting for ", "Everybody on this machine can read ")
"""How lines begin that may stand beside a refusal: each says another thing."""


def _check(ended: Answer, arguments: tuple[str, ...]) -> None:
    """Check the exit code, what a refusal says, and that `--json` prints one object."""
    assert ended.code in (0, 1, 2), (ended, arguments)
    assert "Traceback" not in ended.err, ended.err
    if ended.code == 2:
        assert ended.out == "", ended.out
        lines = ended.err.removesuffix("\n").split("\n")
        (line,) = (each for each in lines if not each.startswith(_BESIDE))
        assert line.startswith("trialbook: "), line
        check_line(line)
    elif "--json" in arguments and ended.out and not ended.out.startswith("Usage: "):
        json.loads(ended.out)


def check_line(text: str) -> None:
    """Check that a message can be read: one line of usual length, in characters that are seen."""
    assert text.strip(), "an empty message"
    assert len(text) <= MOST_LETTERS, f"{len(text)} letters: {text[:500]}"
    hidden = {letter for letter in text if unicodedata.category(letter) in ("Cc", "Zl", "Zp")}
    assert not hidden, (hidden, text[:500])


@contextlib.contextmanager
def taken_or_refused() -> Iterator[None]:
    """Let a refusal pass as the command would tell it; whatever else is raised is a fault."""
    try:
        yield
    except USER_ERRORS as error:
        check_line(as_line(str(error)))


def check_no_study(home: Path) -> None:
    """Check that a home holds no study and nothing half-written."""
    database = home / "optuna.db"
    if database.exists():
        with contextlib.closing(sqlite3.connect(database)) as connection:
            assert connection.execute("SELECT count(*) FROM studies").fetchone() == (0,)
    for pattern in ("*.partial", "*.tmp", "spool/*"):
        assert list(home.glob(pattern)) == []
