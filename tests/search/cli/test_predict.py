"""`trialbook predict`, and the model of a result in Python, by a study that was trained."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from calling import Here, call

from models.prediction.predictor import load_predictor
from models.serving import RatingPredictor
from search import SearchError, StudyConfig, StudyResult, open_study, run_study
from search.cli.main import run
from tracking import Store, kept_models, opened_model

USER = "107"


@dataclass(frozen=True)
class Made:
    """A study of three trials, the last of which has the second's configuration."""

    home: Path
    ratings: Path
    result: StudyResult

    @property
    def at(self) -> list[str]:
        return ["--home", str(self.home)]

    def folder(self, number: int) -> Path:
        """The folder of a trial's model."""
        store = Store(self.home)
        trial = self.result.record.trial(number)
        assert trial is not None
        assert trial.run_id is not None
        (model,) = kept_models(store, trial.run_id)
        with opened_model(store, model) as folder:
            return folder


@pytest.fixture(scope="module")
def made(ratings_file: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("predict")
    home, ratings = folder / "mlruns", folder / "ratings.csv"
    shutil.copytree(empty_home, home)
    shutil.copy(ratings_file, ratings)
    config = StudyConfig(
        name="m", trials=2, epochs=3, data=str(ratings), sampler="random", pruner="none"
    )
    return Made(home, ratings, run_study(config, home=home))


def _rated(made: Made) -> set[int]:
    frame = pd.read_csv(made.ratings)
    return set(frame.loc[frame["userId"] == int(USER), "movieId"])


def _by_hand(made: Made, number: int) -> list[tuple[int, float]]:
    """All movies that the user did not rate, by the score of a trial's model."""
    predictor = load_predictor(made.folder(number))
    assert isinstance(predictor, RatingPredictor)
    movies = [movie for movie in predictor.movies if movie not in _rated(made)]
    scores = predictor.predict(pd.DataFrame({"user": USER, "movie": movies}))
    return sorted(zip(movies, scores.tolist(), strict=True), key=lambda one: -one[1])


def test_the_best_items_of_a_user_without_those_that_he_rated(made: Made, here: Here) -> None:
    best = made.result.best
    assert best is not None
    told = here("predict", "m", "--user", USER, "--top", "4", *made.at)
    assert [(each["movie"], each["prediction"]) for each in told["items"]] == (
        _by_hand(made, best.number)[:4]
    )
    assert told["rated"] == len(_rated(made)) > 0
    assert told["user"] == int(USER)
    run = made.result.record.trial(best.number)
    assert run is not None
    (model,) = kept_models(Store(made.home), str(run.run_id))
    assert told["model"] == {
        "said": f"the best trial of m, trial {best.number}",
        "study": "m",
        "trial": best.number,
        "uri": model.uri,
        "folder": None,
    }
    movies = made_movies(made)
    usual = here("predict", "m", "--user", USER, *made.at)["items"]
    assert len(usual) == len(movies) - len(_rated(made)) < 20
    every = here("predict", "m", "--user", USER, "--top", "99", "--rated", *made.at)
    assert len(every["items"]) == len(movies)
    assert len(here("predict", "m", "--user", USER, "--rated", *made.at)["items"]) == 20
    assert every["rated"] == 0


def made_movies(made: Made) -> list[Any]:
    predictor = load_predictor(made.folder(0))
    assert isinstance(predictor, RatingPredictor)
    return predictor.movies


@pytest.mark.parametrize("number", [0, 1])
def test_a_trial_its_run_and_its_folder_are_the_same_model(
    number: int, made: Made, here: Here
) -> None:
    trial, folder = made.result.record.trial(number), made.folder(number)
    assert trial is not None
    expected = [movie for movie, _ in _by_hand(made, number)[:5]]
    ratings = ["--data", str(made.ratings)]
    for target, more in (
        (f"m:{number}", []),
        (str(trial.run_id), []),
        (str(folder), ratings),
        (str(folder.parents[1]), ratings),  # MLflow's own folder
    ):
        told = here("predict", target, "--user", USER, "--top", "5", *more, *made.at)
        assert [each["movie"] for each in told["items"]] == expected, target


@pytest.fixture(scope="module")
def registered(made: Made) -> Made:
    """Trial 1's model as version 1 of `m` with an alias, trial 0's as version 2 and as `other/1`.

    Version 3 is another program's.
    """
    client = Store(made.home).client()
    for name in ("m", "other"):
        client.create_registered_model(name)
    for name, number in (("m", 1), ("m", 0), ("other", 0)):
        trial = made.result.record.trial(number)
        assert trial is not None
        (model,) = kept_models(Store(made.home), str(trial.run_id))
        client.create_model_version(name, source=model.place, run_id=trial.run_id)
    client.set_registered_model_alias("m", "good", "1")
    foreign = made.home.parent / "foreign"
    foreign.mkdir()
    (foreign / "MLmodel").write_text("flavors:\n  python_function:\n    data: model.pkl\n")
    client.create_model_version("m", source=foreign.as_uri())
    return made


@pytest.mark.parametrize(
    ("target", "number", "said"),
    [
        ("models:/m@good", 1, "m, version 1 (good), in MLflow: trial 1 of m"),
        ("models:/m/1", 1, "m, version 1 (good), in MLflow: trial 1 of m"),
        ("models:/m/2", 0, "m, version 2, in MLflow: trial 0 of m"),
        ("m@good", 1, "m, version 1 (good), in MLflow: trial 1 of m"),
        ("m/2", 0, "m, version 2, in MLflow: trial 0 of m"),
        ("other/1", 0, "other, version 1, in MLflow: trial 0 of m"),
        ("models:/ID", 0, "ID, in MLflow: trial 0 of m"),
    ],
)
def test_a_model_is_named_as_in_mlflow(
    target: str, number: int, said: str, registered: Made, here: Here
) -> None:
    trial = registered.result.record.trial(0)
    assert trial is not None
    (model,) = kept_models(Store(registered.home), str(trial.run_id))
    target, said = (text.replace("ID", model.model_id) for text in (target, said))
    told = here("predict", target, "--user", USER, "--top", "5", *registered.at)
    listed = [(each["movie"], each["prediction"]) for each in told["items"]]
    assert listed == _by_hand(registered, number)[:5]
    assert told["rated"] == len(_rated(registered)) > 0
    assert told["model"]["said"] == said


@pytest.mark.parametrize(
    ("target", "fragment"),
    [
        ("models:/m/9", "model m must be one that MLflow has (1 (good), 2, 3), but got 9."),
        ("m/9", "model m must be one that MLflow has (1 (good), 2, 3), but got 9."),
        ("m@bad", "one that MLflow has (1 (good), 2, 3), but got the alias 'bad'."),
        ("models:/n@good", "one that MLflow has, but got 'n'. Registered models: m, other."),
        (
            "n@good",
            "or a model folder, but got 'n@good'. `trialbook studies` lists the studies. Reg",
        ),
        ("n/1", "or a model folder, but got 'n/1'."),
        (
            "models:/m",
            "models:/NAME/VERSION, models:/NAME@ALIAS or models:/ID, but got 'models:/m'.",
        ),
        ("models:/m/latest", "models:/NAME/VERSION, models:/NAME@ALIAS or models:/ID, but got"),
        ("models:/m-0", "A logged model must be one that MLflow has, but got 'm-0'."),
        ("m/3", "must be one that Trialbook saved, but m/3 is of another program."),
    ],
)
def test_a_model_that_mlflow_has_not_is_one_line(
    target: str,
    fragment: str,
    registered: Made,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["predict", target, "--user", USER, *registered.at]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert fragment in told.err
    assert told.err.count("\n") == 1


def test_a_folder_comes_before_a_registered_model(
    registered: Made, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(registered.folder(1), tmp_path / "m" / "2")
    monkeypatch.chdir(tmp_path)
    told = here("predict", "m/2", "--user", USER, "--rated", *registered.at)
    assert (told["model"]["said"], told["model"]["folder"]) == ("the folder m/2", "m/2")


def test_a_folder_alone_says_that_rated_items_stay(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(made.folder(0)), "--user", USER, "--top", "3", *made.at]) == 0
    told = capsys.readouterr().out
    assert "What the user rated is not left out" in told
    assert "name them with `--data`" in told


def test_a_table_is_written_with_its_predictions(
    made: Made, tmp_path: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "pairs.csv"
    rows.write_text(f'when,user,item\n"1, 2",{USER},7001\n3,nobody,7001\n4,{USER}.0,1\n')
    predictor = load_predictor(made.folder(1))
    asked = pd.DataFrame({"user": [USER, "nobody", USER], "movie": [7001, 7001, 1]})
    expected = predictor.predict(asked)
    told = here("predict", "m:1", "--input", str(rows), *made.at)
    assert told["prediction"] == expected.tolist()
    assert (told["rows"], told["unknown_users"], told["unknown_movies"]) == (3, 1, 1)

    written = tmp_path / "out.csv"
    command = ["predict", "m:1", "--input", str(rows), *made.at]
    assert run([*command, "--output", str(written)]) == 0
    said = capsys.readouterr().out
    assert "2 of 3 rows have an id that the model does not know (user: 1, movie: 1)" in said
    assert f"Wrote 3 rows to {written}." in said
    with written.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["when"] for row in found] == ["1, 2", "3", "4"]
    assert [float(row["prediction"]) for row in found] == expected.tolist()

    assert run(command) == 0
    shown = capsys.readouterr()
    assert shown.out == written.read_text()
    assert "Model: trial 1 of m." in shown.err


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["m"], "(`--user ID`) or the rows of a table (`--input FILE`), but got neither"),
        (["m", "--user", "1", "--input", "x.csv"], "but got both"),
        (["m", "--user", "1", "--output", "x.csv"], "`--output` goes with `--input`"),
        (["m", "--input", "x.csv", "--rated"], "`--rated` goes with `--user`"),
        (["m", "--input", "x.csv"], "x.csv cannot be read"),
        (["m", "--user", "nobody"], "one of the 60 users that the model was trained with"),
        (["m:9", "--user", "1"], "one of study m's (0 to 1), but got 9"),
        (["m:last", "--user", "1"], "named as STUDY:NUMBER, but got m:last"),
        (["n:1", "--user", "1"], "got 'n'. Known: m."),
        (["nothing", "--user", "1"], "or a model folder, but got 'nothing'"),
        (["", "--user", "1"], "or a model folder, but got ''"),
        (["./nothing", "--user", "1"], "must hold model.keras and manifest.json"),
        (["~nobody-1/m", "--user", "1"], "must hold model.keras and manifest.json"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    fragment: str,
    made: Made,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["predict", *arguments, *made.at]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert fragment in told.err
    assert told.err.count("\n") == 1


def test_ratings_that_have_changed_or_are_gone_are_not_taken(
    made: Made, tmp_path: Path, here: Here
) -> None:
    kept = made.ratings.read_text()
    command = ["predict", "m", "--user", USER, "--top", "2", *made.at]
    try:
        new = min(set(made_movies(made)) - _rated(made))
        made.ratings.write_text(kept + f"{USER},{new},5,1000\n")
        here(*command, code=2)
        assert "the ratings have changed since the study: their hash was" in here.errors
        named = here(*command, "--data", str(made.ratings))
        assert named["rated"] == len(_rated(made)) == 35
        assert new not in [each["movie"] for each in named["items"]]
        made.ratings.unlink()
        here(*command, code=2)
        assert "the ratings of m cannot be read: " in here.errors
        assert "list rated ones too with `--rated`" in here.errors
        assert len(here(*command, "--rated")["items"]) == 2
    finally:
        made.ratings.write_text(kept)


def test_neither_keras_nor_mlflow_is_imported(registered: Made) -> None:
    """The command answers in a second where Keras and MLflow take several to import."""
    code = (
        "import sys\nfrom search.cli.main import run\n"
        "for target in ('m', 'models:/m@good'):\n"
        f"    assert run(['predict', target, '--user', '{USER}', *{registered.at!r}]) == 0\n"
        "print([name for name in ('keras', 'tensorflow', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_best_trial_of_a_result_gives_its_model(made: Made) -> None:
    read = open_study("m", made.home)
    table = pd.DataFrame({"user": [USER, "nobody"], "movie": ["7001", 7002]})
    for result in (made.result, read, pickle.loads(pickle.dumps(read))):
        assert result.best is not None
        assert result.best == result.record.best
        expected = load_predictor(made.folder(result.best.number)).predict(table)
        np.testing.assert_array_equal(result.best.model().predict(table), expected)
    assert "mlruns" not in repr(read)


def test_a_trial_without_a_model_says_how_to_get_one(
    ratings_file: Path, home: Path, here: Here
) -> None:
    config = StudyConfig(
        name="n", trials=1, epochs=1, data=str(ratings_file), keep_models="none", pruner="none"
    )
    run_study(config, home=home)
    here("predict", "n", "--user", USER, "--home", str(home), code=2)
    assert "whose model was kept, but n:0 has none: the study keeps none" in here.errors
    assert "`--keep-models all`" in here.errors.replace("trialbook search ", "`")
    assert "`trialbook winner n` trains the best again" in here.errors
    best = open_study("n", home).best
    assert best is not None
    with pytest.raises(SearchError, match="whose model was kept"):
        best.model()
    alone = StudyResult(record=open_study("n", home).record, tracking_uri="")
    assert alone.best is not None
    with pytest.raises(SearchError, match=r"`open_study\('n', HOME\)` does"):
        alone.best.model()


@pytest.mark.slow
def test_of_several_repeats_the_middle_one_and_of_a_decided_study_the_winner(
    ratings_file: Path, home: Path, here: Here
) -> None:
    config = StudyConfig(
        name="r", trials=1, epochs=3, data=str(ratings_file), repeats=3, pruner="none"
    )
    (trial,) = run_study(config, home=home).record.trials
    at = ["--home", str(home)]
    told = here("predict", "r", "--user", USER, *at)
    assert told["model"]["said"] == (
        "the best trial of r, trial 0, the one of its 3 models whose value is in the middle"
    )
    values = {number: trial.metrics[f"repeat_{number}/best_val_rmse"] for number in (1, 2, 3)}
    middle = sorted(values, key=lambda number: values[number])[1]
    models = kept_models(Store(home), str(trial.run_id))
    assert [each.name for each in models] == ["model", "model_2", "model_3"]
    with opened_model(Store(home), models[middle - 1]) as folder:
        predictor = load_predictor(folder)
        first = told["items"][0]
        asked = pd.DataFrame({"user": [USER], "movie": [first["movie"]]})
        assert predictor.predict(asked).tolist() == [first["prediction"]]

    won = here("winner", "r", "--repeats", "2", "--top", "1", *at)
    for target in ("r", won["run_id"]):
        told = here("predict", target, "--user", USER, *at)
        assert told["model"]["said"] == "the winner of r (trial 0), in MLflow r, version 1"


@pytest.mark.slow
def test_a_model_of_ones_own_predicts_rows_of_numbers(home: Path, tmp_path: Path) -> None:
    examples = Path(__file__).parents[3] / "docs" / "examples"
    at = ["--home", str(home)]
    call(
        "search", "--study", "w", "--model", "wine:WineModel", "--objective", "val_accuracy:max",
        "--trials", "1", "--epochs", "2", *at, cwd=examples,
    )  # fmt: skip
    rows = tmp_path / "wine.csv"
    names = [f"c{number}" for number in range(13)]
    rows.write_text(",".join(names) + "\n" + ",".join(["1.5"] * 13) + "\n")
    told = json.loads(call("predict", "w", "--input", str(rows), "--json", *at).stdout)
    (outputs,) = zip(*(told[f"prediction_{number}"] for number in (1, 2, 3)), strict=True)
    assert sum(outputs) == pytest.approx(1, abs=1e-5)  # probabilities of three classes
    refused = call("predict", "w", "--user", "1", *at, code=2)
    assert "`--user` needs a model of ratings" in refused.stderr
    narrow = tmp_path / "narrow.csv"
    narrow.write_text("a\n1\n")
    refused = call("predict", "w", "--input", str(narrow), *at, code=2)
    assert "must have 13 columns, but narrow.csv has 1" in refused.stderr
