"""What a study does with its own choices: grids, duplicates, targets, queued configurations."""

from __future__ import annotations

import io
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import keras_tuner
import optuna
import pandas as pd
import pytest
from calling import Here
from optuna.trial import TrialState

from search import SearchError, StudyConfig, run_study
from search.cli.main import run
from search.cli.summary import print_summary
from search.reproduce.replay import find_trial
from search.storage.claims.owner import me, owner_of
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from search.storage.trials import twin_under_way
from search.trial.progress import Silent
from tracking import MlflowRecorder, Store

SMALL = {
    "family": "gmf",
    "factors": [2, 3],
    "batch_size": ["full", "256"],
    "l2_embedding": 1e-9,
    "l2_bias": 1e-9,
    "factor_dropout": 0.0,
    "output_activation": "linear",
    "output_bias": "train_mean",
    "optimizer": "adam",
    "learning_rate": 0.02,
    "embedding_rate": 1.0,
    "schedule": "constant",
}


class Heard(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def config(ratings_file: Path) -> StudyConfig:
    return StudyConfig(
        name="small", trials=5, epochs=3, data=str(ratings_file), sampler="grid", space=SMALL,
        pruner="none", keep_models="none",
    )  # fmt: skip


@pytest.mark.slow  # `random` is in test_workers too
@pytest.mark.parametrize("sampler", ["grid", "qmc", "random"])
def test_as_many_workers_as_there_are_try_the_same_configurations(
    config: StudyConfig, tmp_path: Path, sampler: str
) -> None:
    space = SMALL if sampler == "grid" else SMALL | {"learning_rate": {"min": 0.01, "max": 0.05}}
    config = config.at(sampler=sampler, space=space, epochs=1, threads=1)
    tried = []
    for workers in (1, 3):
        found = run_study(config.at(workers=workers), home=tmp_path / str(workers)).record
        tried.append({trial.number: dict(trial.params) for trial in found.trials})
    assert tried[0] == tried[1]
    if sampler == "grid":
        pairs = {(p["factors"], p["batch_size"]) for n, p in tried[0].items() if n}
        assert pairs == {(2, "full"), (2, "256"), (3, "full"), (3, "256")}


def test_a_grid_that_is_too_small_is_refused_before_anything_is_written(
    config: StudyConfig, tmp_path: Path
) -> None:
    with pytest.raises(SearchError, match=r"has 4 points.*makes 5 trials, but `trials` is 6"):
        run_study(config.at(trials=6), home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_configuration_is_trained_once_and_its_value_reused(
    config: StudyConfig, tmp_path: Path
) -> None:
    config = config.at(sampler="random", trials=8, space=SMALL | {"factors": 2}, workers=1)
    heard, home = Heard(), tmp_path / "home"
    record = run_study(config, home=home, progress=heard).record
    first: dict[str, int] = {}
    reused = 0
    recorder = MlflowRecorder(Store(home))
    for trial in record.trials:
        original = first.setdefault(json.dumps(dict(trial.params)), trial.number)
        if original == trial.number:
            continue
        reused += 1
        same = record.trials[original]
        assert trial.value == same.value
        assert [e.metrics for e in trial.epochs] == [e.metrics for e in same.epochs]
        run = recorder.find_run(str(trial.run_id))
        assert run["tags"]["trialbook.reused"] == str(original)
        assert run["metrics"]["best_val_rmse"] == trial.value
        both = (find_trial(f"small:{n}", Studies(Store(home))) for n in (trial.number, original))
        seeds = [stored.trial.user_attrs[Key.PLAN]["seed"] for stored in both]
        assert seeds[0] == seeds[1]
    assert reused == 5  # the baseline, and two configurations for seven trials
    assert sum("is reused" in text for text in heard.messages) == 5


def test_what_another_worker_trains_just_now_is_waited_for(
    config: StudyConfig, tmp_path: Path
) -> None:
    """Two workers, one configuration: it is trained once beside the baseline."""
    single = SMALL | {"factors": 2, "batch_size": "full"}
    config = config.at(sampler="random", trials=4, space=single, workers=2, threads=1)
    record = run_study(config, home=tmp_path / "home").record
    assert [t.state for t in record.trials] == ["complete"] * 4
    assert len({t.value for t in record.trials[1:]}) == 1
    recorder = MlflowRecorder(Store(tmp_path / "home"))
    runs = [recorder.find_run(str(t.run_id)) for t in record.trials[1:]]
    reused = [run["tags"].get("trialbook.reused") for run in runs]
    assert reused == [None, "1", "1"]


def test_a_living_process_of_this_machine_is_waited_for_and_no_other() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.set_user_attr(Key.PLAN, {"values": {"factors": 2}})
    other = owner_of(os.getppid())
    waited = []
    for owner in (me(), other, {**other, "started": 1.0}, {**other, "boot": "elsewhere"}, None):
        trial.set_user_attr(Key.OWNER, owner)
        waited.append(twin_under_way(study, 1, {"factors": 2}))
    assert waited == [True, True, False, False, False]
    trial.set_user_attr(Key.OWNER, me())
    assert not twin_under_way(study, 1, {"factors": 3})
    assert not twin_under_way(study, 0, {"factors": 2})  # not itself, nor a later one


def test_a_trial_that_has_no_configuration_yet_may_get_the_same_one() -> None:
    study = optuna.create_study()
    study.ask()
    assert twin_under_way(study, 1, {"factors": 2})
    assert not twin_under_way(study, 0, {"factors": 2})
    left = optuna.trial.create_trial(state=TrialState.RUNNING)
    left.datetime_start = datetime.now() - timedelta(seconds=6)  # nobody needs that long
    stale = optuna.create_study()
    stale.add_trial(left)
    assert not twin_under_way(stale, 1, {"factors": 2})


@pytest.mark.slow
def test_duplicates_are_repeated_on_their_own_seeds_where_asked(
    config: StudyConfig, tmp_path: Path
) -> None:
    config = config.at(
        sampler="random", trials=4, duplicates="repeat", workers=1,
        space=SMALL | {"factors": 2, "batch_size": "full"},
    )  # fmt: skip
    values = [t.value for t in run_study(config, home=tmp_path / "home").record.trials[1:]]
    assert len(set(values)) == 3


def test_a_target_ends_the_study_and_it_stays_ended(
    config: StudyConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard()
    config = config.at(target=100.0)
    result = run_study(config, home=tmp_path / "home", progress=heard)
    assert len(result.record.trials) == 1
    assert not result.interrupted
    assert "Trial 0 reached the target of 100." in heard.messages
    again = run_study(config, home=tmp_path / "home")
    assert (again.new_trials, len(again.record.trials)) == (0, 1)
    assert again.to_json()["reasons"] == ["Trial 0 reached the target of 100."]
    capsys.readouterr()
    print_summary(again, config, tmp_path / "home")
    told = " ".join(capsys.readouterr().out.split())
    assert "Already done: Trial 0 reached the target of 100. For more, use another" in told
    assert "finished trials" not in told
    more = run_study(config.at(target=None, trials=2), home=tmp_path / "home")
    assert len(more.record.trials) == 2


def test_queued_configurations_come_first_and_once(config: StudyConfig, tmp_path: Path) -> None:
    config = config.at(sampler="random", trials=3)
    wanted, heard = [{"factors": 3}], Heard()
    for _ in range(2):
        record = run_study(config, home=tmp_path / "home", progress=heard, enqueue=wanted).record
    left_out = "Configuration 1 of `--enqueue` leaves values out: batch_size is drawn; "
    line = next(line for line in heard.messages if line.startswith(left_out))
    assert "; family is gmf;" in line
    assert len(record.trials) == 3
    assert record.trials[1].params["factors"] == 3
    with pytest.raises(SearchError, match=r"`factors` must be one of 2, 3"):
        run_study(config.at(name="other"), home=tmp_path / "home", enqueue=[{"factors": 4}])
    names = optuna.get_all_study_names(f"sqlite:///{tmp_path / 'home' / 'optuna.db'}")
    assert names == ["small"]


def test_a_study_is_exported_in_every_format(
    config: StudyConfig,
    tmp_path: Path,
    here: Here,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    home = str(tmp_path / "home")
    record = run_study(config, home=home).record
    for kind, file, read in (
        ("csv", "small.csv", pd.read_csv),
        ("parquet", "small.parquet", pd.read_parquet),
        ("json", "small.json", pd.read_json),
    ):
        told = here("export", "small", "--format", kind, "--home", home)
        assert told == {"study": "small", "format": kind, "output": file, "trials": 5}
        table = read(tmp_path / file)
        assert table["number"].tolist() == [0, 1, 2, 3, 4]
        assert table["value"].tolist() == pytest.approx([t.value for t in record.trials])
        assert table["params.factors"].isna().tolist() == [True] + [False] * 4
        assert set(table["params.batch_size"].astype(str)) == {"full", "256"}
    here("export", "small", "--format", "keras-tuner", "--trial", "2", "--home", home,
         "--output", "best.json")  # fmt: skip
    hp = keras_tuner.HyperParameters.from_config(json.loads(Path("best.json").read_text()))
    assert hp.values == record.trials[2].params
    assert hp.get("factors") in (2, 3)
    here("export", "small", "--format", "keras-tuner", "--trial", "9", "--home", home, code=2)
    here("export", "small", "--output", "nowhere/x.csv", "--home", home, code=2)
    here("export", "small", "--output", "-", "--home", home, code=2)  # and --json
    capsys.readouterr()
    assert run(["export", "small", "--output", "-", "--home", home]) == 0
    whole = capsys.readouterr().out
    assert pd.read_csv(io.StringIO(whole))["number"].tolist() == [0, 1, 2, 3, 4]
    assert not list(tmp_path.glob(".*partial"))
