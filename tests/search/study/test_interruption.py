"""Studies that are interrupted, and studies that two terminals run."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from calling import TRIALBOOK, Here
from looking import CUT, second_trial
from quickly import cases

from search import StudyConfig
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from search.space.distributions import SpaceAdapter
from search.storage.queue import requeue
from search.storage.slots import slot_of
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from search.study.run import run_study
from search.study.session import Session
from search.trial.progress import Silent
from tracking import KILLED, Scalar, Store, TrialRecord


@pytest.mark.parametrize(
    "how",
    cases([signal.SIGINT], [signal.SIGTERM, signal.SIGKILL]),
)
def test_an_interrupted_study_loses_nothing_and_resumes(
    how: signal.Signals, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    """The second trial waits after its first epoch for what never comes."""
    script = tmp_path / "script"
    script.write_text("fine wait fine fine")
    monkeypatch.setenv("MISBEHAVING_SCRIPT", str(script))
    command = [*CUT, "--home", str(home)]
    process = subprocess.Popen(
        [*TRIALBOOK, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        study = second_trial(process, home)
    finally:
        process.send_signal(how)
        process.communicate(timeout=300)
    if how != signal.SIGKILL:
        assert process.returncode == 130
        client = Store(home).client()
        killed = study.trials[1].user_attrs[Key.RUN]
        assert client.get_run(killed).info.status == "KILLED"
    else:  # it could close nothing; what it had written is shown all the same
        shown = here("show", "cut", "1", "--home", str(home))
        assert (shown["state"], shown["value"], len(shown["curve"])) == ("killed", None, 1)
        assert shown["metrics"]["lowest_val_loss"] == shown["curve"][0]["val_loss"]
    here(*command)
    trials = optuna.load_study(study_name="cut", storage=f"sqlite:///{home}/optuna.db").trials
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[1].user_attrs[Key.OUTCOME]["state"] == "killed"
    assert trials[2].params == trials[1].params
    assert trials[2].user_attrs[Key.PLAN]["seed"] == trials[1].user_attrs[Key.PLAN]["seed"]
    _assert_that_nothing_of_it_is_lost(home, trials[1])


def _assert_that_nothing_of_it_is_lost(home: Path, trial: optuna.trial.FrozenTrial) -> None:
    """What an interrupted trial had reached is in both stores, and no file lies about."""
    plan, outcome = trial.user_attrs[Key.PLAN], trial.user_attrs[Key.OUTCOME]
    client = Store(home).client()
    run_id = trial.user_attrs[Key.RUN]
    run = client.get_run(run_id)
    assert run.info.status == "KILLED"
    (point,) = client.get_metric_history(run_id, "val_loss")
    ((epoch, _, metrics),) = outcome["curve"]
    assert point.step == epoch == 1
    assert point.value == metrics["val_loss"] == run.data.metrics["lowest_val_loss"]
    assert "best_val_loss" not in run.data.metrics  # it never ranks among the finished
    assert run.data.metrics["epochs_run"] == outcome["metrics"]["epochs_run"] == 1
    files = {f.path for f in client.list_artifacts(run_id)}
    assert files == {"config.json", "history.csv"}
    assert not Path(plan["folder"]).exists()


@pytest.mark.slow
@pytest.mark.parametrize("read", ["2>&1 | head -n 1", "| true"])
def test_a_study_whose_output_nobody_reads_any_more_ends_in_order_and_goes_on(
    read: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    (tmp_path / "script").write_text("fine fine fine fine")
    monkeypatch.setenv("MISBEHAVING_SCRIPT", str(tmp_path / "script"))
    command = [
        "search", "--study", "cut", "--model", "misbehaving:Misbehaving",
        "--objective", "val_loss:min", "--trials", "4", "--epochs", "3", "--sampler", "random",
        "--home", str(home),
    ]  # fmt: skip
    script = f"{shlex.join([*TRIALBOOK, *command])} {read}; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 141
    assert "Traceback" not in ended.stderr
    study = optuna.load_study(study_name="cut", storage=f"sqlite:///{home}/optuna.db")
    assert "RUNNING" not in {trial.state.name for trial in study.trials}
    done = here(*command)
    assert done["n_complete"] == 4
    client = Store(home).client()
    (experiment,) = client.search_experiments(filter_string="name = 'cut'")
    runs = client.search_runs([experiment.experiment_id])
    assert "RUNNING" not in {run.info.status for run in runs}


@pytest.mark.slow
def test_two_terminals_share_a_study_and_close_nothing_of_each_other(
    ratings_file: Path, tmp_path: Path
) -> None:
    """Both start on a home that does not exist yet."""
    home = tmp_path / "fresh"
    command = [
        *TRIALBOOK, "search", "--study", "two", "--data", str(ratings_file), "--trials", "4",
        "--epochs", "20", "--sampler", "random", "--pruner", "none", "--home", str(home), "--json",
    ]  # fmt: skip
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=600) for process in both]
    assert [p.returncode for p in both] == [0, 0], outputs
    study = optuna.load_study(study_name="two", storage=f"sqlite:///{home}/optuna.db")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 4
    assert len({json.dumps(t.user_attrs[Key.PLAN]["values"]) for t in study.trials}) == 4
    store = Store(home)
    parents = [json.loads(out)["parent_run_id"] for out, _ in outputs]
    assert parents[0] == parents[1]
    assert store.client().get_run(parents[0]).info.status == "FINISHED"
    (leaderboard,) = store.artifacts.rglob("leaderboard.csv")
    assert len(leaderboard.read_text().splitlines()) == 1 + 4


def test_a_ctrl_c_before_the_first_trial_ends_it_at_once_and_writes_nothing(tmp_path: Path) -> None:
    config, stop = StudyConfig(name="early", trials=1), Stop()
    stop.asked = True
    supervisor = Supervisor(config)
    home = tmp_path / "none"
    with contextlib.closing(supervisor), pytest.raises(KeyboardInterrupt):
        Session(config, Studies(Store(home)), supervisor, Silent(), stop).run()
    assert not home.exists()


class _TakenOver(Silent):
    """Lets another process take over a trial that begins: closes it, and removes its folder."""

    def __init__(self, home: Path, number: int) -> None:
        self.said: list[str] = []
        self._home, self._number = home, number

    def message(self, text: str) -> None:
        self.said.append(text)

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        if record.number != self._number:
            return
        study = Studies(Store(self._home)).get(record.study)
        trial = study.get_trials(deepcopy=False)[record.number]
        assert requeue(study, trial, replace(record, state=KILLED))
        (folder,) = (self._home / "spool").glob("*/trials/*")
        shutil.rmtree(folder)


def test_a_trial_that_was_taken_over_with_its_folder_is_dropped(
    home: Path, ratings_file: Path
) -> None:
    """As after a process stood still for long; it notices only when it stores the trial's end."""
    progress = _TakenOver(home, 1)
    config = StudyConfig(
        name="late", data=str(ratings_file), trials=3, epochs=2, sampler="random",
        keep_models="none", workers=1,
    )  # fmt: skip
    result = run_study(config, home=home, progress=progress)
    states = [trial.state for trial in result.record.trials]
    assert states == ["complete", "killed", "complete", "complete"]
    assert sum("Trial 1 was taken over" in text for text in progress.said) == 1
    slots = [t.user_attrs[Key.SLOT] for t in Studies(Store(home)).get("late").trials]
    assert slots == [0, 1, 1, 2]


def test_a_proposal_that_takes_long_does_not_keep_a_study_from_stopping(
    home: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Gaussian process of many trials takes a minute; here it takes for ever."""
    goes_on, proposes = threading.Event(), SpaceAdapter.sample

    def never(adapter: SpaceAdapter, trial: optuna.Trial) -> dict[str, Scalar]:
        values = proposes(adapter, trial)
        if trial.number == 2 and trial.study.study_name == "slow":
            os.kill(os.getpid(), signal.SIGINT)
            goes_on.wait(60)
        return values

    monkeypatch.setattr(SpaceAdapter, "sample", never)
    config = StudyConfig(
        name="slow", data=str(ratings_file), trials=4, epochs=2, sampler="random",
        keep_models="none", workers=1,
    )  # fmt: skip
    try:
        result = run_study(config, home=home)
    finally:
        goes_on.set()
    assert [trial.state for trial in result.record.trials] == ["complete", "complete", "killed"]
    assert result.interrupted
    assert result.record.trials[2].params == {}
    result = run_study(config, home=home)
    trials = Studies(Store(home)).get("slow").trials
    assert [t.state.name for t in trials] == ["COMPLETE"] * 2 + ["FAIL"] + ["COMPLETE"] * 2
    assert [slot_of(Studies(Store(home)).get("slow"), t) for t in trials] == [0, 1, 2, 2, 3]
    runs = (
        Store(home)
        .client()
        .search_runs([Store(home).client().get_experiment_by_name("slow").experiment_id])
    )
    assert {run.info.status for run in runs} == {"FINISHED"}
