"""A study that is hurt in many ways: its home, its processes, and what is wrong in its stores."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chaos_processes import end

ROOT = Path(__file__).resolve().parents[1]
SUPPORT = ROOT / "tests" / "support"
NAME = "chaos"
TOO_LONG_S = 300.0
"""A process of a short study that has not ended by then never will."""
_FRUITLESS = 12
"""So many rounds in a row without any harm done end a scenario."""
_RECIPES = 9
"""So many there are; a study queues one for every four of its trials."""
_TIDIES_S = 120.0
"""What a last run gets though the scenario's time is over."""
sys.path[:0] = [str(ROOT), str(SUPPORT)]


class Home:
    """A home with one study in it.

    Attributes:
        path: The home.
        target: The study's target of trials.
        kills: How often something of it was hurt.
        notes: What else was measured, in words.
        recipes: How many recipes (published configurations) the study tries.
        wrong: What is wrong with the scenario itself, such as that it took too long.
        latest: When the scenario must be over, by the monotonic clock.
        more: Further options of the study.
        temporary: Where its processes have their temporary files.
        storage, record: Addresses of its stores; None for files of the home.
        new_stores: Makes these addresses for another home.
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
        self.recipes = self._recipes(more)
        self.notes: list[str] = []
        self.wrong: list[str] = []
        self.latest = float("inf")
        self.storage, self.record = storage, record
        self.new_stores: Callable[[], tuple[str | None, str | None]] = lambda: (None, None)
        self.log = folder / f"{name}.txt"
        self.more = more
        self._data = str(_ratings(folder))
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self._fruitless = self._before = 0

    def another(self, name: str, *more: str, shares: bool = False) -> Home:
        """Make a home beside this one, which belongs to the same scenario.

        Args:
            name: Its folder.
            more: Options of its study beside those of this home's.
            shares: Whether it uses the stores of this one.
        """
        storage, record = (self.storage, self.record) if shares else self.new_stores()
        other = Home(self.path.parent, *self.more, *more, name=name, storage=storage, record=record)
        other.wrong, other.latest, other.target = self.wrong, self.latest, self.target
        other.recipes = other._recipes(other.more)
        return other

    def _recipes(self, options: Sequence[str]) -> int:
        """How many recipes a study has queued that begins with the target of now."""
        return min(_RECIPES, self.target // 4) if "tpe" in options else 0

    def goes_on(self, kills: int) -> bool:
        """Whether another round is due: asked at the begin of each.

        It is false, and that is wrong, where the scenario's time is over or many rounds in a row
        did no harm.

        Args:
            kills: How often harm is to be done.
        """
        if self.kills >= kills:
            return False
        self._fruitless = self._fruitless + 1 if self.kills == self._before else 0
        self._before = self.kills
        if self._fruitless > _FRUITLESS:
            self.wrong.append(f"{_FRUITLESS} rounds in a row did no harm")
        elif time.monotonic() > self.latest:
            self.wrong.append("the scenario's time is over")
        else:
            return True
        return False

    def ended(self, process: subprocess.Popen[bytes], most_s: float = TOO_LONG_S) -> int | None:
        """Wait until a process has ended, and return its exit code.

        One that runs on for too long is killed, and that is wrong.

        Args:
            process: The process.
            most_s: How long it may take; it ends with the scenario's time in any case.

        Returns:
            None where it was killed here.
        """
        left_s = min(most_s, max(_TIDIES_S, self.latest - time.monotonic()))
        code = None
        try:
            code = process.wait(left_s)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"a process had not ended after {left_s:.0f} s")
        finally:
            end(process)
        return code

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

    def start(self, *program: str, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start the study.

        Args:
            program: What Python runs in place of `trialbook`, with its first arguments.
            options: Further ones of the command.
        """
        return self._begin([*(program or ("-m", "search")), *self.command(), *options])

    def join(self) -> subprocess.Popen[bytes]:
        """Start a worker that joins in the study, which is stored already."""
        return self._begin(["-m", "search", "worker", NAME, *self._stores()])

    def call(self, *words: str) -> tuple[int | None, str]:
        """Run a command of `trialbook` on the home; return its exit code and what it printed."""
        before = self.log.stat().st_size if self.log.exists() else 0
        already = [] if "--home" in words else ["--home", str(self.path)]
        code = self.ended(self._begin(["-m", "search", *words, *already]))
        return code, self.log.read_bytes()[before:].decode(errors="replace")

    def _begin(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        inherited = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        inherited["TMPDIR"] = str(self.temporary)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=inherited,
            )

    def finish(self) -> int | None:
        """Run the study to its end; return its exit code, or None where that took too long."""
        return self.ended(self.start())

    def done(self) -> int:
        """How many trials of the study came to their own end by now: none that were killed."""
        ended = (trial for trial in self._trials() if trial.state.is_finished())
        outcomes = (trial.user_attrs.get("trialbook:outcome", {}) for trial in ended)
        return sum(outcome.get("state") != "killed" for outcome in outcomes)

    def failed(self) -> int:
        """How many trials came to nothing since their process was gone; an interrupted one is none.

        A trial that is queued again is not counted.
        """
        outcomes = (trial.user_attrs.get("trialbook:outcome", {}) for trial in self._trials())
        return sum(outcome.get("state") == "failed" for outcome in outcomes)

    def tried_again(self) -> int:
        """How many trials are there that try again one that was cut short."""
        return sum("trialbook:retry_of" in trial.user_attrs for trial in self._trials())

    def training(self) -> set[int]:
        """The numbers of the processes that run a trial now."""
        under_way = (trial for trial in self._trials() if trial.state.name == "RUNNING")
        return {trial.user_attrs.get("trialbook:owner", {}).get("pid") for trial in under_way}

    def _trials(self) -> list[Any]:
        import optuna

        from tracking import with_driver

        address = f"sqlite:///{self.path}/optuna.db"
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            storage = optuna.storages.RDBStorage(
                address if self.storage is None else with_driver(self.storage)
            )
        except Exception:  # it is not there yet
            return []
        try:
            study = optuna.load_study(study_name=NAME, storage=storage)
            return list(study.get_trials(deepcopy=False))
        except Exception:  # nor is the study
            return []
        finally:
            storage.engine.dispose()  # the file may be lost soon, which an open one would miss

    def disagreements(self) -> list[str]:
        """What is wrong in the study's stores as they are now, in words."""
        try:
            return list(
                self._asked(
                    "disagreements", target=self.target, models="all" in self.more,
                    recipes=self.recipes, storage=self.storage, record=self.record,
                )
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            return [f"the stores could not be compared: {str(error.stderr)[-1000:]}"]

    def recorded(self) -> dict[str, dict[str, float]]:
        """What MLflow holds of the study: the metrics of each run, by its identifier.

        Raises:
            subprocess.SubprocessError: It cannot be read.
        """
        return dict(self._asked("recorded"))

    def _asked(self, what: str, **given: Any) -> Any:
        """What a function of `stores` returns, in a process of its own."""
        given |= {"home": str(self.path), "study": NAME}
        done = subprocess.run(
            [sys.executable, str(SUPPORT / "stores.py"), what, json.dumps(given)],
            capture_output=True, text=True, check=True, timeout=TOO_LONG_S,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return json.loads(done.stdout)

    def printed(self) -> str:
        """What its processes printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


def _ratings(folder: Path) -> Path:
    """Make a small file of ratings."""
    draw = random.Random(0)
    rows = ["user,item,rating,time"]
    for user in range(60):
        for item in draw.sample(range(80), 20):
            rows.append(f"{user},{item},{draw.randint(1, 5)},{draw.randint(0, 10**6)}")
    path = folder / "ratings.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
