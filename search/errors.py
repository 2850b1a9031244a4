"""`SearchError` for a user's mistake, and a tuple of all exceptions that mean a user's mistake."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from models.errors import ModelsError
from tracking import mirrored
from tracking.errors import TrackingError
from tracking.texts import visible

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_SQLITE_FULL = "database or disk is full"
_SQLITE_FAILS = ("disk I/O error", "unable to open database file")
"""What SQLite says of much; where there is no room, it is for want of that."""
_SQLITE_DAMAGED = (
    "database disk image is malformed",
    "malformed database schema",
    "file is not a database",
)
_DATABASES = ("optuna.db", "mlflow.db")
_TOO_LITTLE = 500_000
_MOST_LETTERS = 2000
_LAST_LETTERS = 400


class SearchError(ValueError):
    """Raised for a user's mistake; the one-line message tells the rule, the value and the remedy.

    Example:
        >>> from search import StudyConfig
        >>> try:
        ...     StudyConfig(epochs=0)
        ... except SearchError as error:
        ...     print(error)
        `epochs` must be at least 1, but got 0.
    """


class DiskFull(SearchError):
    """A disk is full; once it has room, the same call goes on.

    Its `exit_code` is that of a command: the standard one for a failure that may pass.
    """

    exit_code = 75


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception, or one that led to it, says that a disk is full.

    Example:
        >>> import errno
        >>> is_disk_full(OSError(errno.ENOSPC, "No space left on device")), is_disk_full(OSError())
        (True, False)
    """
    return any(
        (isinstance(each, OSError) and each.errno in _NO_ROOM) or _SQLITE_FULL in str(each)
        for each in _led_to(error)
    )


def of_disk(error: BaseException, home: Path, *, file: Path | None = None) -> SearchError | None:
    """Make of an exception one that says that a disk is full or a database damaged, or None.

    Args:
        error: What was raised.
        home: Trialbook's home folder.
        file: The database that was being opened, where that is known.
    """
    return as_disk_full(error, home) or as_damaged(error, home, file=file)


def as_disk_full(error: BaseException, home: Path) -> DiskFull | None:
    """Make of an exception one that says which disk is full; None where none is.

    Args:
        error: What was raised. SQLite says in several ways that there is no room.
        home: Trialbook's home folder.
    """
    if isinstance(error, DiskFull):
        return error
    _, free = _fullest(home)
    unclear = any(text in str(each) for text in _SQLITE_FAILS for each in _led_to(error))
    if is_disk_full(error) or (unclear and free < _TOO_LITTLE):
        return disk_full(home)
    return None


def as_damaged(error: BaseException, home: Path, *, file: Path | None = None) -> SearchError | None:
    """Make of an exception one that says which database is damaged; None where none is.

    Args:
        error: What was raised.
        home: Trialbook's home folder.
        file: The database that was being opened; None to look which one of the home it is.
    """
    said = (text for each in _led_to(error) for text in _SQLITE_DAMAGED if text in str(each))
    if (damage := next(said, None)) is None:
        return None
    found = [file] if file is not None else _damaged(home)
    own, names = mirrored(home), [each.name for each in found]
    shown = [str(own / each.name if each.parent == home else each) for each in found]
    which = " and ".join(shown) or f"one that {own} uses"
    return SearchError(
        f"A study's databases must be whole, but {which} {'are' if len(found) > 1 else 'is'} "
        f"damaged ({damage}). {_way_out(names)}"
    )


def _way_out(names: Sequence[str]) -> str:
    """What to do about damaged databases; what is said of all where none is known."""
    name = names[0] if len(names) == 1 else "FILE"
    told = [
        f"Move {name} away first, together with {name}-wal and {name}-shm if they are there, since "
        "these would spoil a copy. Put a copy of it in its place, or save what can be read of it "
        "with `sqlite3 FILE .recover`."
    ]
    if not names or "mlflow.db" in names:
        told.append("Without mlflow.db, `trialbook doctor --fix` writes it anew.")
    if not names or "optuna.db" in names:
        told.append(
            "Without optuna.db, what was finished stays readable in MLflow: `trialbook ui`."
        )
    return " ".join(told)


def _damaged(home: Path) -> list[Path]:
    """The databases of a home that are damaged."""
    return [path for name in _DATABASES if (path := home / name).is_file() and not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    """Whether SQLite finds a file in order, or cannot tell: then nothing is said against it."""
    for how in ("mode=ro", "mode=ro&immutable=1"):  # the latter where nothing can lie beside it
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as read:
                return bool(read.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.OperationalError:
            continue
        except sqlite3.DatabaseError as error:
            return not any(text in str(error) for text in _SQLITE_DAMAGED)
    return True


def disk_full(home: Path) -> DiskFull:
    """Say which disk is full: that of the home, or that of temporary files.

    Args:
        home: Trialbook's home folder.
    """
    place, free = _fullest(home)
    return DiskFull(
        f"A study needs room for what it records, but the disk of {place} is full "
        f"({free / 1e6:.1f} MB free). Make some room and give the same command again: it goes on, "
        "and nothing that was finished is lost."
    )


def _fullest(home: Path) -> tuple[Path, int]:
    """The one of the two folders whose disk has less room, and how many bytes are free there."""
    own = mirrored(home).absolute()
    there = (each for each in (own, *own.parents) if each.is_dir())
    free = {path: shutil.disk_usage(path).free for path in (next(there), _temporary())}
    return min(free.items(), key=lambda one: one[1])


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # none can be written to
        return Path("/tmp")


def _led_to(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that it came of."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]


def in_one_line(error: BaseException) -> str:
    """An exception's type and message in one line.

    Example:
        >>> in_one_line(RuntimeError("first   second"))
        'RuntimeError: first second'
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def as_line(text: str) -> str:
    """A message as a terminal can show it: one line, every character visible, not endless.

    What a user gave stands in messages, and may hold anything. Of a long one the middle is left
    out, since the rule stands at its beginning and the way out at its end.

    Args:
        text: The message.

    Example:
        >>> as_line("There is no file 'a\\x1b[2Jb',\\n but a folder.")
        "There is no file 'a\\\\x1b[2Jb', but a folder."
    """
    parts = (part.strip(" ") for part in re.split(r"[^\S ]+", text))
    words = " ".join(part for part in parts if part)  # spaces alone may stand in a name
    if len(words) > _MOST_LETTERS:
        first = _MOST_LETTERS - _LAST_LETTERS
        words = f"{words[:first]} … {words[-_LAST_LETTERS:]}"
    return visible(words)


USER_ERRORS = (SearchError, ModelsError, TrackingError)
