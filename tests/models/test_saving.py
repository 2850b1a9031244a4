from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from models import (
    ModelConfig,
    TrainConfig,
    build_model,
    predict,
    save_keras_model,
    save_ratings_model,
    serving,
    train,
)
from models.data import Split, Vocabulary

MakeSplit = Callable[..., Split]
# Keras 3.15 reads TensorFlow's variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TINY = ModelConfig(embedding_size=3, units=(4,), dropout=(0.1,))


def _text_ids(count: int, prefix: str) -> np.ndarray:
    return np.array([f"{prefix}{number:03}" for number in range(count)], dtype=object)


@pytest.fixture(params=["integers", "strings"])
def split(request: pytest.FixtureRequest, make_split: MakeSplit) -> Split:
    made = make_split()
    if request.param == "integers":
        return made
    texts = Vocabulary(_text_ids(5, "user é "), _text_ids(6, "m"))
    return replace(made, vocabulary=texts)


@pytest.fixture
def saved(split: Split, tmp_path: Path) -> tuple[keras.Model, Path]:
    model = build_model(TINY, split.vocabulary)
    train(model, split, TrainConfig(epochs=3))
    folder = tmp_path / "deep" / "model"
    save_ratings_model(model, split.vocabulary, folder)
    return model, folder


def test_a_loaded_model_predicts_from_raw_ids_as_the_trained_one_does(
    split: Split, saved: tuple[keras.Model, Path]
) -> None:
    model, folder = saved
    part, known = split.valid, split.vocabulary
    table = pd.DataFrame(
        {"movie": known.movie_ids[part.movies], "user": known.user_ids[part.users], "score": 0}
    )
    found = serving.load_model(folder).predict(table)
    assert found.shape == (len(part),)
    assert found.dtype == np.float64
    assert np.ptp(found) > 0
    np.testing.assert_allclose(found, predict(model, part), rtol=0, atol=1e-6)


def test_an_unknown_id_takes_the_last_slot(split: Split, saved: tuple[keras.Model, Path]) -> None:
    model, folder = saved
    # Far from the start values, so that another slot would show.
    for name, value in (("user_embedding", 2.0), ("movie_embedding", -3.0)):
        layer = model.get_layer(name)
        table = layer.embeddings.numpy()
        table[-1] = value
        layer.set_weights([table])
    save_ratings_model(model, split.vocabulary, folder)
    users, movies = split.vocabulary.user_ids, split.vocabulary.movie_ids
    stranger = 9 if users.dtype.kind == "i" else "nobody"
    asked = pd.DataFrame(
        {"user": [stranger, users[0], stranger], "movie": [movies[1], stranger, stranger]}
    )
    codes = [np.array([[1], [6], [6]]), np.array([[5], [0], [5]])]
    expected = model.predict(codes, verbose=0).reshape(-1)
    found = serving.load_model(folder).predict(asked)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (["7", "-8", "seven", "007"], [0, 1, 2, 2]),
        ([7.0, -8.0, 7.5, None], [0, 1, 2, 2]),
        (pd.array([7, None, -8, 9], dtype="Int64"), [0, 2, 1, 2]),
        (np.array([7, -8, 9, 8], np.int32), [0, 1, 2, 2]),
    ],
)
@pytest.mark.parametrize("known", [[7, -8], ["7", "-8"]])
def test_an_id_is_the_same_as_text_and_as_number(
    known: list[object], raw: object, codes: list[int]
) -> None:
    assert serving._Ids(known).codes(pd.Series(raw))[0].tolist() == codes


def test_the_folder_holds_the_model_and_plain_ids_but_neither_pickle_nor_optimizer(
    split: Split, saved: tuple[keras.Model, Path]
) -> None:
    model, folder = saved
    names = {"model.keras", "manifest.json", "users.json", "movies.json"}
    assert {path.name for path in folder.iterdir()} == names
    ids = json.loads((folder / "users.json").read_text(encoding="utf-8"))
    assert ids == split.vocabulary.user_ids.tolist()
    with zipfile.ZipFile(folder / "model.keras") as archive:
        members = {"metadata.json", "config.json", "model.weights.h5"}
        assert set(archive.namelist()) == members
        config = archive.read("config.json").decode()
        assert b"optimizer" not in archive.read("model.weights.h5")
    assert "trialbook" not in config
    assert "Adam" not in config
    assert model.optimizer is not None, "the model in memory stays compiled"


def test_a_keras_model_is_loaded_to_predict_from_one_array(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    save_keras_model(model, tmp_path)
    rows = np.arange(12.0).reshape(4, 3)
    expected = model.predict(rows, verbose=0)
    loaded = serving.load_model(tmp_path)
    np.testing.assert_allclose(loaded.predict(rows), expected, atol=1e-6)
    np.testing.assert_allclose(loaded.predict(pd.DataFrame(rows)), expected, atol=1e-6)


def test_the_shipped_loader_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(serving.__file__).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            found.add(str(node.module).split(".")[0])
    assert found == {
        "__future__",
        "json",
        "keras",
        "numpy",
        "pandas",
        "pathlib",
        "re",
        "typing",
        "zipfile",
    }


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"user": [], "movie": []}), pd.DataFrame(columns=["user", "movie"])]
)
def test_an_empty_table_has_an_empty_answer(
    table: pd.DataFrame, saved: tuple[keras.Model, Path]
) -> None:
    found = serving.load_model(saved[1]).predict(table)
    assert (found.shape, found.dtype) == ((0,), np.float64)
    known = serving.load_model(saved[1]).predict(table, params={"known": True})
    assert list(known.columns) == ["score", "user_known", "movie_known"]
    assert len(known) == 0


def test_a_prediction_says_whether_its_ids_were_known(
    split: Split, saved: tuple[keras.Model, Path]
) -> None:
    users, movies = split.vocabulary.user_ids.tolist(), split.vocabulary.movie_ids.tolist()
    # A fraction of an id is no id: 100.5 is not user 100.
    asked = pd.DataFrame(
        {"user": pd.Series([users[0], "nobody", 100.5], dtype=object), "movie": [movies[1]] * 3}
    )
    loaded = serving.load_model(saved[1])
    found = loaded.predict(asked, params={"known": True})
    assert found["user_known"].tolist() == [True, False, False]
    assert found["movie_known"].tolist() == [True, True, True]
    assert found["score"].tolist() == loaded.predict(asked).tolist()
    assert found["score"][1] == found["score"][2] != found["score"][0]


@pytest.mark.parametrize("order", [1, -1])
def test_true_is_not_the_user_1(order: int) -> None:
    raw = pd.Series([1, True, 0, False, 1.0][::order], dtype=object)
    codes, known = serving._Ids([0, 1]).codes(raw)
    assert codes.tolist() == [1, 2, 0, 2, 1][::order]
    assert known.tolist() == [True, False, True, False, True][::order]
    assert serving._Ids(["True", "x"]).codes(raw)[0].tolist() == [2, 0, 2, 2, 2][::order]
    known_ids = np.array([0, 1])
    by_list = Vocabulary(known_ids, known_ids).encode_users([1, True, 0, False][::order])
    assert by_list.tolist() == [1, 2, 0, 2][::order]


def test_a_doctored_model_runs_no_code_where_it_is_loaded(
    saved: tuple[keras.Model, Path], tmp_path: Path
) -> None:
    """Python's code in a Lambda layer is what a Keras model can hold of code."""
    _, folder = saved
    ran = tmp_path / "ran"
    inputs = keras.Input((2,))
    code = eval(f"lambda x: (open({str(ran)!r}, 'w').close(), x)[1]")
    keras.Model(inputs, keras.layers.Lambda(code)(inputs)).save(folder / "model.keras")
    ran.unlink()
    with pytest.raises(ValueError, match=r"^A model must be .* cannot be loaded .*Lambda"):
        serving.load_model(folder)
    assert not ran.exists()


@pytest.mark.parametrize("name", ["model.keras", "manifest.json", "users.json"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short", b"[1, {}]"])
def test_a_damaged_model_is_refused_in_a_line(
    name: str, content: bytes | None, saved: tuple[keras.Model, Path]
) -> None:
    _, folder = saved
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"^A model must be a folder") as refused:
        serving.load_model(folder)
    assert str(folder) in str(refused.value)
    assert len(str(refused.value)) < 700
    assert "\n" not in str(refused.value)
