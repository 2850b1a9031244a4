"""One study that processes of two homes work on, both stores on a PostgreSQL server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hurried
import optuna
import psycopg
import pytest
from postgres import Server
from sqlalchemy.pool import NullPool

from tracking import Store, with_driver


class Two:
    """Two homes on one server.

    Attributes:
        storage, record: Addresses of Optuna's database and of MLflow's.
    """

    def __init__(self, folder: Path, server: Server, ratings: Path, *stores: str) -> None:
        self.storage, self.record = stores or (server.database(), server.database())
        self._folder = folder
        self._ratings = ratings
        self._optuna: optuna.storages.RDBStorage | None = None
        Store(folder / "first", self.record).prepare()  # takes seconds, in one of them

    def arguments(self, home: str) -> list[str]:
        return [
            "--storage", self.storage, "--tracking-uri", self.record,
            "--home", str(self._folder / home),
        ]  # fmt: skip

    def start(
        self, home: str, *more: str, program: Sequence[str] = ("-m", "search", "--debug")
    ) -> subprocess.Popen[str]:
        """Start a search from a home."""
        command = [
            sys.executable, *program, "search", "--study", "shared", "--data", str(self._ratings),
            "--sampler", "random", "--epochs", "4", "--keep-models", "none",
            *self.arguments(home), *more,
        ]  # fmt: skip
        with (self._folder / f"{home}.txt").open("a") as output:
            return subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True
            )

    def printed(self, home: str) -> str:
        return (self._folder / f"{home}.txt").read_text()

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """The study's trials; none before there is a study."""
        if self._optuna is None:
            self._optuna = optuna.storages.RDBStorage(
                with_driver(self.storage), engine_kwargs={"poolclass": NullPool}
            )
        if "shared" not in optuna.get_all_study_names(self._optuna):
            return []
        study = optuna.load_study(study_name="shared", storage=self._optuna)
        return study.get_trials(deepcopy=False)

    def wait_for_trials(self, least: int) -> None:
        """Wait until the study has so many finished trials."""
        latest = time.monotonic() + 120
        while sum(t.state.is_finished() for t in self.trials()) < least:
            assert time.monotonic() < latest, self.printed("first") + self.printed("second")
            time.sleep(0.2)

    def must_agree(self, target: int) -> list[optuna.trial.FrozenTrial]:
        """Check that both stores hold the study once and whole."""
        trials = self.trials()
        done = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED")]
        assert len(done) == target
        assert sorted(t.user_attrs["trialbook:slot"] for t in done) == list(range(target))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Store(self._folder / "first", self.record).client()
            experiment = client.get_experiment_by_name("shared")
            runs = client.search_runs([experiment.experiment_id], max_results=1000)
        numbers = Counter(run.data.tags.get("trialbook.number") for run in runs)
        assert numbers[None] == 1
        assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
        assert {t.number: numbers[str(t.number)] for t in done} == {t.number: 1 for t in done}
        values = {r.data.tags.get("trialbook.number"): r.data.metrics for r in runs}
        for trial in done:
            if trial.state.name == "COMPLETE":
                told = values[str(trial.number)]["best_val_rmse"]
                assert told == pytest.approx(trial.value)
        doctor = [sys.executable, "-m", "search", "doctor", "shared", "--json"]
        said = subprocess.run(
            [*doctor, *self.arguments("first")], capture_output=True, text=True, check=True
        )
        assert json.loads(said.stdout)["findings"] == []
        return trials


@pytest.fixture
def two(tmp_path: Path, postgres: Server, ratings_file: Path) -> Two:
    return Two(tmp_path, postgres, ratings_file)


@pytest.mark.slow
def test_they_share_the_work_and_reach_the_target_exactly(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Either waits once, so that it cannot do all of the work before the other has loaded.
    monkeypatch.setenv("HURRIED_PROPOSES_S", "20")
    program = (str(Path(hurried.__file__)),)
    homes = ("first", "second")
    processes = [two.start(home, "--trials", "6", program=program) for home in homes]
    assert [process.wait(200) for process in processes] == [0, 0], two.printed("first")
    trials = two.must_agree(6)
    owners = Counter(trial.user_attrs["trialbook:owner"]["id"] for trial in trials)
    assert len(owners) == 2
    closers = [home for home in ("first", "second") if "Drawing plots" in two.printed(home)]
    assert len(closers) == 1


@pytest.mark.slow
def test_both_stores_may_lie_in_one_database_as_two_schemas(
    tmp_path: Path, postgres: Server, ratings_file: Path
) -> None:
    database = postgres.database()
    names = ("trials", "runs")
    for name in names:
        postgres.ask(database, f"CREATE SCHEMA {name}")
    separator = "&" if "?" in database else "?"
    stores = [f"{database}{separator}options=-csearch_path%3D{name}" for name in names]
    two = Two(tmp_path, postgres, ratings_file, *stores)
    assert two.start("first", "--trials", "2").wait(200) == 0, two.printed("first")
    two.must_agree(2)
    held = "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name IN "
    found = postgres.ask(database, held + "('trials', 'runs', 'trialbook_leases')")
    assert {row[0] for row in found} == set(names)


@pytest.mark.slow
@pytest.mark.parametrize("away_s", [0.0, 15.0])
def test_a_server_that_is_killed_and_comes_back_costs_nothing(
    two: Two, postgres: Server, away_s: float
) -> None:
    processes = [two.start(home, "--trials", "14") for home in ("first", "second")]
    try:
        two.wait_for_trials(3)
        postgres.stop()
        time.sleep(away_s)
        postgres.start()
        assert [process.wait(300) for process in processes] == [0, 0], two.printed("first")
    finally:
        for process in processes:
            _end(process)
    two.must_agree(14)
    if away_s:
        said = two.printed("first") + two.printed("second")
        assert "Waiting for the database, which is away." in said
        assert "The database is back." in said


@pytest.mark.slow
def test_what_a_killed_process_of_one_home_left_the_other_takes_over(two: Two) -> None:
    first = two.start("first", "--trials", "12")
    two.wait_for_trials(2)
    second = two.start("second", "--trials", "12")
    two.wait_for_trials(4)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.wait(200) == 0, two.printed("second")
    assert two.start("first", "--trials", "12").wait(200) == 0, two.printed("first")
    two.must_agree(12)


@pytest.mark.slow
def test_a_process_that_stood_still_drops_what_others_took_over(two: Two) -> None:
    first = two.start("first", "--trials", "8", "--epochs", "150", "--pruner", "none")
    try:
        two.wait_for_trials(1)
        os.killpg(first.pid, signal.SIGSTOP)
        with psycopg.connect(two.storage, autocommit=True) as connection:  # as if for long
            connection.execute("UPDATE trialbook_leases SET renewed = renewed - 100")
        second = two.start("second", "--trials", "8", "--epochs", "150", "--pruner", "none")
        two.wait_for_trials(4)
        os.killpg(first.pid, signal.SIGCONT)
        assert [process.wait(300) for process in (first, second)] == [0, 0]
    finally:
        _end(first)
    two.must_agree(8)
    assert "was taken over" in two.printed("first")


@pytest.mark.slow
def test_a_proposal_that_takes_longer_than_the_lease_is_taken_over_by_nobody(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes three leases; a second worker of the process and a second home ask meanwhile."""
    program = (str(Path(hurried.__file__)),)
    usual = ("--trials", "20", "--epochs", "20", "--pruner", "none")
    monkeypatch.setenv("HURRIED_PROPOSES_S", str(3 * hurried.LEASE_S))
    processes = [two.start("first", *usual, "--workers", "2", program=program)]
    monkeypatch.delenv("HURRIED_PROPOSES_S")
    processes.append(two.start("second", *usual, program=program))
    try:
        assert [process.wait(300) for process in processes] == [0, 0], two.printed("first")
    finally:
        for process in processes:
            _end(process)
    said = re.findall(r"(?:Proposes|Has proposed) trial (\d+)\.", two.printed("first"))
    assert len(said) == 2
    assert said[0] == said[1]
    trials = two.must_agree(20)
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    slow = trials[int(said[0])]
    assert slow.duration.total_seconds() > 3 * hurried.LEASE_S
    began = [t for t in trials if slow.datetime_start < t.datetime_start < slow.datetime_complete]
    assert len({trial.user_attrs["trialbook:owner"]["id"] for trial in began}) == 2


GRID = """
[space]
family = "gmf"
factors = [1, 2, 3]
batch_size = "full"
output_activation = "linear"
output_bias = "train_mean"
optimizer = "adam"
learning_rate = [0.01, 0.02, 0.03]
embedding_rate = 1.0
schedule = "constant"
l2_embedding = 1e-4
l2_bias = 1e-5
factor_dropout = 0.0
"""


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["qmc", "grid", "random"])
def test_two_homes_propose_the_configurations_that_one_process_proposes(
    sampler: str, tmp_path: Path, postgres: Server, ratings_file: Path
) -> None:
    more = ["--trials", "7", "--sampler", sampler, "--no-recipes", "--pruner", "none"]
    more += ["--epochs", "2"]
    if sampler == "grid":
        (tmp_path / "grid.toml").write_text(GRID)
        more += [str(tmp_path / "grid.toml")]
    tried = []
    for homes in (["first"], ["first", "second"]):
        folder = tmp_path / str(len(homes))
        folder.mkdir()
        two = Two(folder, postgres, ratings_file)
        processes = [two.start(home, *more) for home in homes]
        assert [process.wait(200) for process in processes] == [0] * len(homes), two.printed(
            "first"
        )
        trials = two.trials()
        tried.append({t.user_attrs["trialbook:slot"]: t.params for t in trials})
    assert len(tried[0]) == 7
    assert tried[1] == tried[0]
    assert len({t.user_attrs["trialbook:owner"]["id"] for t in trials}) == 2


def _end(process: subprocess.Popen[Any]) -> None:
    """End a process and what it began, where it has not ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
