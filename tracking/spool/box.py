"""A folder of numbered entries that one process writes, and that another may take over."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tracking.errors import TrackingError
from tracking.spool.entries import Entry, from_json, to_json, with_models_in

ABOUT = "box.json"
LOCK = "lock"
PARTIAL = ".partial"
_ENTRY = "entry.json"
_FILES = "files"
_MODELS = "models"
_PENDING = ".pending"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Slip:
    """An entry in a box: where it lies, whether it counts, and what it says.

    Attributes:
        path: Its folder.

    Example:
        >>> Slip(Path("00000007-finish_trial.pending")).is_pending
        True
    """

    path: Path

    @property
    def is_pending(self) -> bool:
        """Whether its writer had not yet said that it counts."""
        return self.path.name.endswith(_PENDING)

    @property
    def files(self) -> Path:
        """The folder of the trial's files; it need not exist."""
        return self.path / _FILES

    def read(self) -> Entry:
        """Read the entry; its models lie in its folder.

        Raises:
            TrackingError: It is not as Trialbook wrote it.
        """
        try:
            text = (self.path / _ENTRY).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TrackingError(f"An entry of the spool cannot be read: {error}.") from error
        return with_models_in(from_json(text), self.path / _MODELS)

    def confirm(self) -> Slip:
        """Say that the entry counts, and return it under its final name."""
        if not self.is_pending:
            return self
        return Slip(self.path.rename(self.path.with_name(self.path.name.removesuffix(_PENDING))))

    def remove(self) -> None:
        """Delete the entry with its files."""
        gone = self.path.with_name(f"{self.path.name}{PARTIAL}")
        self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def refuse(self, why: str) -> None:
        """Put the entry aside, with a text that says why it was not delivered."""
        aside = self.path.parents[1] / "refused"
        aside.mkdir(exist_ok=True)
        (self.path / "why.txt").write_text(f"{why}\n", encoding="utf-8")
        self.path.rename(aside / f"{self.path.name}-{secrets.token_hex(2)}")


class Box:
    """A folder in a home's `spool`, which belongs to one process as long as it lives.

    Who is responsible for what: the box keeps entries in the order in which they were put, whole or
    not at all; `Delivery` takes them out. A process that ends, however it ends, gives up the lock
    of its box, and whoever then gets the lock owns the box.

    Threads: any thread may put entries.

    Attributes:
        path: The folder.
        study: Name of the study that its entries are of.
    """

    def __init__(self, path: Path, study: str, lock: FileLock) -> None:
        """Keep the arguments; `make` and `left_boxes` are what a caller wants.

        Args:
            path: The folder, which is there.
            study: Name of the study.
            lock: The folder's lock, which is held.
        """
        self.path = path
        self.study = study
        self._lock = lock
        self._putting = threading.Lock()
        self._last = max((_number(path) for path in (path / "entries").iterdir()), default=0)

    @classmethod
    def make(cls, spool: Path, study: str) -> Box:
        """Make a new box for this process.

        Args:
            spool: The folder of all boxes; made when missing.
            study: Name of the study.

        Raises:
            TrackingError: The folder cannot be written to.
        """
        try:
            path, lock = _begun(spool, study)
        except OSError as error:
            raise TrackingError(
                f"The record needs a folder it can write to, but {spool} cannot be one "
                f"({error.strerror or error}). Choose another folder."
            ) from error
        return cls(path, study, lock)

    @property
    def trials(self) -> Path:
        """The folder for the folders of trials under way."""
        return self.path / "trials"

    def put(self, entry: Entry, *, files: Path | None = None, is_pending: bool = False) -> Slip:
        """Add an entry after all others, with copies of its files and models.

        Args:
            entry: What to deliver; its models lie anywhere.
            files: The trial's files, or None.
            is_pending: Whether the entry counts only once it is confirmed.

        Raises:
            OSError: The disk is full, or the folder is gone; then there is no entry.
        """
        with self._putting:
            self._last += 1
            name = f"{self._last:08d}-{entry.kind}"
            partial = self.path / "entries" / f"{name}{PARTIAL}"
            try:
                partial.mkdir()
                if files is not None and files.is_dir():
                    _copy(files, partial / _FILES)
                for model in entry.models:
                    _copy(model.path, partial / _MODELS / model.name)
                (partial / _ENTRY).write_text(to_json(entry), encoding="utf-8")
                ready = partial.with_name(f"{name}{_PENDING if is_pending else ''}")
                return Slip(partial.rename(ready))
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise

    def slips(self) -> list[Slip]:
        """The entries in the order in which they were put, pending ones among them."""
        found = sorted((self.path / "entries").iterdir(), key=_number)
        return [Slip(path) for path in found if path.suffix != PARTIAL and path.is_dir()]

    def refused(self) -> list[Slip]:
        """The entries that were put aside."""
        aside = self.path / "refused"
        return [Slip(path) for path in sorted(aside.iterdir())] if aside.is_dir() else []

    def release(self) -> None:
        """Give up the box and leave all that is in it."""
        self._lock.release()

    def close(self) -> None:
        """Give up the box, and delete it, trials' folders too, where no entry waits in it."""
        if self.path.is_dir() and not (self.slips() or self.refused()):
            removed_whole(self.path)
        self._lock.release()


def _begun(spool: Path, study: str) -> tuple[Path, FileLock]:
    """Make the folder of a new box, and return it with its lock, which is held.

    Raises:
        OSError: The folder cannot be written to.
    """
    for _ in range(_TRIES):
        # Swept away as if it were left over; to make it anew may fail in either way.
        with contextlib.suppress(Timeout, FileNotFoundError, FileExistsError):
            return _begun_once(spool, study)
    return _begun_once(spool, study)


def _begun_once(spool: Path, study: str) -> tuple[Path, FileLock]:
    path = spool / secrets.token_hex(8)
    partial = path.with_name(f"{path.name}{PARTIAL}")
    partial.mkdir(parents=True)
    lock = FileLock(partial / LOCK, timeout=0, thread_local=False)
    lock.acquire()  # before anyone can see the box
    try:
        (partial / "entries").mkdir()
        (partial / "trials").mkdir()
        (partial / ABOUT).write_text(json.dumps({"study": study}), encoding="utf-8")
        partial.rename(path)
    except OSError:
        lock.release()
        raise
    return path, lock


def removed_whole(path: Path) -> None:
    """Delete a box; nobody sees half of it."""
    gone = path.with_name(f"{path.name}{PARTIAL}")
    with contextlib.suppress(OSError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _number(path: Path) -> int:
    digits = path.name.split("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; where that can be, its files are the same on disk under a second name."""
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # on another disk, or one that knows no second names
        shutil.copy2(source, target)
    return target
