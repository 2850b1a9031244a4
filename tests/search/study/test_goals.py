"""Several goals, limits, repeats, folds: what is refused, and what a study does with them."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest
from calling import Here

from search import SearchError, StudyConfig, run_study
from search.cli.commands.search import resolve
from search.cli.source_options import SOURCE_NAMES
from search.config.goals import figures_of
from search.config.limits import Limits, exceeds, too_long
from search.cost.memory import MemoryCost
from search.reproduce import reproduce
from search.seeds import part_seed
from search.storage.studies import Studies
from search.storage.trials import beyond_in_a_row, reached
from search.study.regret import RegretBound
from search.trial.progress import Silent
from tracking import BEYOND, COMPLETE, PRUNED, REFUSED, Store, TrialRecord

SPACE = {
    "family": "gmf", "factors": [1, 2, 30], "batch_size": "64", "output_activation": "linear",
    "output_bias": "train_mean", "optimizer": "adam", "learning_rate": 0.02, "embedding_rate": 1.0,
    "schedule": "constant", "l2_embedding": 1e-4, "l2_bias": 1e-5, "factor_dropout": 0.0,
}  # fmt: skip


class Heard(Silent):
    """Which trials were told to have ended."""

    def __init__(self) -> None:
        self.ended_ones: list[int] = []

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        self.ended_ones.append(record.number)


def _config(ratings_file: Path, **changes: object) -> StudyConfig:
    usual = {
        "name": "s", "trials": 3, "epochs": 4, "data": str(ratings_file), "sampler": "grid",
        "space": SPACE, "pruner": "none", "workers": 1,
    }  # fmt: skip
    return StudyConfig(**(usual | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": ["val_rmse", "speed"]}, r"some of val_rmse, parameters, seconds, memory"),
        ({"objectives": ["parameters"]}, r"begin with val_rmse"),
        ({"objectives": ["val_rmse", "seconds", "seconds"]}, r"name each goal once"),
        ({"objectives": ["val_rmse", "seconds"], "pruner": "median"}, r"the pruner `none`"),
        ({"objectives": ["val_rmse", "seconds"], "sampler": "cmaes"}, r"but got `cmaes`"),
        ({"objectives": ["val_rmse", "seconds"], "regret": 0.1}, r"stand with one objective"),
        ({"max_parameters": 0}, r"`max_parameters` must be at least 1"),
        ({"max_seconds": 0.0}, r"`max_seconds` must be above 0"),
        ({"repeats": 0}, r"`repeats` must be from 1 to 100, but got 0"),
        ({"folds": 1}, r"`folds` must be from 2 to 100, but got 1"),
        ({"folds": 2, "repeats": 2}, r"`repeats` or `folds`, but got both"),
        ({"growth": [[0.5, 4]]}, r"leave epochs for all rows"),
        ({"repeats": 2, "model": "m:M", "space": {}}, r"stand with a model of ratings"),
    ],
)
def test_what_does_not_go_together_is_refused(
    ratings_file: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SearchError, match=message):
        _config(ratings_file, **({"pruner": "none"} | changes))


def test_several_goals_switch_the_default_pruner_off_and_read_back() -> None:
    config = StudyConfig().override(objectives=["val_rmse", "parameters"])
    assert config.pruner == "none"
    assert StudyConfig.from_dict(config.to_dict()) == config
    with pytest.raises(SearchError, match=r"the pruner `none`"):
        StudyConfig().override(objectives=["val_rmse", "parameters"], pruner="median")


def test_several_goals_leave_a_pruner_that_was_chosen_to_its_chooser(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    several = dict.fromkeys(SOURCE_NAMES) | {"objectives": ["val_rmse", "parameters"]}
    studies = Studies(Store(tmp_path / "home"))
    file.write_text('pruner = "median"\n')
    with pytest.raises(SearchError, match=r"but got `median`\. Use `--pruner none`\."):
        resolve(file, studies, several, no_user_filter=False)
    named = several | {"pruner": "none"}
    assert resolve(file, studies, named, no_user_filter=False).pruner == "none"
    file.write_text("trials = 3\n")
    assert resolve(file, studies, several, no_user_filter=False).pruner == "none"
    with pytest.raises(SearchError, match="but got `hyperband`"):
        StudyConfig(pruner="hyperband").override(objectives=["val_rmse", "parameters"])


def test_a_trials_values_are_its_goals_figures() -> None:
    metrics = {"parameters": 7, "seconds_train": 1.5, "peak_memory_mb": 300.0}
    assert figures_of(["val_rmse", "seconds", "parameters"], 0.9, metrics) == [0.9, 1.5, 7.0]
    assert figures_of([], 0.9, metrics) == [0.9]


def test_a_study_of_several_goals_tells_optuna_all_of_them(
    ratings_file: Path, tmp_path: Path, here: Here
) -> None:
    goals = ["val_rmse", "parameters"]
    result = run_study(_config(ratings_file, objectives=goals, sampler="nsga2"), home=tmp_path)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    assert [d.name for d in study.directions] == ["MINIMIZE", "MINIMIZE"]
    for trial, record in zip(study.trials, result.record.trials, strict=True):
        assert trial.values == [record.value, record.metrics["parameters"]]
    found = here("show", "s", "--home", str(tmp_path))
    assert found["trials"][0]["value"] == study.trials[0].values[0]
    told = result.to_json()["frontier"]
    best = min(result.record.trials, key=lambda t: (t.value, t.metrics["parameters"]))
    assert told[0]["trial"] == best.number
    store = Store(tmp_path)
    plots = store.client().list_artifacts(result.record.parent_run_id, "plots")
    assert any(each.path.endswith("frontier.png") for each in plots)


def test_a_larger_model_is_not_trained_and_does_not_count(
    ratings_file: Path, tmp_path: Path
) -> None:
    """60 users and 50 movies, each with a slot for unknown ones: 112 rows of factors and a bias."""
    config = _config(ratings_file, max_parameters=112 * 3 + 4, trials=3)
    heard = Heard()
    result = run_study(config, home=tmp_path, progress=heard)
    record = result.record
    assert result.to_json()["n_refused"] == 1
    ends = {t.number: (t.state, t.end_reason, t.params.get("factors")) for t in record.trials}
    beyond = [end for end in ends.values() if end[1] == "limit"]
    assert beyond == [(REFUSED, "limit", 30)]
    large = next(t for t in record.trials if t.end_reason == "limit")
    assert "parameters, where at most 340 may be" in large.message
    assert large.value is None
    assert large.epochs == ()
    assert large.metrics["parameters"] == 112 * 31 + 31
    assert large.run_id is None  # it was worked out before anything was begun
    assert sorted(heard.ended_ones) == [0, *sorted(t.number for t in record.ranked())]
    # The baseline is far larger: it was trained to compare with, and ranks nowhere.
    assert record.trials[0].state == COMPLETE
    assert record.trials[0].tags[BEYOND] == "true"
    assert sorted(t.params["factors"] for t in record.ranked()) == [1, 2]


def test_a_trial_ends_at_the_epoch_that_takes_too_long(ratings_file: Path, tmp_path: Path) -> None:
    config = _config(ratings_file, max_seconds=1e-6, trials=2)
    record = run_study(config, home=tmp_path).record
    cut = record.trials[1]
    assert (cut.state, cut.end_reason, len(cut.epochs)) == (PRUNED, "limit", 1)
    assert "s of training, where at most 1e-06 may be" in cut.message
    assert cut.value == cut.epochs[0].metrics["val_rmse"]


def test_a_space_that_is_all_too_large_is_refused(ratings_file: Path, tmp_path: Path) -> None:
    config = _config(ratings_file, max_parameters=10)
    with pytest.raises(SearchError, match=r"smallest .* has 226 parameters, where at most 10 may"):
        run_study(config, home=tmp_path)
    with pytest.raises(SearchError, match=r"but number 2 has 3,503 parameters, where at most 340"):
        run_study(
            config.at(max_parameters=340), home=tmp_path, enqueue=[{"factors": 2}, {"factors": 30}]
        )


@pytest.mark.slow
def test_many_that_are_too_large_end_the_study(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 10,000 values of `factors` is within the limit."""
    monkeypatch.setattr("search.study.stopping._IN_VAIN", 2)
    space = SPACE | {"factors": {"min": 1, "max": 10_000}}
    config = _config(ratings_file, max_parameters=227, trials=30, sampler="random", space=space)
    result = run_study(config, home=tmp_path)
    assert (result.count(REFUSED), result.count(PRUNED)) == (2, 0)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    assert beyond_in_a_row(study) == 2


@pytest.mark.slow
def test_memory_is_looked_at_before_training_and_after_each_epoch(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5,000 factors of 112 rows, 16 bytes a weight, are 9 MB; TensorFlow takes hundreds."""
    space = SPACE | {"factors": [1, 5_000]}
    estimated = run_study(
        _config(ratings_file, max_memory_mb=8.0, space=space), home=tmp_path / "c"
    ).record.trials[1:]
    assert {(t.state, len(t.epochs)) for t in estimated} == {(REFUSED, 0)}
    assert any(re.match(r"about \d+ MB of memory, where 8 MB may be", t.message) for t in estimated)
    monkeypatch.setattr(MemoryCost, "peak_mb", lambda *_: None)  # as if nothing were known
    before = run_study(
        _config(ratings_file, max_memory_mb=8.0, space=space), home=tmp_path / "a"
    ).record
    ends = {t.params.get("factors"): (t.end_reason, len(t.epochs)) for t in before.trials[1:]}
    assert ends == {5_000: ("limit", 0), 1: ("limit", 1)}
    assert any(
        "at least 9 MB for its weights, where 8 MB may be" in t.message for t in before.trials
    )
    states = {t.params.get("factors"): t.state for t in before.trials[1:]}
    assert states == {5_000: REFUSED, 1: PRUNED}
    record = run_study(_config(ratings_file, max_memory_mb=1e6), home=tmp_path / "b").record
    assert all(t.state == COMPLETE for t in record.trials)


@pytest.mark.slow
def test_several_goals_with_several_workers(ratings_file: Path, tmp_path: Path) -> None:
    goals = ["val_rmse", "parameters", "seconds", "memory"]
    config = _config(ratings_file, objectives=goals, sampler="tpe", trials=6, workers=2)
    record = run_study(config, home=tmp_path).record
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    told = {t.number: t.values for t in study.trials if t.state.name == "COMPLETE"}
    assert len(told) == 6
    for trial in record.trials:
        names = ("parameters", "seconds_train", "peak_memory_mb")
        assert told[trial.number] == [trial.value, *(trial.metrics[name] for name in names)]


@pytest.mark.slow
@pytest.mark.parametrize(("pruner", "sampler"), [("asha", "random"), ("hyperband", "tpe")])
def test_growing_samples_with_rungs(
    ratings_file: Path, tmp_path: Path, pruner: str, sampler: str
) -> None:
    """The first rung is the end of a stage, and what passes goes on, never from the start."""
    growth, epochs = [[0.3, 5], [0.6, 5]], 20
    rungs = {"min_resource": 5, "reduction_factor": 2} if pruner == "hyperband" else {}
    config = _config(
        ratings_file, growth=growth, epochs=epochs, trials=9, sampler=sampler, pruner=pruner,
        pruner_options=rungs,
        space=SPACE | {"factors": 2, "learning_rate": {"min": 1e-5, "max": 0.05, "log": True}},
    )  # fmt: skip
    record = run_study(config, home=tmp_path).record
    assert [e.epoch for t in record.trials for e in t.epochs] == [
        epoch for t in record.trials for epoch in range(1, len(t.epochs) + 1)
    ]
    pruned = [t for t in record.trials if t.state == PRUNED]
    assert pruned
    first, factor = 5, rungs.get("reduction_factor", 3)
    share = {2: "half", 3: "third"}[factor]
    assert {t.message for t in pruned} == {
        f"not among the best {share} at epoch {len(t.epochs)}" for t in pruned
    }
    assert {len(t.epochs) for t in pruned} <= {first * factor**n for n in range(4)}
    assert record.trials[0].state == COMPLETE
    best = record.ranked()[0]
    again = reproduce(f"s:{best.number}", Store(tmp_path))
    assert again.reproduced, again.drift


@pytest.mark.slow
def test_a_regret_below_what_was_asked_for_ends_a_study(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound itself is tested where its library is; here it falls to 0.01 at the third trial."""

    def bound(self: RegretBound) -> float | None:
        complete = [t for t in self._study.get_trials() if t.state.name == "COMPLETE"]
        return [None, None, 0.5, 0.01][len(complete)]

    monkeypatch.setattr(RegretBound, "value", bound)
    monkeypatch.setattr("search.study.choice.check_regret", lambda: None)
    config = _config(ratings_file, regret=0.05, trials=30, sampler="random")
    result = run_study(config, home=tmp_path)
    assert result.count(COMPLETE) == 3


def test_what_is_beyond_a_limit_reaches_no_target() -> None:
    study = optuna.create_study()
    for value, beyond in ((0.8, True), (0.9, False)):
        trial = study.ask()
        trial.set_user_attr("trialbook:outcome", {"beyond": beyond})
        study.tell(trial, value)
    assert reached(study, 0.85) is None
    assert reached(study, 0.95) == 1


def test_limits_are_told_by_figure() -> None:
    limits = Limits(parameters=10, seconds=2.0, memory_mb=500.0)
    assert too_long(1.9, 400, limits) == ""
    assert too_long(2.1, 400, limits) == "2.1 s of training, where at most 2 may be"
    assert too_long(1.0, 501, limits) == "501 MB of memory, where at most 500 may be"
    assert exceeds({"parameters": 11}, limits)
    assert not exceeds({"parameters": 10, "seconds_train": 2.0}, limits)


@pytest.fixture(scope="module")
def repeated(
    ratings_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyConfig, Path]:
    home = tmp_path_factory.mktemp("repeated") / "mlruns"
    config = _config(ratings_file, repeats=2, trials=2)
    run_study(config, home=home)
    return config, home


def test_a_repeated_trial_has_the_mean_of_its_seeds_and_a_model_of_each(
    repeated: tuple[StudyConfig, Path],
) -> None:
    _, home = repeated
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{home / 'optuna.db'}")
    client = Store(home).client()
    for trial in study.trials:
        run = client.get_run(trial.user_attrs["trialbook:run"])
        metrics = run.data.metrics
        one, two = (metrics[f"repeat_{n}/best_val_rmse"] for n in (1, 2))
        assert one != two
        assert trial.value == pytest.approx((one + two) / 2, abs=1e-12)
        assert metrics["best_val_rmse"] == trial.value
        assert metrics["best_val_rmse_deviation"] == pytest.approx(abs(one - two) / 2**0.5)
        assert metrics["repeat_2/val_rmse"] > 0
        found = sorted(run.outputs.model_outputs, key=lambda each: each.step)
        named = [client.get_logged_model(each.model_id) for each in found]
        assert [model.name for model in named] == ["model", "model_2"]
        own = [{m.key: m.value for m in model.metrics} for model in named]
        assert own[0]["repeat_1/best_val_rmse"] == one
        assert own[1]["repeat_2/best_val_rmse"] == two


@pytest.mark.slow
def test_a_repeated_trial_is_reproduced(repeated: tuple[StudyConfig, Path]) -> None:
    _, home = repeated
    found = reproduce("s:1", Store(home))
    assert found.reproduced, found.drift


def test_the_parts_seeds_differ_and_the_first_is_the_trials_own() -> None:
    seeds = [part_seed(42, number) for number in (1, 2, 3)]
    assert seeds[0] == 42
    assert len(set(seeds)) == 3


@pytest.mark.slow
def test_folds_are_compared_by_their_pruner(ratings_file: Path, tmp_path: Path) -> None:
    """A tiny step is worse in every fold, which two folds show at p = 1/4."""
    config = _config(
        ratings_file, folds=3, trials=3, epochs=4, pruner="wilcoxon", sampler="random",
        pruner_options={"p_threshold": 0.3, "n_startup_steps": 1},
        space=SPACE | {"factors": 2, "learning_rate": [0.02, 0.0001]},
    )  # fmt: skip
    tried = [{"learning_rate": 0.02}, {"learning_rate": 0.0001}]
    record = run_study(config, home=tmp_path, enqueue=tried).record
    assert [t.metrics["parts"] for t in record.trials] == [3, 3, 2]
    assert [t.state for t in record.trials] == [COMPLETE, COMPLETE, PRUNED]
    cut = record.trials[2]
    values = [cut.metrics[f"fold_{n}/best_val_rmse"] for n in (1, 2)]
    assert cut.value == pytest.approx(sum(values) / 2)
    again = reproduce("s:2", Store(tmp_path))
    assert again.reproduced, again.drift


@pytest.mark.slow
def test_a_study_goes_on_with_what_its_file_meant_when_it_was_made(
    ratings_file: Path, home: Path, here: Here, tmp_path: Path
) -> None:
    """The default sampler was `tpe` once; a file that names none means what it meant then."""
    file = tmp_path / "old.toml"
    text = f'data = "{ratings_file}"\nmodel = "baseline"\nepochs = 1\ntrials = 1\n'
    file.write_text(text + 'sampler = "tpe"\n')
    here("search", str(file), "--home", str(home))
    file.write_text(text.replace("trials = 1", "trials = 2"))
    assert here("search", str(file), "--home", str(home))["n_complete"] == 2
    file.write_text(text + 'sampler = "local"\n')
    here("search", str(file), "--home", str(home), code=2)
