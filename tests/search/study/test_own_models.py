"""A user's own model through the whole of a study: found, searched, stored, trained again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keras_tuner
import pytest
from calling import Here

from search import SearchError, StudyConfig, run_study
from search.cli.main import run
from search.storage.studies import Studies
from search.study import joining
from search.trial.progress import Silent
from tracking import COMPLETE, PRUNED, Store, TrialRecord

LOOP = ["--study", "loop", "--model", "shapes:a_loop", "--objective", "val_loss:min"]
SMALL = ["--epochs", "1", "--pruner", "none"]


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def test_a_loop_is_searched_resumed_exported_and_reproduced(
    home: Path, here: Here, tmp_path: Path
) -> None:
    where = ["--home", str(home)]
    here("search", *LOOP, *SMALL, "--trials", "3", "--sampler", "random", *where)
    here("search", *LOOP, *SMALL, "--trials", "5", "--sampler", "random", *where)
    trials = here("show", "loop", *where)["trials"]
    assert len(trials) == 5
    for trial in trials:
        names = [f"units_{n}" for n in range(trial["params"]["layers"])]
        assert list(trial["params"]) == ["layers", *names]
    deep = next(t for t in trials if t["params"]["layers"] == 3)
    run = Store(home).client().get_run(deep["run_id"])
    assert run.data.params == {name: str(value) for name, value in deep["params"].items()}
    again = here("reproduce", f"loop:{deep['number']}", *where)
    assert (again["reproduced"], again["got"]) == (True, deep["value"])
    path = tmp_path / "hp.json"
    here(
        "export", "loop", "--format", "keras-tuner", "--trial", str(deep["number"]),
        "--output", str(path), *where,
    )  # fmt: skip
    hp = keras_tuner.HyperParameters.from_config(json.loads(path.read_text()))
    assert {name: hp.get(name) for name in deep["params"]} == deep["params"]
    assert {p.name for p in hp.space} >= set(deep["params"])


def test_a_study_of_ratings_may_be_told_its_own_model_again(tmp_path: Path) -> None:
    """As workers on a Ray cluster are."""
    studies = Studies(Store(tmp_path))
    config = StudyConfig(name="s")
    joining.require_named(config, studies, {"model": config.model, "data_module": None})
    with pytest.raises(SearchError, match=r"ratings, .* but got loop:other\. Leave"):
        joining.require_named(config, studies, {"model": "loop:other"})


def test_code_that_a_shared_database_names_is_imported_only_if_the_user_names_it_too(
    home: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "shared.db"
    where = ["--home", str(home), "--storage", f"sqlite:///{database}"]
    here("search", *LOOP, *SMALL, "--trials", "1", "--sampler", "random", *where)
    value = here("reproduce", "loop:0", *where)["got"]  # a file: its owner's own word
    monkeypatch.setattr(joining, "sqlite_path", lambda address: None)  # as if on a server
    more = ["--trials", "2"]
    search = ["search", "--study", "loop", *more]
    for command in (["worker", "loop"], search, ["reproduce", "loop:0"], ["winner", "loop"]):
        assert run([*command, *where]) == 2
        assert "--model shapes:a_loop" in here.told()
        assert run([*command, *where, "--model", "shapes:other"]) == 2
        assert "If that is the code that you mean" in here.told()
    named = ["--model", "shapes:a_loop"]
    assert here("reproduce", "loop:0", *named, *where)["got"] == value
    assert here("search", "--study", "loop", *more, *named, *where)["new_trials"] == 1
    assert here("worker", "loop", *named, *where)["new_trials"] == 0
    monkeypatch.undo()
    assert run(["reproduce", "loop:0", "--model", "shapes:other", *where]) == 2
    assert "but got shapes:other. Leave that out." in here.told()


def test_a_worker_on_a_cluster_may_name_the_model_that_the_study_has(tmp_path: Path) -> None:
    studies = Studies(Store(tmp_path))
    named = {"model": "ratings", "data_module": None}  # as `--engine ray` hands it on
    joining.require_named(StudyConfig(name="s"), studies, named)
    with pytest.raises(SearchError, match=r"trains ratings, .*, but got shapes:other. Leave that"):
        joining.require_named(StudyConfig(name="s"), studies, {"model": "shapes:other"})


@pytest.mark.slow
def test_a_configuration_may_name_what_only_a_deeper_model_has(
    home: Path, here: Here, tmp_path: Path
) -> None:
    path = tmp_path / "first.json"
    path.write_text('[{"layers": 2, "units_1": 7}, {"layers": 2, "units_1": 6}]')
    where = ["--home", str(home), "--enqueue", str(path)]
    here("search", *LOOP, *SMALL, "--trials", "3", "--sampler", "random", *where)
    first, second = here("show", "loop", "--home", str(home))["trials"][1:]
    assert (first["params"]["layers"], first["params"]["units_1"]) == (2, 7)
    assert (second["params"]["layers"], second["params"]["units_1"]) == (2, 6)


class Within(Silent):
    def __init__(self) -> None:
        self.told: list[tuple[int, int, float]] = []

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        self.told.append((trial.number, epoch, share))


def test_a_limit_is_heard_inside_an_epoch_and_how_far_it_is_shown(home: Path) -> None:
    """An epoch of trial 1 takes twelve seconds, of which it may have five."""
    config = StudyConfig(
        name="slow", model="shapes:Slow", objective="val_loss:min", trials=2, epochs=1,
        sampler="random", pruner="none", max_seconds=5.0,
    )  # fmt: skip
    heard = Within()
    record = run_study(config, home=home, progress=heard, enqueue=[{"units": 8}]).record
    first, cut = record.trials
    assert (first.state, len(first.epochs)) == (COMPLETE, 1)
    assert (cut.state, cut.end_reason, cut.epochs, cut.value) == (PRUNED, "limit", (), None)
    assert "s of training, where at most 5 may be" in cut.message
    told = [(epoch, share) for number, epoch, share in heard.told if number == 1]
    assert told
    assert told == sorted(told)
    assert all(epoch == 1 and 0 < share < 1 for epoch, share in told)
    assert record.best is not None
    assert record.best.number == 0


@pytest.mark.slow
def test_an_equal_configuration_is_told_once_its_last_value_is_known(home: Path) -> None:
    """`InFit` has three values of units, two of batches and two of shuffling: 12 in all."""
    told = Told()
    config = StudyConfig(
        name="in fit", model="shapes:InFit", objective="val_loss:min", trials=9, epochs=1,
        sampler="random", pruner="none", seed=3,
    )  # fmt: skip
    result = run_study(config, home=home, progress=told)
    met = [line for line in told.lines if "met a new parameter" in line]
    assert [line.split("`")[1] for line in met] == ["batch_size", "shuffle"]
    first: dict[tuple[object, ...], float] = {}
    reused = 0
    for trial in result.record.trials:
        assert set(trial.params) == {"units", "batch_size", "shuffle"}
        point = tuple(trial.params.values())
        reused += point in first
        assert trial.value == first.setdefault(point, trial.value)
    assert reused == 9 - len(first) == sum("reused" in line for line in told.lines) > 0


def test_a_model_that_could_never_give_a_value_ends_the_study_at_its_first_trial(
    home: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    from search.cli.main import run

    given = ["search", "--study", "door", "--model", "shapes:WrongName", "--home", str(home)]
    assert run([*given, "--objective", "val loss:min", "--trials", "5"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "`objective` must name a number that each epoch reports" in error
    assert "got 'val loss'. Reported: something." in error
    trials = here("show", "door", "--home", str(home))["trials"]
    assert [t["state"] for t in trials] == ["killed", "queued"]
    experiment = Store(home).client().get_experiment_by_name("door")
    runs = Store(home).client().search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"KILLED", "FAILED"}


@pytest.mark.slow
def test_three_trials_that_fail_alike_end_a_run_and_the_next_one_tries_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    monkeypatch.setenv("MISBEHAVING_SCRIPT", str(script))
    config = StudyConfig(
        name="alike", model="misbehaving:Misbehaving", objective="val_loss:min", trials=9,
        epochs=1, sampler="random", pruner="none",
    )  # fmt: skip
    script.write_text("raise raise raise raise")
    result = run_study(config, home=home)
    assert [t.state for t in result.record.trials] == ["failed"] * 3
    assert result.reasons == (
        "The first 3 trials failed alike (RuntimeError: told to raise). Mend the model, and call "
        "the study again.",
    )
    script.write_text("raise fine raise raise raise fine")
    again = run_study(config, home=home)
    assert len(again.record.trials) == 9


def test_an_objective_may_have_a_dash_or_a_space_in_its_name(home: Path) -> None:
    config = StudyConfig(
        name="dash", model="shapes:DashNamed", objective="val_r-mean square:min", trials=1,
        epochs=1, pruner="none",
    )  # fmt: skip
    best = run_study(config, home=home).best
    assert best.value == best.epochs[0].metrics["val_r-mean square"]
    metrics = Store(home).client().get_run(best.run_id).data.metrics
    assert metrics["best_val_r-mean square"] == best.value


@pytest.mark.slow
def test_an_edited_model_is_refused_with_exit_code_2(
    home: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = tmp_path / "edited.py"
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    text = "from shapes import _dense, other_data as data\ndef build(hp):\n"
    text += "    return _dense(__import__('keras').layers.Dense(hp.Choice('units', {})))\n"
    given = ["--study", "e", "--model", "edited:build", "--objective", "val_loss:min", *SMALL]
    given += ["--home", str(home)]
    edited.write_text(text.format("[2, 3]"))
    here("search", *given, "--trials", "3")
    edited.write_text(text.format("[2, 3, 4, 5]"))
    here("search", *given, "--trials", "4", code=2)
    assert "`units` was one of 2, 3, now one of 2, 3, 4, 5" in here.errors
    here("search", *given, "--trials", "7", "--widen")
    trials = here("show", "e", "--home", str(home))["trials"]
    assert {t["params"]["units"] for t in trials[:3]} <= {2, 3}
    assert {t["params"]["units"] for t in trials[3:]} & {4, 5}


SHAPES = {
    "a_function": "val_loss:min", "a_loop": "val_loss:min", "Without": "val_loss:min",
    "Scoped": "val_loss:min", "Namesakes": "val_loss:min", "InFit": "val_loss:min",
    "Declared": "val_loss:min", "Returns": "val_loss:min", "history": "val_loss:min",
    "dictionary": "val_loss:min", "several": "val_loss:min", "Folds": "val_loss:min",
    "a_subclass": "val_loss:min", "a_sequence_without_input": "val_loss:min",
    "in_a_strategy": "val_loss:min", "two_inputs": "val_loss:min",
    "a_classifier": "val_accuracy:max", "OwnLoop": "val_loss:min",
    "a_reversed_log": "val_loss:min", "not_tunable": "val_loss:min",
}  # fmt: skip
DATA = {
    "two_inputs": "shapes:in_two",
    "a_classifier": "shapes:labels",
    "a_loop": "shapes:a_data_set",
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_guides_is_searched_and_reproduced(
    shape: str, home: Path, here: Here
) -> None:
    given = ["--model", f"shapes:{shape}", "--objective", SHAPES[shape], "--study", "shape"]
    given += ["--data-module", DATA[shape]] if shape in DATA else []
    told = here("search", *given, *SMALL, "--trials", "3", "--home", str(home))
    assert (told["n_complete"], told["n_failed"]) == (3, 0)
    trials = here("show", "shape", "--home", str(home))["trials"]
    again = here("reproduce", f"shape:{trials[-1]['number']}", "--home", str(home))
    assert again["got"] == trials[-1]["value"]


def test_a_new_name_in_a_study_file_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('model = "m:M"\nobjective = "val_loss:min"\ndata_module = "m:data"\n')
    assert StudyConfig.from_toml(path).data_module == "m:data"
    with pytest.raises(SearchError, match="`data_module` must be `module:function`"):
        StudyConfig(model="m:M", objective="val_loss:min", data_module="m")
