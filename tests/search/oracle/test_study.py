"""What a tuner's search leaves in the study: in Optuna and in MLflow, whatever becomes of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
from optuna.trial import TrialState
from oracle_kinds import LOSS, Trains
from sklearn.linear_model import Ridge

from search import SearchError
from search.oracle import OptunaOracle
from search.storage.queue import requeue
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, space_of
from tracking import KILLED, Store, StudyRecord, TrialRecord

# Keras Tuner 1.4 itself asks threads for their names in the way of old.
pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
)

SUPPORT = Path(__file__).parent.parent.parent / "support"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Path:
    """One home for the studies of these tests."""
    target = tmp_path_factory.mktemp("tuners") / "mlruns"
    shutil.copytree(empty_home, target)
    return target


@pytest.fixture(autouse=True)
def _without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the figures here, which take longer than all else."""
    monkeypatch.setattr("tracking.figures.draw.draw_study", lambda *_: [])


class Study:
    """Makes a tuner's oracles on one study, and reads what they left."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name

    def oracle(self, max_trials: int | None = 3, **options: Any) -> OptunaOracle:
        options = {"objective": LOSS, "sampler": "random", "seed": 1} | options
        return OptunaOracle(max_trials=max_trials, study=self.name, home=self.home, **options)

    def record(self) -> StudyRecord:
        return Studies(Store(self.home)).record(self.name)

    def states(self) -> list[str]:
        return [str(trial.state) for trial in self.record().trials]

    def status(self, run_id: str | None) -> str:
        """The status of a run in MLflow."""
        return str(Store(self.home).client().get_run(run_id).info.status)


@pytest.fixture
def study(home: Path, request: pytest.FixtureRequest) -> Study:
    return Study(home, request.node.name.replace("[", " ").replace("]", "")[:99])


def _x(trial: Any) -> float:
    return trial.hyperparameters.Float("x", 0.0, 1.0)


class _Fails:
    """Trains until its k-th training, which raises."""

    def __init__(self, error: BaseException, at: int) -> None:
        self.error, self.left, self.begun = error, at, []

    def __call__(self, trial: Any) -> float:
        self.left -= 1
        value = _x(trial)
        self.begun.append(value)
        if self.left == 0:
            raise self.error
        return value


# What ends a search ends its trial in both stores.


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            keras_tuner.errors.FatalError("wrong\nshape"),
            "FAILED",
            "FatalError: wrong shape",
        ),
        (KeyboardInterrupt(), "KILLED", ""),
    ],
    ids=["fatal", "ctrl-c"],
)
def test_what_ends_the_search_closes_trial_and_runs(
    study: Study, tmp_path: Path, error: BaseException, status: str, message: str
) -> None:
    run = _Fails(error, at=2)
    tuner = Trains(study.oracle(), run, tmp_path)
    with pytest.raises(type(error)):
        tuner.search(verbose=0)
    record = study.record()
    assert study.states() == ["complete", "killed"]
    cut = record.trials[1]
    assert (cut.end_reason, cut.message) == ("error" if message else "interrupted", message)
    assert study.status(cut.run_id) == "KILLED"
    assert study.status(record.parent_run_id) == status
    tuner.search(verbose=0)  # the same tuner goes on, with the trial that was cut short
    assert study.states() == ["complete", "killed", "complete", "complete"]
    assert run.begun[1] == run.begun[2]
    assert study.status(study.record().parent_run_id) == "FINISHED"


def test_too_many_failures_close_the_study(study: Study, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        _x(trial)
        raise ValueError("told to fail")

    oracle = study.oracle(9, max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match="exceeded the limit of 2"):
        Trains(oracle, run, tmp_path).search(verbose=0)
    record = study.record()
    assert study.states() == ["failed", "failed"]
    assert {trial.message for trial in record.trials} == {"ValueError: told to fail"}
    assert {study.status(trial.run_id) for trial in record.trials} == {"FAILED"}
    assert study.status(record.parent_run_id) == "FAILED"


def test_a_failure_of_a_hook_of_the_tuner_closes_its_trial(study: Study, tmp_path: Path) -> None:
    class Hooked(Trains):
        def on_trial_begin(self, trial: Any) -> None:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Hooked(study.oracle(), _x, tmp_path).search(verbose=0)
    assert study.states() == ["killed"]


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
@pytest.mark.parametrize("score", ["nan", "inf"])
def test_a_score_that_is_no_number_is_told(study: Study, tmp_path: Path, score: str) -> None:
    Trains(study.oracle(1), lambda trial: float(score), tmp_path).search(verbose=0)
    (trial,) = study.record().trials
    assert (trial.state, trial.end_reason, trial.value) == ("failed", "nan", None)
    assert trial.message == f"The score is {score}."


def test_a_trial_is_one_trial_however_often_it_is_tried(study: Study, tmp_path: Path) -> None:
    failures = iter([True, True, False, False])

    def run(trial: Any) -> float:
        value = _x(trial)
        if next(failures):
            raise ValueError("told to fail")
        return value

    oracle = study.oracle(2, max_retries_per_trial=2)
    Trains(oracle, run, tmp_path).search(verbose=0)
    assert study.states() == ["complete", "complete"]


def test_a_proposal_that_fails_leaves_no_trial_under_way(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("told to fail")

    monkeypatch.setattr("search.oracle.proposal._proposed", broken)
    with pytest.raises(OSError, match="told to fail"):
        Trains(study.oracle(), _x, tmp_path).search(verbose=0)
    assert [t.state.name for t in Studies(Store(study.home)).get(study.name).trials] == ["FAIL"]
    assert study.status(study.record().parent_run_id) == "FAILED"


@pytest.mark.parametrize(
    ("step", "state"), [("store_parameters", "killed"), ("write_curve", "complete")]
)
def test_a_failure_at_the_end_leaves_no_trial_under_way(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, state: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("told to fail")

    tuner = Trains(study.oracle(), _x, tmp_path)
    monkeypatch.setattr(f"search.oracle.study.{step}", broken)
    with pytest.raises(OSError, match="told to fail"):
        tuner.search(verbose=0)
    (trial,) = study.record().trials
    assert trial.state == state
    assert study.status(trial.run_id) != "RUNNING"


# It goes on, in the same project folder or in another one.


def test_in_a_new_folder_the_cut_trial_comes_first_and_no_point_again(
    study: Study, tmp_path: Path
) -> None:
    """The parameter is known only from the study: no training of the new folder has asked yet."""
    first = _Fails(KeyboardInterrupt(), at=3)
    with pytest.raises(KeyboardInterrupt):
        Trains(study.oracle(4), first, tmp_path / "a").search(verbose=0)
    second = _Fails(KeyboardInterrupt(), at=0)
    tuner = Trains(study.oracle(4), second, tmp_path / "b")
    assert tuner.remaining_trials == 2
    assert tuner.get_best_hyperparameters()[0].values == {"x": 0.0}
    tuner.search(verbose=0)
    assert second.begun[0] == first.begun[2]
    assert len(second.begun) == 2
    assert len({*first.begun, *second.begun}) == 4
    assert study.states() == ["complete", "complete", "killed", "complete", "complete"]
    assert tuner.oracle.start_order == list("0123")


def test_back_in_the_first_folder_nothing_is_trained_again(study: Study, tmp_path: Path) -> None:
    """What another folder has finished meanwhile is finished here too."""
    with pytest.raises(KeyboardInterrupt):
        Trains(study.oracle(3), _Fails(KeyboardInterrupt(), at=2), tmp_path / "a").search(verbose=0)
    Trains(study.oracle(3), _x, tmp_path / "b").search(verbose=0)
    back = Trains(study.oracle(4), _x, tmp_path / "a")
    back.search(verbose=0)
    assert {trial.status for trial in back.oracle.trials.values()} == {"COMPLETED"}
    assert list("0123") == sorted(back.oracle.trials)
    assert study.states() == ["complete", "killed", "complete", "complete", "complete"]
    again = Trains(study.oracle(4), _x, tmp_path / "a")
    assert len(again.oracle.trials) == 4
    again.search(verbose=0)
    assert len(study.states()) == 5


def test_a_project_folder_counts_in_another_study_too(home: Path, tmp_path: Path) -> None:
    space = keras_tuner.HyperParameters()
    space.Choice("letter", ["a", "b", "c"])
    first = Study(home, "its first study").oracle(2, hyperparameters=space)
    Trains(first, lambda trial: 1.0, tmp_path).search(verbose=0)
    study = Study(home, "its second study")
    tuner = Trains(study.oracle(None, hyperparameters=space), lambda trial: 1.0, tmp_path)
    tuner.search(verbose=0)
    assert {values["letter"] for values in tuner.trained()} == {"a", "b", "c"}
    assert study.states() == ["complete"]


def test_a_trial_that_an_earlier_oracle_of_this_process_left_is_taken_over(
    study: Study, tmp_path: Path
) -> None:
    left = Trains(study.oracle(2), _x, tmp_path)
    trial = left.oracle.create_trial("tuner0")
    left.save()
    Trains(study.oracle(2), _x, tmp_path).search(verbose=0)
    assert study.states() == ["killed", "complete", "complete"]
    assert study.record().trials[1].params["x"] == trial.hyperparameters.Float("x", 0.0, 1.0)


def test_other_choices_than_the_studys_are_refused_in_a_line(study: Study, tmp_path: Path) -> None:
    def letters(*values: str) -> keras_tuner.HyperParameters:
        hp = keras_tuner.HyperParameters()
        hp.Choice("letter", list(values))
        return hp

    options = {"hyperparameters": letters("a", "b")}
    Trains(study.oracle(1, **options), lambda trial: 1.0, tmp_path / "a").search(verbose=0)
    options = {"hyperparameters": letters("a", "b", "c")}
    with pytest.raises(SearchError, match=r"has for `letter`. Give OptunaOracle another"):
        Trains(study.oracle(2, **options), lambda trial: 1.0, tmp_path / "b").search(verbose=0)
    assert study.states() == ["complete"]


# Arguments.


def test_a_drawn_seed_is_stored_and_kept(study: Study) -> None:
    drawn = study.oracle(seed=None).seed
    assert config_of(Studies(Store(study.home)).get(study.name)).seed == drawn
    assert study.oracle(seed=None).seed == drawn
    assert study.oracle(seed=0).seed == 0


def test_without_a_target_the_stored_one_is_what_was_trained(study: Study, tmp_path: Path) -> None:
    space = keras_tuner.HyperParameters()
    space.Choice("letter", ["a", "b", "c"])
    oracle = study.oracle(None, hyperparameters=space)
    Trains(oracle, lambda trial: 1.0, tmp_path).search(verbose=0)
    assert config_of(Studies(Store(study.home)).get(study.name)).trials == 3
    assert len(study.states()) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_trials": 0}, "`max_trials` must be at least 1, but got 0"),
        ({"seed": -1}, "`seed` must be from 0"),
        ({"study": "/"}, "`study` must start with a letter"),
        ({"sampler": "best"}, "`sampler` must be one of"),
        ({"sampler": "tpe", "sampler_options": {"x": 1}}, "only what sampler `tpe` takes"),
    ],
    ids=["trials", "seed", "study", "sampler", "options"],
)
def test_a_wrong_argument_is_named_as_the_user_named_it(
    home: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SearchError, match=message) as told:
        OptunaOracle(LOSS, **{"home": home, "study": "wrong"} | options)
    assert "--" not in str(told.value)


def test_a_space_that_a_sampler_cannot_serve_is_refused_in_the_tuners_words(
    study: Study, tmp_path: Path
) -> None:
    space = keras_tuner.HyperParameters()
    space.Choice("letter", ["a", "b"])
    oracle = study.oracle(sampler="cmaes", hyperparameters=space)
    with pytest.raises(SearchError, match="Give OptunaOracle another `sampler`"):
        Trains(oracle, _x, tmp_path).search(verbose=0)
    assert study.states() == []


def test_cmaes_leaves_a_choice_that_is_found_later_to_chance(study: Study, tmp_path: Path) -> None:
    pytest.importorskip("cmaes")

    def run(trial: Any) -> float:
        return _x(trial) + 0.0 * len(trial.hyperparameters.Choice("letter", ["a", "b"]))

    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    space.Float("y", 0.0, 1.0)
    oracle = study.oracle(8, sampler="cmaes", hyperparameters=space)
    Trains(oracle, run, tmp_path).search(verbose=0)
    assert study.states() == ["complete"] * 8
    assert {trial.params["letter"] for trial in study.record().trials} == {"a", "b"}


# Other tuners.


def test_a_client_leaves_the_study_to_its_chief(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "client0")
    study.oracle()
    assert study.name not in Studies(Store(study.home)).names()


def test_a_tuner_without_callbacks_is_watched_too(study: Study, tmp_path: Path) -> None:
    """Keras Tuner's tuner of scikit-learn's models has no epochs to hear of."""

    def build(hp: keras_tuner.HyperParameters) -> Ridge:
        return Ridge(alpha=hp.Float("alpha", 1e-3, 1.0, sampling="log"))

    objective = keras_tuner.Objective("score", "max")
    oracle = study.oracle(2, objective=objective)
    tuner = keras_tuner.SklearnTuner(oracle, build, directory=tmp_path)
    oracle.watch(tuner)
    random = np.random.default_rng(0)
    x = random.normal(size=(30, 2))
    tuner.search(x, x @ [1.0, 2.0])
    assert study.states() == ["complete"] * 2
    assert study.record().ranked()[0].value == oracle.get_best_trials(1)[0].score
    assert isinstance(tuner.get_best_models()[0], Ridge)


def test_the_stored_space_has_what_was_found_and_is_inactive(study: Study, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        hp = trial.hyperparameters
        kind = hp.Choice("kind", ["line", "layer"])
        with hp.conditional_scope("kind", ["layer"]):
            hp.Int("units", 1, 9)
        return float(kind == "line")

    Trains(study.oracle(1), run, tmp_path).search(verbose=0)
    stored = space_of(Studies(Store(study.home)).get(study.name))
    assert [parameter["name"] for parameter in stored] == ["kind", "units"]
    assert [trial.params for trial in study.record().trials] == [{"kind": "line"}]


@pytest.mark.slow  # Keras Tuner's chief looks every 20 seconds whether its clients have gone
def test_a_chief_and_two_clients_search_one_study(home: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SUPPORT / "distributed.py"), home, tmp_path / name, "random"],
            env={**os.environ, **shared, "KERASTUNER_TUNER_ID": name},
        )
        for name in ("chief", "client0", "client1")
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    study = Study(home, "shared")
    record = study.record()
    assert study.states() == ["complete"] * 6
    assert len({str(sorted(trial.params.items())) for trial in record.trials}) == 6
    for trial in record.trials:
        assert trial.value == pytest.approx(1.0 + trial.params["x"], abs=1e-6)
        assert ("units" in trial.params) == (trial.params["kind"] == "b")
    assert study.status(record.parent_run_id) == "FINISHED"


def test_a_trial_that_another_process_took_over_is_dropped_with_a_line(
    study: Study, tmp_path: Path
) -> None:
    taken: list[int] = []

    def run(trial: Any) -> float:
        size = trial.hyperparameters.Int("size", 1, 100)
        if not taken:  # as if this process had stood still for long
            stored = Studies(Store(study.home)).get(study.name)
            (running,) = [t for t in stored.trials if t.state == TrialState.RUNNING]
            record = TrialRecord(study=study.name, number=running.number, params={}, state=KILLED)
            assert requeue(stored, running, record)
            taken.append(running.number)
        return float(size)

    with pytest.warns(UserWarning, match="was taken over, since this process was not heard of"):
        Trains(study.oracle(3), run, tmp_path).search(verbose=0)
    assert study.states()[taken[0]] == "killed"
    assert study.states().count("complete") >= 2
