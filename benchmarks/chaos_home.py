"""A study that is hurt in many ways: its home, its processes, and what is wrong in its stores."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SUPPORT = ROOT / "tests" / "support"
NAME = "chaos"
TOO_LONG_S = 300.0
_ENDING_S = 10.0
sys.path[:0] = [str(ROOT), str(SUPPORT)]


def ratings(folder: Path) -> Path:
    """Make a small file of ratings."""
    draw = random.Random(0)
    rows = ["user,item,rating,time"]
    for user in range(60):
        for item in draw.sample(range(80), 20):
            rows.append(f"{user},{item},{draw.randint(1, 5)},{draw.randint(0, 10**6)}")
    path = folder / "ratings.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


class Home:
    """A home with one study in it.

    Attributes:
        path: The home.
        target: The study's target of trials.
        kills: How often something of it was hurt.
        notes: What else was measured, in words.
        more: Further options of the study.
        temporary: Where its processes have their temporary files.
        storage, record: Addresses of its stores; None for files of the home.
    """

    def __init__(
        self,
        folder: Path,
        *more: str,
        name: str = "home",
        storage: str | None = None,
        record: str | None = None,
    ) -> None:
        """Make the ratings.

        Args:
            folder: Holds the home, its ratings and its output.
            more: Further options of the study.
            name: The home's folder.
            storage, record: Addresses of the stores.
        """
        self.path = folder / name
        self.target = 12
        self.kills = 0
        self.notes: list[str] = []
        self.storage, self.record = storage, record
        self.log = folder / f"{name}.txt"
        self.more = more
        self._data = str(ratings(folder))
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)

    def _stores(self) -> list[str]:
        stores = ["--home", str(self.path)]
        for option, address in (("--storage", self.storage), ("--tracking-uri", self.record)):
            stores += [] if address is None else [option, address]
        return stores

    def command(self) -> list[str]:
        """The arguments of `trialbook` that run the study."""
        return [
            "search", "--study", NAME, "--epochs", "3", "--workers", "2",
            "--sampler", "random", "--trials", str(self.target), "--data", self._data,
            "--min-ratings", "1", *self._stores(), *self.more,
        ]  # fmt: skip

    def start(self, *program: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start the study.

        Args:
            program: What Python runs in place of `trialbook`, with its first arguments.
            environment: Further variables.
        """
        return self._begin([*(program or ("-m", "search")), *self.command()], environment)

    def join(self) -> subprocess.Popen[bytes]:
        """Start a worker that joins in the study, which is stored already."""
        return self._begin(["-m", "search", "worker", NAME, *self._stores()], {})

    def call(self, *words: str) -> tuple[int, str]:
        """Run a command of `trialbook` on the home; return its exit code and what it printed."""
        before = self.log.stat().st_size if self.log.exists() else 0
        already = [] if "--home" in words else ["--home", str(self.path)]
        process = self._begin(["-m", "search", *words, *already], {})
        try:
            code = process.wait(TOO_LONG_S)
        finally:
            end(process)
        return code, self.log.read_bytes()[before:].decode(errors="replace")

    def _begin(self, words: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        inherited = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        inherited["TMPDIR"] = str(self.temporary)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=inherited | environment,
            )

    def finish(self) -> int:
        """Run the study to its end; return its exit code."""
        process = self.start()
        try:
            return process.wait(TOO_LONG_S)
        finally:
            end(process)

    def done(self) -> int:
        """How many trials of the study are finished by now."""
        return sum(trial.state.is_finished() for trial in self._trials())

    def failed(self) -> int:
        """How many trials came to nothing since their process was gone; an interrupted one is none.

        A trial that is queued again is not counted.
        """
        outcomes = (trial.user_attrs.get("trialbook:outcome", {}) for trial in self._trials())
        return sum(outcome.get("state") == "failed" for outcome in outcomes)

    def _trials(self) -> list[Any]:
        import optuna

        from tracking import with_driver

        address = f"sqlite:///{self.path}/optuna.db"
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.load_study(
                study_name=NAME,
                storage=address if self.storage is None else with_driver(self.storage),
            )
        except Exception:  # it is not there yet
            return []
        return list(study.get_trials(deepcopy=False))

    def printed(self) -> str:
        """What its processes printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


_NEVER_SAID = ("Traceback (most recent call last)", "database is locked", "itself failed")


def settled(home: Home, *others: Home) -> Iterator[str]:
    """Run a study to its end, with nothing in its way, and tell what is wrong in its stores.

    Args:
        home: The study.
        others: Further homes that worked on it.
    """
    from stores import disagreements

    code = home.finish()
    if code != 0:
        yield f"the last run ended with exit code {code}: {home.printed()[-2000:]}"
    yield from disagreements(
        home.path, NAME, home.target,
        models="all" in home.more, storage=home.storage, record=home.record,
    )  # fmt: skip
    yield from (f"{name} is left" for name in _scratch_left(home))
    for each in (home, *others):
        said = each.printed()
        yield from (f"{text!r} was printed" for text in _NEVER_SAID if text in said)


def _scratch_left(home: Home) -> list[str]:
    """The scratch folders that are there after the last command; its children end after it."""
    latest = time.monotonic() + _ENDING_S
    while left := [path.name for path in home.temporary.glob("trialbook-*")]:
        if time.monotonic() > latest:
            break
        time.sleep(0.1)
    return left


def ended(
    running: Iterable[subprocess.Popen[bytes]], timeout_s: float = TOO_LONG_S
) -> Iterator[str]:
    """Wait until processes have ended, and tell which ended badly."""
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
        if process.returncode != 0:
            yield f"a process ended with exit code {process.returncode}"
        end(process)


def killed_after(home: Home, seconds: float) -> Generator[str, None, bool]:
    """Start the study and kill all of it after a while; tell if it had ended badly before.

    Returns:
        Whether it was still running.
    """
    process = home.start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    if process.returncode == 0:
        home.target += 12
    elif process.returncode is not None:
        yield f"the study ended with exit code {process.returncode}"
    was_running = process.returncode is None
    end(process)
    return was_running


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it began."""
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    for each in (process, *family):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            each.kill()
    process.wait()


def signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a process and all that it began."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for each in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)
