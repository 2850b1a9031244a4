"""A study on a Ray cluster of several nodes on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import psutil
import pytest
from calling import Here
from postgres import Server

from search.cli.exits import MISTAKE
from search.engine.cluster import _fits, ray_module
from search.engine.events import Display
from search.engine.options import RayOptions
from search.engine.ray_crew import RayCrew, _Run
from search.storage.studies import Studies
from tracking import Store


def test_a_trial_fits_on_a_node_by_the_resource_that_is_scarcest() -> None:
    node = {"CPU": 8.0, "GPU": 1.0, "memory": 4e9}
    assert _fits(node, RayOptions(cores=1)) == 8
    assert _fits(node, RayOptions(cores=3)) == 2
    assert _fits(node, RayOptions(cores=1, memory_mb=1500)) == 2
    assert _fits(node, RayOptions(cores=1, gpus=0.25)) == 4
    assert _fits({"CPU": 8.0}, RayOptions(gpus=1)) == 0
    assert _fits({"CPU": 0.3}, RayOptions(cores=1)) == 0


def test_options_of_ray_without_it_are_refused(here: Here, tmp_path: Path) -> None:
    assert here("search", "--address", "auto", "--home", str(tmp_path / "home"), code=2) is None
    assert "`--address` is of a Ray cluster" in here.errors
    assert "Add `--engine ray`" in here.errors
    assert not (tmp_path / "home").exists()


class Nodes:
    """Stands for Ray where only its nodes are asked for."""

    def __init__(self, *addresses: str, cores: float = 2.0) -> None:
        self._addresses, self._cores = addresses, cores

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"NodeManagerAddress": each, "Alive": True, "Resources": {"CPU": self._cores}}
            for each in self._addresses
        ]


def test_files_are_refused_where_the_cluster_has_several_machines(tmp_path: Path) -> None:
    from search.config.study import StudyConfig
    from search.errors import SearchError

    config = StudyConfig(name="s", data="sample")
    crew = RayCrew(Nodes("10.0.0.1", "10.0.0.2"), RayOptions())
    with pytest.raises(SearchError, match="studies and the record would be SQLite files"):
        crew.check(config, Studies(Store(tmp_path)))
    with pytest.raises(SearchError, match="but the record would be"):
        crew.check(config, Studies(Store(tmp_path), "postgresql://me@db/optuna"))
    there = config.at(tracking_uri="http://mlflow:5000")
    crew.check(there, Studies(Store(tmp_path), "postgresql://me@db/optuna"))
    RayCrew(Nodes("10.0.0.1", "10.0.0.1"), RayOptions()).check(config, Studies(Store(tmp_path)))


@pytest.mark.parametrize(("code", "ends_with"), [(71, 71), (75, 75), (2, 2)])
def test_the_command_ends_with_the_exit_code_of_a_worker(code: int, ends_with: int) -> None:
    from search.engine.worker import Left
    from search.errors import SearchError

    ray = SimpleNamespace(
        get=lambda answer: answer,
        exceptions=SimpleNamespace(RayActorError=ConnectionError),
        kill=lambda actor: None,
    )
    run = object.__new__(_Run)  # without a cluster
    run._ray, run._actors, run._idle, run._over_since = ray, {0: object()}, [], None
    run.display = cast("Display", SimpleNamespace(show=lambda worker, events: None))
    with pytest.raises(SearchError, match="no more") as raised:
        run._ended(0, Left(events=(), error="no more", exit_code=code))
    assert getattr(raised.value, "exit_code", MISTAKE) == ends_with


def test_a_trial_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    from search.config.study import StudyConfig
    from search.errors import SearchError

    crew = RayCrew(Nodes("10.0.0.1"), RayOptions(cores=3, memory_mb=500))
    with pytest.raises(SearchError, match="none has 3 cores and 500 MB of memory"):
        crew.check(StudyConfig(name="s"), Studies(Store(tmp_path)))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores for trials, and two nodes with one each."""
    ray_module()
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


class Case:
    """A study on the cluster, run by the command."""

    def __init__(self, folder: Path, ratings: Path, address: str, stores: list[str]) -> None:
        self.home = folder / "mlruns"
        self.output = folder / "output.txt"
        self._stores = [*stores, "--home", str(self.home)]
        self._command = [
            sys.executable, "-m", "search", "search", "--study", "far", "--data", str(ratings),
            "--sampler", "random", "--keep-models", "none", "--engine", "ray",
            "--address", address, *self._stores,
        ]  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen[str]:
        with self.output.open("a") as output:
            return subprocess.Popen(
                [*self._command, *more], stdout=output, stderr=subprocess.STDOUT, text=True
            )

    def trials(self, address: str | None) -> list[optuna.trial.FrozenTrial]:
        studies = Studies(Store(self.home), address)
        found = studies.find("far") if address or (self.home / "optuna.db").exists() else None
        return found.get_trials(deepcopy=False) if found else []

    def wait_for_trials(self, least: int, address: str | None = None) -> None:
        latest = time.monotonic() + 150
        while sum(t.state.is_finished() for t in self.trials(address)) < least:
            assert time.monotonic() < latest, self.output.read_text()
            time.sleep(0.3)

    def must_be_whole(self, target: int, address: str | None = None) -> None:
        """Check that the study has its target, each place once, and the record agrees."""
        trials = self.trials(address)
        done = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED")]
        assert len(done) == target, self.output.read_text()
        assert sorted(t.user_attrs["trialbook:slot"] for t in done) == list(range(target))
        assert not [t for t in trials if not t.state.is_finished()]
        doctor = [sys.executable, "-m", "search", "doctor", "far", "--json", *self._stores]
        said = subprocess.run(doctor, capture_output=True, text=True, check=True)
        assert json.loads(said.stdout)["findings"] == []


@pytest.mark.slow
def test_a_node_that_is_killed_costs_a_trial_under_way_and_no_other(
    cluster: Any, tmp_path: Path, ratings_file: Path
) -> None:
    case = Case(tmp_path, ratings_file, cluster.address, [])
    second = cluster.add_node(num_cpus=1)
    running = case.start("--trials", "12", "--epochs", "40")
    try:
        case.wait_for_trials(3)
        cluster.remove_node(second, allow_graceful=False)
        assert running.wait(300) == 0, case.output.read_text()
    finally:
        running.kill()
    case.must_be_whole(12)
    said = case.output.read_text()
    assert "Trials run on Ray, which has 3 nodes; each has 1 core." in said
    assert "was lost with its process or node" in said
    owners = Counter(t.user_attrs["trialbook:owner"]["id"] for t in case.trials(None))
    assert len(owners) >= 2


@pytest.mark.slow
def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(
    cluster: Any, tmp_path: Path, ratings_file: Path, postgres: Server
) -> None:
    storage, record = postgres.database(), postgres.database()
    stores = ["--storage", storage, "--tracking-uri", record]
    case = Case(tmp_path, ratings_file, cluster.address, stores)
    first = case.start("--trials", "8", "--epochs", "200")
    try:
        case.wait_for_trials(2, storage)
        os.kill(first.pid, signal.SIGINT)
        assert first.wait(60) == 130, case.output.read_text()
    finally:
        first.kill()
    assert not [t for t in case.trials(storage) if t.state.name == "RUNNING"]
    again = case.start("--trials", "8", "--epochs", "200")
    try:
        assert again.wait(300) == 0, case.output.read_text()
    finally:
        again.kill()
    case.must_be_whole(8, storage)
    assert "Traceback" not in case.output.read_text()


@pytest.mark.slow
def test_a_command_that_ends_by_force_leaves_no_worker_behind(
    cluster: Any, tmp_path: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(tmp_path, ratings_file, cluster.address, [])
    monkeypatch.setenv("TRIALBOOK_ENDS_IN_S", "0.01")
    first = case.start("--trials", "6", "--epochs", "200")
    try:
        case.wait_for_trials(1)
        owners = {t.user_attrs["trialbook:owner"]["pid"] for t in case.trials(None)}
        workers = [psutil.Process(pid) for pid in owners if psutil.pid_exists(pid)]
        theirs = [*workers, *(each for worker in workers for each in worker.children(True))]
        assert len(theirs) > len(workers) > 0  # they have training processes
        os.kill(first.pid, signal.SIGINT)
        assert first.wait(60) == 130, case.output.read_text()
    finally:
        first.kill()
    assert psutil.wait_procs(theirs, timeout=30)[1] == []
    again = case.start("--trials", "6", "--epochs", "200")
    try:
        assert again.wait(300) == 0, case.output.read_text()
    finally:
        again.kill()
    case.must_be_whole(6)
    assert "Interrupted" not in case.output.read_text()  # there was no time to say so


@pytest.mark.slow
def test_ray_shows_no_password(
    cluster: Any, tmp_path: Path, ratings_file: Path, postgres: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Neither in a command line, nor in a file that Ray writes."""
    secrets = [b"Pw-of-storage-7", b"Pw-of-record-8"]
    for name, secret in zip(("STORAGE", "TRACKING_URI"), secrets, strict=True):
        address = postgres.database().replace("postgres:@", f"postgres:{secret.decode()}@")
        monkeypatch.setenv(f"TRIALBOOK_{name}", address)
    case = Case(tmp_path, ratings_file, cluster.address, [])
    running = case.start("--trials", "4", "--epochs", "20")
    lines: set[bytes] = set()
    try:
        while running.poll() is None:
            lines |= _command_lines()
            time.sleep(0.5)
        assert running.wait(300) == 0, case.output.read_text()
    finally:
        running.kill()
    assert any(b"ray::Worker" in line for line in lines)
    written = [case.output, *Path(cluster.head_node.get_session_dir_path()).rglob("*")]
    texts = lines | {path.read_bytes() for path in written if path.is_file()}
    assert any(b":actor_name:Worker" in text for text in texts)
    assert [text for text in texts if any(secret in text for secret in secrets)] == []


def _command_lines() -> set[bytes]:
    """Those of all processes, with the titles that they give themselves."""
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            lines.add(path.read_bytes())
    return lines


@pytest.mark.slow
def test_an_address_where_nothing_answers_is_said(tmp_path: Path, ratings_file: Path) -> None:
    case = Case(tmp_path, ratings_file, "127.0.0.1:1", [])
    assert case.start("--trials", "2").wait(120) == 2
    said = case.output.read_text()
    assert "`--address` must name a Ray cluster that answers" in said
    assert "Traceback" not in said
    assert not case.home.exists()
