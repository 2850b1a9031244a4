"""Keras Tuner's own tuners with Optuna choosing and MLflow recording."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import optuna
import pytest
import tuned
from calling import Here

from search import SearchError, StudyConfig, run_study
from search.oracle import OptunaOracle
from search.space.parameters import Parameter
from search.storage.studies import Studies
from search.study.warm_start import take_history
from tracking import Store

# Keras Tuner 1.4 itself asks threads for their names in the way of old, and saves weights so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
    "ignore:__array__ implementation:DeprecationWarning",
)
FIT = {"epochs": 2, "validation_split": 0.25, "verbose": 0}


def _tuner(home: Path, folder: Path, trials: int, **options: object) -> keras_tuner.Tuner:
    oracle = OptunaOracle("val_loss", max_trials=trials, study="kt", home=home, **options)
    return keras_tuner.Tuner(
        oracle=oracle, hypermodel=tuned.build, directory=folder, project_name="p"
    )


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, empty_home: Path
) -> tuple[keras_tuner.Tuner, Path, Path]:
    folder = tmp_path_factory.mktemp("kt")
    shutil.copytree(empty_home, folder / "mlruns")
    tuner = _tuner(folder / "mlruns", folder / "dir", 3)
    tuner.search(tuned.X, tuned.Y, **FIT)
    return tuner, folder / "mlruns", folder / "dir"


def test_every_trial_of_a_tuner_is_a_trial_of_the_study_and_a_run(searched: tuple) -> None:
    tuner, home, _ = searched
    record = Studies(Store(home)).record("kt")
    assert [t.state for t in record.trials] == ["complete"] * 3
    client = Store(home).client()
    for trial, mine in zip(record.trials, tuner.oracle.trials.values(), strict=True):
        assert trial.value == mine.score
        assert trial.params == mine.hyperparameters.values  # `units` is met in the first "layer"
        assert ("units" in trial.params) == (trial.params["kind"] == "layer")
        run = client.get_run(trial.run_id)
        assert run.info.status == "FINISHED"
        assert set(run.data.params) == set(trial.params)
        assert run.data.metrics["best_val_loss"] == mine.score
        curve = client.get_metric_history(trial.run_id, "val_loss")
        epochs = sorted({(m.step, m.value) for m in curve if m.step})
        assert [step for step, _ in epochs] == [1, 2]
        assert min(value for _, value in epochs) == pytest.approx(mine.score)
    parent = client.get_run(record.parent_run_id)
    assert parent.info.status == "FINISHED"


def test_optuna_chose_the_values(searched: tuple) -> None:
    _, home, _ = searched
    study = optuna.load_study(study_name="kt", storage=f"sqlite:///{home / 'optuna.db'}")
    assert any("units" in trial.params for trial in study.trials)
    chosen = [trial.params for trial in study.trials]
    recorded = [trial.user_attrs["trialbook:plan"]["values"] for trial in study.trials]
    assert chosen == recorded
    assert len({str(values) for values in chosen}) == 3


def test_the_best_trial_is_exported_with_the_space_that_the_tuner_met(
    searched: tuple, tmp_path: Path, here: Here
) -> None:
    tuner, home, _ = searched
    file = tmp_path / "best.json"
    here("export", "kt", "--format", "keras-tuner", "--output", str(file), "--home", str(home))
    hp = keras_tuner.HyperParameters.from_config(json.loads(file.read_text()))
    best = Studies(Store(home)).record("kt").ranked()[0]
    assert hp.values == best.params
    spaces = (tuner.oracle.get_space().space, hp.space)
    asked, exported = (
        [each.get_config() | {"default": each.default} for each in space] for space in spaces
    )
    assert sorted(exported, key=str) == sorted(asked, key=str)


def test_a_study_goes_on_in_another_project_folder(searched: tuple, tmp_path: Path) -> None:
    before, home, _ = searched
    tuner = _tuner(home, tmp_path / "other", 4)
    tuner.search(tuned.X, tuned.Y, **FIT)
    assert len(tuner.oracle.trials) == 4
    best = min(t.score for t in tuner.oracle.trials.values())
    assert best <= min(t.score for t in before.oracle.trials.values())
    assert tuner.get_best_hyperparameters()[0].values in [
        t.params for t in Studies(Store(home)).record("kt").trials
    ]
    assert len(Studies(Store(home)).get("kt").trials) == 4


def test_a_trial_that_fails_is_told_as_failed(home: Path, tmp_path: Path) -> None:
    def broken(hp: keras_tuner.HyperParameters) -> None:
        hp.Float("x", 0.0, 1.0)
        if hp.get("x") != 0.0:  # the first build is the one that finds the space
            raise ValueError("told to fail")
        return tuned.build(hp)

    oracle = OptunaOracle("val_loss", max_trials=1, study="bad", home=home)
    tuner = keras_tuner.Tuner(oracle=oracle, hypermodel=broken, directory=tmp_path / "d")
    tuner.search(tuned.X, tuned.Y, **FIT)
    (trial,) = Studies(Store(home)).record("bad").trials
    assert (trial.state, trial.value) == ("failed", None)
    assert trial.message == "ValueError: told to fail"


def test_a_study_of_ratings_is_not_a_tuners_to_go_on_with(ratings_file: Path, home: Path) -> None:
    run_study(
        StudyConfig(name="r", trials=1, epochs=1, data=str(ratings_file), model="baseline"),
        home=home,
    )
    with pytest.raises(SearchError, match=r"a model of its own, but r trains ratings"):
        OptunaOracle("val_loss", max_trials=2, study="r", home=home)


def test_another_objective_is_refused(searched: tuple) -> None:
    _, home, _ = searched
    with pytest.raises(SearchError, match=r"kt has val_loss:min, and the tuner loss:min"):
        OptunaOracle("loss", max_trials=2, study="kt", home=home)


def test_a_wider_space_takes_the_tuners_history(searched: tuple) -> None:
    """A value that the new space lacks leaves its trials out; a new parameter has its default."""
    _, home, _ = searched
    study = Studies(Store(home)).get("kt")
    config = StudyConfig(
        name="new", model="keras_tuner:Tuner", objective="val_loss:min", pruner="none"
    )
    space = (
        Parameter(name="kind", kind="Choice", default="line", values=("line", "layer", "two")),
        Parameter(name="units", kind="Int", default=2, low=2, high=64, log=True),
        Parameter(name="learning_rate", kind="Float", default=0.01, low=1e-3, high=1e-1, log=True),
        Parameter(name="momentum", kind="Float", default=0.9, low=0.0, high=1.0),
    )
    found = take_history(study, config, space, None)
    assert found.reason == ""
    assert found.version == 2
    assert len(found.trials) == len(study.trials)
    assert all(each["values"]["momentum"] == 0.9 for each in found.trials)
    narrow = (Parameter(name="kind", kind="Choice", default="line", values=("line",)), *space[1:])
    fewer = take_history(study, config, narrow, None)
    layers = sum(t.params["kind"] == "layer" for t in study.trials)
    assert len(fewer.trials) == len(study.trials) - layers
    assert fewer.left == ({"`kind` = 'layer'": layers} if layers else {})


@pytest.mark.slow
def test_an_interrupted_trial_goes_on_in_the_same_project_folder(
    home: Path, tmp_path: Path
) -> None:
    """It is closed at once, and tried again under its own name, by no other trial."""
    tuner = _tuner(home, tmp_path / "dir", 3)

    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:  # the first has been recorded
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuner.search(tuned.X, tuned.Y, callbacks=[Stops()], **FIT)
    (cut,) = Studies(Store(home)).record("kt").trials
    assert (cut.state, cut.end_reason) == ("killed", "interrupted")
    assert [epoch.epoch for epoch in cut.epochs] == [1]
    assert Store(home).client().get_run(cut.run_id).info.status == "KILLED"
    again = _tuner(home, tmp_path / "dir", 3)
    again.search(tuned.X, tuned.Y, **FIT)
    record = Studies(Store(home)).record("kt")
    assert [t.state for t in record.trials] == ["killed", "complete", "complete", "complete"]
    assert record.trials[1].params.items() >= record.trials[0].params.items()
    names = [t.tags["trialbook.tuner_trial"] for t in record.trials]
    assert names[:2] == ["0", "0"]
    assert len(set(names)) == 3
    assert len({str(t.params) for t in record.trials[1:]}) == 3


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_a_training_without_a_number_is_a_failed_trial(home: Path, tmp_path: Path) -> None:
    tuner = _tuner(home, tmp_path / "dir", 1)
    tuner.search(tuned.X, tuned.Y * np.nan, **FIT)
    (trial,) = Studies(Store(home)).record("kt").trials
    assert (trial.state, trial.value) == ("failed", None)
