"""What a whole study leaves in both stores."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from calling import Here
from quickly import cases

from models.data import load_ratings, split_ratings
from search import SearchError, StudyConfig, run_study
from search.storage.trial_attributes import Key
from search.study.result import StudyResult
from search.trial.conclusion import Conclusion
from search.trial.progress import Silent
from tracking import Store

Misbehave = Callable[..., StudyConfig]
NEW = {"family": ["mlp", "neumf"], "embedding_size": {"min": 2, "max": 4}, "units_1": 8}


@pytest.fixture(scope="module")
def config(ratings_file: Path) -> StudyConfig:
    return StudyConfig(
        name="small",
        trials=4,
        epochs=12,
        data=str(ratings_file),
        sampler="random",
        space=NEW,
        workers=1,
    )


@pytest.fixture(scope="module")
def done(
    config: StudyConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyResult, Store]:
    home = tmp_path_factory.mktemp("done") / "mlruns"
    return run_study(config, home=home), Store(home)


def _optuna(store: Store, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{store.optuna_db}")


def test_one_number_everywhere(done: tuple[StudyResult, Store], monkeypatch) -> None:
    """Optuna's value, MLflow's metric and the reloaded model's RMSE on raw ids are the same."""
    result, store = done
    client = store.client()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    import mlflow.pyfunc

    mlflow.set_tracking_uri(store.tracking_uri)
    frame = pd.read_csv(result.record.dataset.name)
    from sklearn.model_selection import train_test_split

    train, _ = train_test_split(frame, test_size=0.3, random_state=42)
    valid = train.iloc[int(len(train) * 0.8) :]
    table = pd.DataFrame({"user": valid.userId, "movie": valid.movieId}).reset_index(drop=True)
    complete = [t for t in _optuna(store, "small").trials if t.state.name == "COMPLETE"]
    assert len(complete) >= 3
    for trial in complete:
        run_id = trial.user_attrs[Key.RUN]
        metric = client.get_run(run_id).data.metrics["best_val_rmse"]
        model = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
        predicted = np.asarray(model.predict(table), dtype=float)
        rmse = float(np.sqrt(np.mean((predicted - valid.rating.to_numpy()) ** 2)))
        assert metric == pytest.approx(trial.value, abs=1e-9)
        assert rmse == pytest.approx(trial.value, abs=1e-6)


def test_trial_0_is_the_baseline_even_outside_a_narrowed_space(
    done: tuple[StudyResult, Store],
) -> None:
    result, _ = done
    first = result.record.trials[0]
    assert first.params["embedding_size"] == 15
    assert first.params["units_1"] == 128
    assert first.params["batch_size"] == "full"
    assert first.tags["trialbook.baseline"] == "true"
    assert all(2 <= t.params["embedding_size"] <= 4 for t in result.record.trials[1:])
    assert all(t.params["units_1"] == 8 for t in result.record.trials[1:])


def test_a_layer_that_is_not_there_has_no_width_and_no_dropout(
    done: tuple[StudyResult, Store],
) -> None:
    for trial in done[0].record.trials:
        layers = int(trial.params.get("layers", 0))
        widths = {n for n in trial.params if n.startswith("units_")}
        rates = {n for n in trial.params if n.startswith("dropout_")}
        assert widths == {f"units_{n}" for n in range(1, layers + 1)}
        assert rates == {f"dropout_{n}" for n in range(1, layers + 1)}


def test_a_run_holds_what_the_trial_was_and_did(done: tuple[StudyResult, Store]) -> None:
    result, store = done
    client = store.client()
    best = result.best
    run = client.get_run(best.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == result.record.parent_run_id
    for name in (
        "best_epoch",
        "epochs_run",
        "lowest_val_rmse",
        "parameters",
        "memory/peak_memory_mb",
        "time/seconds_train",
        "time/seconds_load",
        "trivial_global_mean_val_rmse",
        "trivial_biases_val_rmse",
    ):
        assert name in run.data.metrics, name
    for name in (
        "trialbook.seed",
        "trialbook.versions",
        "trialbook.hardware",
        "trialbook.data_hash",
        "trialbook.threads",
    ):
        assert name in run.data.tags, name
    for name in ("loss", "rmse", "val_loss", "val_rmse"):
        history = client.get_metric_history(best.run_id, name)
        assert sorted(m.step for m in history) == list(range(1, len(best.epochs) + 1))
    loads = [t.metrics["seconds_load"] for t in result.record.trials]
    assert loads[0] > 0
    assert loads[1:] == [0.0] * (len(loads) - 1)
    files = {f.path for f in client.list_artifacts(best.run_id)}
    assert {"config.json", "history.csv", "learning_curve.png", "layers.txt"} <= files
    parent = client.get_run(result.record.parent_run_id)
    assert parent.info.status == "FINISHED"
    plots = {Path(f.path).name for f in client.list_artifacts(parent.info.run_id, "plots")}
    for name in ("history", "importances", "parallel_coordinates", "slice", "learning_curves"):
        assert f"{name}.png" in plots
    assert "report.html" in {f.path for f in client.list_artifacts(parent.info.run_id)}


def test_the_same_call_again_does_nothing(
    done: tuple[StudyResult, Store], config: StudyConfig
) -> None:
    result, store = done
    parent = store.client().get_run(str(result.record.parent_run_id))
    again = run_study(config, home=store.home)
    assert again.new_trials == 0
    assert again.record.trials == result.record.trials
    assert again.to_json() == {**result.to_json(), "new_trials": 0}
    assert parent.info.status == "FINISHED"
    assert store.client().get_run(parent.info.run_id).info == parent.info


@pytest.mark.slow
def test_a_resumed_random_study_proposes_what_an_uninterrupted_one_does(
    done: tuple[StudyResult, Store], config: StudyConfig, home: Path
) -> None:
    run_study(replace(config, trials=2), home=home)
    resumed = run_study(config, home=home)
    assert [t.params for t in resumed.record.trials] == [t.params for t in done[0].record.trials]
    assert [t.value for t in resumed.record.trials] == [t.value for t in done[0].record.trials]


def test_a_changed_study_or_changed_ratings_are_refused_with_the_differences(
    done: tuple[StudyResult, Store], config: StudyConfig, tmp_path: Path
) -> None:
    _, store = done
    with pytest.raises(SearchError, match=r"`seed` was 42, now 43") as caught:
        run_study(replace(config, seed=43), home=store.home)
    assert "\n" not in str(caught.value)
    path = Path(config.data)
    before = path.read_text()
    try:
        path.write_text(before.rsplit("\n", 2)[0] + "\n")
        with pytest.raises(SearchError, match=r"hash was .* \(1,500 rows then, 1,499 now\)"):
            run_study(config, home=store.home)
    finally:
        path.write_text(before)


def test_optuna_writes_no_model_of_the_test_part(done: tuple[StudyResult, Store]) -> None:
    """Nothing in the record was computed on the sealed test part."""
    result, _ = done
    names = {n for t in result.record.trials for n in t.metrics}
    assert not any("test" in name for name in names)


def test_the_hash_on_record_is_the_ratings_own(done: tuple[StudyResult, Store]) -> None:
    result, _ = done
    ratings = load_ratings(result.record.dataset.name)
    assert result.record.dataset.content_hash == ratings.content_hash
    split = split_ratings(ratings, "published")
    assert result.record.dataset.profile["valid_rows"] == len(split.valid)


def test_wal_is_on_in_both_databases(done: tuple[StudyResult, Store]) -> None:
    import sqlite3

    for path in (done[1].optuna_db, done[1].home / "mlflow.db"):
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()


@pytest.fixture
def misbehave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Misbehave:
    """Give the deeds, one a trial, that `misbehaving:Misbehaving` does; a study of them."""

    def tell(deeds: str, **settings: Any) -> StudyConfig:
        script = tmp_path / "script"
        script.write_text(deeds)
        monkeypatch.setenv("MISBEHAVING_SCRIPT", str(script))
        return StudyConfig(model="misbehaving:Misbehaving", objective="val_loss:min", **settings)

    return tell


DEEDS = "fine raise kill abort exhaust nan no-metric number fine"


def test_a_trial_may_fail_in_any_way_and_the_study_goes_on(
    home: Path, misbehave: Misbehave
) -> None:
    config = misbehave(DEEDS, name="bad", trials=9, epochs=2, sampler="random", pruner="none")
    result = run_study(config, home=home)
    ends = [(t.state, t.end_reason) for t in result.record.trials]
    assert ends == [
        ("complete", "epochs"),
        ("failed", "error"),
        ("failed", "out_of_memory"),
        ("failed", "crash"),
        ("failed", "out_of_memory"),
        ("failed", "nan"),
        ("failed", "error"),
        ("complete", "epochs"),
        ("complete", "epochs"),
    ]
    messages = [t.message for t in result.record.trials]
    assert messages[1] == "RuntimeError: told to raise"
    assert "SIGKILL" in messages[2]
    assert "SIGABRT" in messages[3]
    assert "'val_loss'" in messages[6]
    assert result.record.trials[7].value == 0.25
    assert [e.metrics for e in result.record.trials[7].epochs] == [{"val_loss": 0.25}]
    client = Store(home).client()
    for trial in result.record.trials:
        files = {f.path for f in client.list_artifacts(trial.run_id)}
        assert "config.json" in files
        assert ("history.csv" in files) == bool(trial.epochs)
        if trial.state == "failed":
            assert ("learning_curve.png" in files) == bool(trial.epochs)
        assert ("log.txt" in files) == (trial.state == "failed")
    statuses = [client.get_run(t.run_id).info.status for t in result.record.trials]
    assert statuses[:3] == ["FINISHED", "FAILED", "FAILED"]
    assert result.to_json()["n_failed"] == 6


@pytest.mark.slow
def test_what_only_keras_can_train_is_told_and_tagged(home: Path, here: Here) -> None:
    given = ["--model", "normed:Normed", "--objective", "val_loss:min", "--trials", "1"]
    told = {}
    for trainer in ("auto", "keras", "fast"):
        flags = ["--study", trainer, "--trainer", trainer, "--epochs", "1", "--home", str(home)]
        told[trainer] = here("search", *given, *flags, code=1 if trainer == "fast" else 0)
    runs = {}
    for trainer in ("auto", "keras", "fast"):
        record = here("show", trainer, "--home", str(home))
        runs[trainer] = Store(home).client().get_run(record["trials"][0]["run_id"])
    why = "its layer normed (BatchNormalization) reads across rows"
    tags = {trainer: run.data.tags for trainer, run in runs.items()}
    assert tags["auto"]["trialbook.trainer"] == tags["keras"]["trialbook.trainer"] == "keras"
    assert tags["auto"]["trialbook.message"] == f"trained by Keras' own `fit`, since {why}"
    assert "trialbook.message" not in tags["keras"]
    assert runs["fast"].info.status == "FAILED"
    assert (
        f"The fast trainer must be able to train the model, but {why}"
        in (tags["fast"]["trialbook.message"])
    )


@pytest.mark.parametrize("error", cases([KeyboardInterrupt], [RuntimeError]))
def test_a_failure_of_our_own_leaves_no_run_open_and_loses_no_configuration(
    error: type[BaseException],
    home: Path,
    misbehave: Misbehave,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = misbehave("fine fine fine", name="broken", trials=2, epochs=2, sampler="random")

    def fail(*_: object) -> None:
        raise error("told to fail")

    with monkeypatch.context() as patched:
        patched.setattr(Conclusion, "succeed", fail)
        with pytest.raises(error, match="told to fail"):
            run_study(config, home=home)
    client = Store(home).client()
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    parent = next(r for r in runs if "mlflow.parentRunId" not in r.data.tags)
    (child,) = [r for r in runs if r is not parent]
    assert parent.info.status == ("FAILED" if error is RuntimeError else "KILLED")
    assert child.info.status == "KILLED"
    assert child.data.metrics["epochs_run"] == 2
    result = run_study(config, home=home)
    assert [t.state for t in result.record.trials] == ["killed", "complete", "complete"]
    assert result.record.trials[1].params == result.record.trials[0].params
    assert client.get_run(parent.info.run_id).info.status == "FINISHED"


def test_an_epoch_is_on_record_while_its_trial_still_trains(
    home: Path, tmp_path: Path, misbehave: Misbehave
) -> None:
    store = Store(home)
    store.prepare()
    seen: list[tuple[str, list[int]]] = []

    def look() -> None:
        """Let the trial go on once its first epoch is there, or after a minute in vain."""
        client, until = store.client(), time.monotonic() + 60
        while not seen and time.monotonic() < until:
            for experiment in client.search_experiments():
                for run in client.search_runs([experiment.experiment_id]):
                    history = client.get_metric_history(run.info.run_id, "val_loss")
                    if history:
                        seen.append((run.info.status, [m.step for m in history]))
            time.sleep(0.05)
        (tmp_path / "go").touch()

    config = misbehave("wait", name="live", trials=1, epochs=2)
    watcher = threading.Thread(target=look)
    watcher.start()
    result = run_study(config, home=home)
    watcher.join()
    assert seen[0] == ("RUNNING", [1])
    assert len(result.record.trials[0].epochs) == 2


def test_a_study_whose_time_is_over_says_so_and_goes_on(home: Path, misbehave: Misbehave) -> None:
    """Its time is over before TensorFlow has started; then a Ctrl-C after the last trial, which
    leaves the plots for the next call."""

    class Presses(Silent):
        def message(self, text: str) -> None:
            if text.startswith("Drawing"):
                os.kill(os.getpid(), signal.SIGINT)

    config = misbehave("fine", name="late", trials=1, epochs=1, timeout_s=0.01)
    with pytest.raises(SearchError, match=r"`timeout` must leave time to load"):
        run_study(config, home=home)
    done = run_study(replace(config, timeout_s=None), home=home, progress=Presses())
    assert (done.timed_out, done.interrupted) == (False, False)
    assert [t.state for t in done.record.trials] == ["complete"]
    client, parent = Store(home).client(), done.record.parent_run_id
    assert client.get_run(parent).info.status == "KILLED"
    assert {f.path for f in client.list_artifacts(parent)} >= {"leaderboard.csv"}
    assert "plots" not in {f.path for f in client.list_artifacts(parent)}
    assert run_study(replace(config, timeout_s=None), home=home).new_trials == 0
    assert client.get_run(parent).info.status == "FINISHED"
    assert "plots" in {f.path for f in client.list_artifacts(parent)}


def test_peak_memory_is_of_a_trial_alone(home: Path, misbehave: Misbehave) -> None:
    config = misbehave("fine large fine", name="memory", trials=3, epochs=1)
    result = run_study(config, home=home)
    small, large, after = (t.metrics["peak_memory_mb"] for t in result.record.trials)
    assert large > small + 400
    assert after < large - 400


@pytest.mark.slow
def test_a_model_of_another_kind_is_searched_through_the_same_door(home: Path) -> None:
    config = StudyConfig(
        name="wine",
        trials=3,
        epochs=15,
        model="wine:WineModel",
        objective="val_accuracy:max",
        sampler="random",
    )
    result = run_study(config, home=home)
    best = result.best
    curve = [e.metrics["val_accuracy"] for e in best.epochs]
    assert best.value == max(curve) > 0.8
    assert best.value == max(t.value for t in result.record.trials if t.state == "complete")
    assert all(t.params["units_1"] in (4, 8, 16, 32, 64) for t in result.record.trials)
    metrics = Store(home).client().get_run(best.run_id).data.metrics
    assert metrics["best_val_accuracy"] == best.value


@pytest.mark.parametrize(
    ("model", "fragment"),
    [
        ("nothing:Here", "importable"),
        ("wine:Nothing", "has no attribute"),
        ("os:path", "HyperModel"),
    ],
)
def test_a_model_that_is_none_is_told_in_one_line(home: Path, model: str, fragment: str) -> None:
    config = StudyConfig(name="none", trials=1, model=model, objective="val_loss:min")
    with pytest.raises(SearchError, match=fragment) as caught:
        run_study(config, home=home)
    assert "\n" not in str(caught.value)
    assert "none" not in json.dumps(os.listdir(home / "artifacts"))


@pytest.mark.parametrize(("keep", "trials", "expected"), cases([("best", 4, 1)], [("none", 1, 0)]))
def test_keep_models_keeps_what_it_says(
    keep: str, trials: int, expected: int, config: StudyConfig, home: Path
) -> None:
    result = run_study(replace(config, keep_models=keep, trials=trials, epochs=3), home=home)
    store = Store(home)
    assert len(result.record.ranked()) == trials
    assert len(list(store.artifacts.rglob("model.keras"))) == expected
    if expected:
        import mlflow.pyfunc

        mlflow.set_tracking_uri(store.tracking_uri)
        assert mlflow.pyfunc.load_model(f"runs:/{result.best.run_id}/model") is not None
