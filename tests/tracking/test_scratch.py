"""Folders for temporary files: whose are deleted, and whose stay."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking import scratch
from tracking.scratch import scratch_folder

_HOLDS = """
import os, sys
from tracking.scratch import scratch_folder
with scratch_folder("study") as folder:
    (folder / "left").touch()
    if sys.argv[1:] == ["forks"] and os.fork():
        os._exit(0)
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own, where this process has not looked yet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "_swept", set())
    return tmp_path


def _holder(*arguments: str) -> Iterator[int]:
    """A process that has such a folder, until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


@pytest.fixture
def holder() -> Iterator[int]:
    yield from _holder()


def _folders(place: Path) -> list[str]:
    return sorted(path.name.rsplit("-", 1)[0] for path in place.iterdir())


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/fd").exists() and any(_fds(pid)):
        pass


def _fds(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []


def test_a_folder_is_empty_and_goes_with_its_block(place: Path) -> None:
    with scratch_folder("trial") as folder:
        assert list(folder.iterdir()) == []
        assert folder.is_relative_to(place)
        (folder / "below").mkdir()
        assert _folders(place) == ["trialbook-trial"]
    assert _folders(place) == []


def test_the_folder_of_a_living_process_stays(place: Path, holder: int) -> None:
    with scratch_folder("trial"):
        assert _folders(place) == ["trialbook-study", "trialbook-trial"]
    assert _folders(place) == ["trialbook-study"]


def test_the_folder_of_a_killed_process_goes_with_the_next_use(place: Path, holder: int) -> None:
    _kill(holder)
    assert _folders(place) == ["trialbook-study"]
    with scratch_folder("trial"):
        assert _folders(place) == ["trialbook-trial"]


def test_a_folder_stays_for_a_child_that_was_forked_from_its_process(place: Path) -> None:
    for child in _holder("forks"):
        scratch.sweep(place)
        assert _folders(place) == ["trialbook-study"]
        _kill(child)
        scratch.sweep(place)
        assert _folders(place) == []


def test_what_is_not_ours_stays(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (place / "trialbook-mine").mkdir()  # without a lock
    (place / "trialbook-notes.txt").touch()
    (place / "other").mkdir()
    (place / "other" / "in-use").touch()  # of another name
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "in-use").touch()
    (place / "trialbook-link").symlink_to(elsewhere)
    before = sorted(place.iterdir())
    with scratch_folder("trial"):
        pass
    assert sorted(place.iterdir()) == before
    assert (elsewhere / "in-use").exists()


def test_another_users_folder_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "trialbook-study-1").mkdir()
    (place / "trialbook-study-1" / "in-use").touch()
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    scratch.sweep(place)
    assert _folders(place) == ["trialbook-study"]
    monkeypatch.undo()
    scratch.sweep(place)
    assert _folders(place) == []


def test_a_place_that_cannot_be_listed_fails_nothing(place: Path) -> None:
    scratch.sweep(place / "not there")


_UNPACKS = """
import sys
from pathlib import Path
from models.data.readers.packed import unpacked
with unpacked(Path(sys.argv[1]), "gzip", where="ratings") as unpacked_file:
    print(unpacked_file.read_text().strip(), flush=True)
    sys.stdin.read()
"""


def test_ratings_that_a_killed_process_unpacked_are_deleted_by_the_next(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed = tmp_path_factory.mktemp("ratings") / "ratings.csv.gz"
    with gzip.open(packed, "wt") as file:
        file.write("user,movie,rating")
    arguments = [sys.executable, "-c", _UNPACKS, str(packed)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"user,movie,rating\n"
        scratch.sweep(place)
        assert _folders(place) == ["trialbook-unpacked"]  # it is in use
        process.kill()
        process.wait()
        scratch.sweep(place)
        assert _folders(place) == []
