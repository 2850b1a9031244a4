"""Scenarios in which a home's disk is full or read-only, or what lies on it is damaged or lost."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from chaos_ends import killed_after, settled
from chaos_home import NAME, Home


def full(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The home's disk is full, again and again, at another moment each time."""
    home.path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(home.path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        yield "needs the right to mount a file system in memory"
        return
    try:
        while home.goes_on(kills):
            ballast = home.path / "ballast"
            left = int(10 ** draw.uniform(4.0, 6.8))
            ballast.write_bytes(b"\0" * max(0, shutil.disk_usage(home.path).free - left))
            code = home.ended(home.start())
            home.kills += code == 75
            if code not in (0, 75):
                yield f"with {left} bytes left it ended with exit code {code}"
            ballast.unlink()
            if code == 0:
                home.target += 12
        yield from settled(home)
    finally:
        subprocess.run(["umount", "-l", str(home.path)], check=False)


def hurt(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The study is killed, and then its home made read-only, or a file of it damaged or lost."""
    ways = itertools.cycle(
        (_damaged_entry, _lost_record, _cut_storage, _lost_storage, _cut_record, _read_only)
    )
    way = next(ways)
    while home.goes_on(kills):
        held = _held(home.path / "mlflow.db") if way is _damaged_entry else contextlib.nullcontext()
        with held:
            yield from killed_after(home, draw.uniform(6.0, 16.0))
        if not home.done():
            continue
        told = list(way(home, draw))
        if told == [_NOTHING]:
            continue
        yield from told
        home.kills += 1
        if way in (_lost_record, _cut_record):
            yield from _rebuilt(home)
        way = next(ways)
    if home.finish() != 0:
        yield "the study could not be finished"
    home.call("doctor", "--fix")
    yield from settled(home)


@contextlib.contextmanager
def _held(database: Path) -> Iterator[None]:
    """Nobody else can write to a database, where it is there: what is told to it waits."""
    if not database.is_file():
        yield
        return
    with contextlib.closing(sqlite3.connect(database, timeout=60.0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def _rebuilt(home: Home) -> Iterator[str]:
    """The study is finished by `search` alone, and then MLflow holds all of it again."""
    if home.finish() != 0:
        yield "without its record the study could not be finished"
    yield from (f"after a search without its record: {text}" for text in home.disagreements())
    home.target += 12


_NOTHING = "nothing to damage"
_READERS = (("studies",), ("show", NAME), ("compare", NAME), ("doctor",))


def _damaged_entry(home: Home, draw: random.Random) -> Iterator[str]:
    """Something that waits for MLflow is cut in two."""
    waiting = sorted((home.path / "spool").glob("*/entries/*/entry.json"))
    if not waiting:
        yield _NOTHING
        return
    _cut(draw.choice(waiting))


def _lost_record(home: Home, draw: random.Random) -> Iterator[str]:
    """`mlflow.db` is deleted; the study makes it anew."""
    _lose(home.path / "mlflow.db")
    yield from ()


def _cut_record(home: Home, draw: random.Random) -> Iterator[str]:
    """`mlflow.db` is cut in two, told, and deleted by the user."""
    yield from _cut_database(home, home.path / "mlflow.db", ["search"])
    _lose(home.path / "mlflow.db")


def _cut_storage(home: Home, draw: random.Random) -> Iterator[str]:
    """`optuna.db` is cut in two, told, and the user has a copy of it; the record stays readable.

    First the copy is an older one, of the database alone, put in place as the message says. Then
    the home is as it was, so that the study can be compared with all that was done.
    """
    database, held = home.path / "optuna.db", home.recorded()
    if not held:
        yield _NOTHING
        return
    copies = [(path, path.read_bytes()) for path in sorted(database.parent.glob("optuna.db*"))]
    yield from _cut_database(home, database, ["search", "show", "doctor"])
    if home.recorded() != held:
        yield "with half of optuna.db MLflow's record is another"
    yield from _restored(home, dict(copies)[database])
    _lose(database)
    for path, content in copies:
        path.write_bytes(content)


def _restored(home: Home, older: bytes) -> Iterator[str]:
    """In a copy of the home a backup of `optuna.db` alone, without its `-wal`, is put in place."""
    copy = home.another(f"restored{home.kills}")
    shutil.copytree(home.path, copy.path)
    _lose(copy.path / "optuna.db")  # with the files beside it, as the message says
    (copy.path / "optuna.db").write_bytes(older)
    code, said = copy.call("doctor", "--fix")
    if code not in (0, 1) or "Traceback" in said:
        yield f"with an older optuna.db `doctor --fix` ended with {code}: {said[-300:]}"
    code, said = copy.call("doctor")
    # What the older database does not hold has no right answer, and a lost model none either.
    left = [line for line in said.splitlines() if line.startswith("found: ")]
    if code not in (0, 1) or left:
        yield f"`doctor --fix` left of an older optuna.db: {left[:3]}"
    shutil.rmtree(copy.path)


def _lost_storage(home: Home, draw: random.Random) -> Iterator[str]:
    """`optuna.db` of a copy of the home is deleted: the study begins anew beside its old record."""
    copy, held = home.another(f"copy{home.kills}"), home.recorded()
    if not held:
        yield _NOTHING
        return
    shutil.copytree(home.path, copy.path)
    _lose(copy.path / "optuna.db")
    copy.target = 2
    if copy.recorded() != held:
        yield "without optuna.db MLflow's record is another"
    if copy.finish() != 0:
        yield f"without optuna.db the study could not begin anew: {copy.printed()[-500:]}"
    if "begins anew" not in copy.printed():
        yield f"nothing tells that a study begins anew without optuna.db: {copy.printed()[-500:]}"
    if copy.done() != copy.target:
        yield f"without optuna.db the study has {copy.done()} trials of {copy.target}"
    now = copy.recorded()
    if lost := [run for run, metrics in held.items() if not metrics.items() <= now[run].items()]:
        yield f"after the study began anew MLflow lacks something of the runs {lost}"
    shutil.rmtree(copy.path)


def _cut_database(home: Home, database: Path, commands: list[str]) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _cut(database)
    for command in commands:
        words = {"search": home.command(), "show": ["show", NAME]}.get(command, [command])
        code, said = home.call(*words)
        told = f"{database} is damaged" in said and "must be whole" in said
        if code != 2 or not told or "Traceback" in said:
            yield f"with half of {database.name} `{command}` ended with {code}: {said[-300:]}"


def _read_only(home: Home, draw: random.Random) -> Iterator[str]:
    """The home is read-only: what reads goes on, what would write says so."""
    path = str(home.path)
    mounted = 0
    try:
        for options in (["--bind", path], ["-o", "remount,ro,bind"]):
            done = subprocess.run(["mount", *options, path], capture_output=True, check=False)
            mounted += done.returncode == 0
        if mounted < 2:
            yield "needs the right to mount a file system"
            return
        output = home.path.with_name("trials.csv")
        for words in (*_READERS, ("export", NAME, "--output", str(output))):
            code, said = home.call(*words)
            if code not in (0, 1 if words == ("doctor",) else 0):
                yield f"read-only, `{words[0]}` ended with exit code {code}: {said[-300:]}"
        code, said = home.call(*home.command())
        if code != 2 or "read-only" not in said:
            yield f"read-only, `search` ended with exit code {code}: {said[-300:]}"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", path], check=False)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _lose(database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
