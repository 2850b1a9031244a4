"""Finished Keras Tuner projects, imported as studies."""

from __future__ import annotations

import copy
import functools
import operator
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
import tuned
from calling import Here
from oracle_kinds import LOSS, Trains
from tuner_files import ORACLE, TRIALS, files_of, write_project

from search import SearchError
from search.oracle.project import import_project
from search.oracle.study import TunerStudy
from search.oracle.tuner_trial import TunerEnd, TunerPoint
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, space_of
from tracking import Store, TrialRecord

# Keras Tuner 1.4 itself asks threads for their names in the way of old, and saves weights so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
    "ignore:__array__ implementation:DeprecationWarning",
)
FIT = {"epochs": 2, "validation_split": 0.25, "verbose": 0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tuner = keras_tuner.RandomSearch(
        tuned.build,
        objective="val_loss",
        max_trials=3,
        seed=1,
        directory=folder,
        project_name="old",
    )
    tuner.search(tuned.X, tuned.Y, **FIT)
    return folder / "old"


def test_a_project_becomes_a_study_that_can_go_on(project: Path, home: Path, here: Here) -> None:
    named = ("import", "keras-tuner", str(project), "--model", "tuned:Tuned", "--epochs", "2")
    told = here(*named, "--home", str(home))
    assert (told["study"], told["objective"], told["complete"]) == ("old", "val_loss:min", 3)
    trials = {
        t.trial_id: t
        for t in (
            keras_tuner.engine.trial.Trial.load(str(p)) for p in project.glob("trial_*/trial.json")
        )
    }
    record = Studies(Store(home)).record("old")
    assert sorted(t.value for t in record.trials) == sorted(t.score for t in trials.values())
    client = Store(home).client()
    for trial in record.trials:
        same = trials[trial.tags["trialbook.tuner_trial"]]
        active = {
            hp.name: same.hyperparameters.values[hp.name]
            for hp in same.hyperparameters.space
            if same.hyperparameters.is_active(hp)
        }
        assert trial.params == active
        assert client.get_run(trial.run_id).data.metrics["best_val_loss"] == same.score
    more = ("search", "--study", "old", "--trials", "4", "--home", str(home))
    here(*more, "--epochs", "100", code=2)
    assert here(*more)["n_complete"] == 4
    assert len(Studies(Store(home)).record("old").trials[3].epochs) == 2


def test_what_is_no_project_or_is_there_already_is_refused(
    project: Path, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(SearchError, match=r"must hold `oracle.json`"):
        import_project(tmp_path, Studies(Store(home)))
    import_project(project, Studies(Store(home)))
    with pytest.raises(SearchError, match=r"there is one named 'old'"):
        import_project(project, Studies(Store(home)))


def test_a_study_that_goes_on_needs_the_epochs_of_the_project(
    project: Path, home: Path, tmp_path: Path
) -> None:
    """Else its new trials would have other budgets than the old ones, and win by them."""
    studies = Studies(Store(home))
    with pytest.raises(SearchError, match=r"at most [12]\). Give `--epochs`"):
        import_project(project, studies, model="tuned:Tuned")
    assert studies.names() == []


def test_what_hyperband_keeps_beside_the_values_is_no_parameter(home: Path, tmp_path: Path) -> None:
    """With two brackets of 4 epochs at most, some trials go on from others, round by round."""

    class Halves(keras_tuner.Hyperband):
        def run_trial(self, trial, *arguments, **options):
            values = trial.hyperparameters.values
            return values["x"] + 1 / values["tuner/epochs"]

    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    options = {"max_epochs": 4, "factor": 2, "seed": 3, "hyperparameters": space}
    tuner = Halves(objective=LOSS, directory=tmp_path, project_name="hb", **options)
    tuner.search(verbose=0)
    studies = Studies(Store(home))
    import_project(tmp_path / "hb", studies)
    record = studies.record("hb")
    assert config_of(studies.get("hb")).epochs == 4
    assert {name for trial in record.trials for name in trial.params} == {"x"}
    by_name = {t.tags["trialbook.tuner_trial"]: t for t in record.trials}
    further = 0
    for name, trial in tuner.oracle.trials.items():
        values, made = trial.hyperparameters.values, by_name[name]
        for figure in ("epochs", "initial_epoch", "bracket", "round"):
            assert made.metrics[f"tuner/{figure}"] == values[f"tuner/{figure}"]
        parent = values.get("tuner/trial_id")
        assert made.tags.get("trialbook.tuner_parent") == parent
        further += parent is not None
    assert further > 0
    assert [parameter["name"] for parameter in space_of(studies.get("hb"))] == ["x"]


def test_a_budget_that_a_model_declares_is_no_parameter(home: Path, tmp_path: Path) -> None:
    def run(trial):
        trial.hyperparameters.Fixed("tuner/epochs", 3)
        return trial.hyperparameters.Float("x", 0.0, 1.0)

    oracle = keras_tuner.oracles.RandomSearchOracle(LOSS, max_trials=2)
    Trains(oracle, run, tmp_path).search(verbose=0)
    studies = Studies(Store(home))
    import_project(tmp_path / "p", studies)
    assert [set(trial.params) for trial in studies.record("p").trials] == [{"x"}] * 2
    assert config_of(studies.get("p")).epochs == 3


def test_a_damaged_project_is_told_in_a_line(project: Path, tmp_path: Path) -> None:
    (tmp_path / "oracle.json").write_text("{")
    with pytest.raises(SearchError, match=r"must be readable"):
        import_project(tmp_path, Studies(Store(tmp_path / "mlruns")))


_PARENT = ("hyperparameters", "space", 1, "config", "conditions", 0, "config", "name")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("trial_id",), [], "trial_id: Input should be a valid string"),
        (("score",), "low", "score: Input should be a valid number"),
        (("best_step",), -1, "best_step: Input should be greater"),
        (("hyperparameters", "values", "rate"), [1], "hyperparameters.values.rate"),
        (("hyperparameters", "space", 2, "class_name"), "Nothing", "trial_1.trial.json is not as"),
        (
            ("hyperparameters", "space", 2, "config", "min_value"),
            "low",
            "not as Keras Tuner writes",
        ),
        (("hyperparameters", "space", 2, "config", "min_value"), 10**400, "not as Keras Tuner wri"),
        (_PARENT, 0.0, "'layers' of .* depends on 0.0"),
        (_PARENT, "nowhere", "'layers' of .* depends on 'nowhere'"),
        (("metrics", "metrics", "val_loss", "direction"), "up", "direction: Input should be 'min'"),
        (("metrics", "metrics", "val_loss", "observations", 0, "value"), [], "at least 1 item"),
    ],
)
def test_a_trial_that_keras_tuner_did_not_write_is_refused_before_there_is_a_study(
    place: tuple[Any, ...], value: Any, message: str, home: Path, tmp_path: Path
) -> None:
    trials = copy.deepcopy(TRIALS)
    *path, last = place
    holder = functools.reduce(operator.getitem, path, trials[1])
    holder[last] = value
    write_project(tmp_path / "odd", files_of(ORACLE, trials))
    studies = Studies(Store(home))
    with pytest.raises(SearchError, match=message):
        import_project(tmp_path / "odd", studies)
    assert studies.names() == []


@pytest.mark.parametrize("oracle", ["[]", '{"start_order": [[]]}', "[" * 20_000, "9" * 5000])
def test_an_oracle_that_keras_tuner_did_not_write_is_refused(oracle: str, tmp_path: Path) -> None:
    write_project(tmp_path / "odd", files_of(ORACLE, TRIALS))
    (tmp_path / "odd" / "oracle.json").write_text(oracle)
    with pytest.raises(SearchError, match=r"oracle\.json is not as Keras Tuner writes it"):
        import_project(tmp_path / "odd", Studies(Store(tmp_path / "mlruns")))


@pytest.mark.slow
def test_an_import_that_does_not_come_to_its_end_leaves_no_study(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path / "old", files_of(ORACLE, TRIALS))
    studies, add = Studies(Store(home)), TunerStudy.add

    def add_one(self: TunerStudy, point: TunerPoint, end: TunerEnd) -> TrialRecord:
        if self.study.trials:
            raise OSError("The disk is full.")
        return add(self, point, end)

    with monkeypatch.context() as patch:
        patch.setattr(TunerStudy, "add", add_one)
        with pytest.raises(OSError, match="The disk is full"):
            import_project(tmp_path / "old", studies)
    assert studies.names() == []
    assert import_project(tmp_path / "old", studies).complete == 2


def test_an_objective_that_a_project_does_not_have_is_refused(project: Path, home: Path) -> None:
    for objective, message in (
        ("accuracy:max", r"must name a metric of the project \(.*val_loss.*\), but .* 'accuracy'"),
        ("val_loss:max", r"must go the project's way, which is val_loss:min"),
    ):
        with pytest.raises(SearchError, match=message):
            import_project(project, Studies(Store(home)), objective=objective)


def test_a_project_that_samples_in_reverse_is_imported(home: Path, tmp_path: Path) -> None:
    def run(trial):
        hp = trial.hyperparameters
        hp.Int("layers", 1, 8, sampling="reverse_log")
        return hp.Float("late", 1.0, 8.0, sampling="reverse_log")

    oracle = keras_tuner.oracles.RandomSearchOracle(LOSS, max_trials=3, seed=1)
    tuner = Trains(oracle, run, tmp_path)
    tuner.search(verbose=0)
    studies = Studies(Store(home))
    import_project(tmp_path / "p", studies)
    trials = studies.record("p").trials
    assert [dict(trial.params) for trial in trials] == tuner.trained()
    stored = studies.get("p").trials
    assert all("late (mirrored)" in trial.params for trial in stored)
    for trial, values in zip(stored, tuner.trained(), strict=True):
        assert trial.params["layers (mirrored)"] == 9 - values["layers"]
        assert trial.params["late (mirrored)"] == pytest.approx(9.0 - values["late"])
