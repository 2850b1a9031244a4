"""What SQLite keeps beside a database file stands in the file once a process has ended."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tracking.runs.home.folding import fold_in

WRITES = """
import atexit, os, sqlite3, sys
from pathlib import Path
from tracking import fold_in_at_exit
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE numbers (number)")
database.execute("INSERT INTO numbers VALUES (7)")
if sys.argv[2] == "folds":
    fold_in_at_exit(Path(sys.argv[1]))
atexit._run_exitfuncs()
os._exit(0)  # as the command does, which closes no connection
"""


def _numbers(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM numbers")]


@pytest.mark.parametrize("how", ["folds", "leaves"])
def test_the_database_file_alone_is_whole_after_the_process(how: str, tmp_path: Path) -> None:
    database = tmp_path / "made.db"
    subprocess.run([sys.executable, "-c", WRITES, str(database), how], check=True)
    log = tmp_path / "made.db-wal"
    assert (log.exists() and log.stat().st_size > 0) == (how == "leaves")
    alone = tmp_path / "alone.db"
    shutil.copy(database, alone)
    if how == "folds":
        assert _numbers(alone) == [7]
    else:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            _numbers(alone)


def test_it_waits_for_nobody_and_makes_no_file(tmp_path: Path) -> None:
    fold_in(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []
    database = tmp_path / "read.db"
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as writer,
        closing(sqlite3.connect(database, isolation_level=None)) as reader,
    ):
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE numbers (number)")
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
        writer.execute("INSERT INTO numbers VALUES (7)")
        fold_in(database)  # a reader still needs what stood there before
        assert reader.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT number FROM numbers").fetchone() == (7,)
