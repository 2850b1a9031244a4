"""The shapes of Keras Tuner's guides through `OptunaOracle`, as docs/own-model.md lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import pytest
import shapes
from keras_tuner import errors
from quickly import cases

from search.oracle import OptunaOracle
from search.storage.studies import Studies
from tracking import Store

pytestmark = [
    pytest.mark.filterwarnings(  # Keras Tuner's and Keras' own
        "ignore:currentThread:DeprecationWarning",
        "ignore:getName:DeprecationWarning",
        "ignore:__array__ implementation:DeprecationWarning",
        "ignore:.shuffle=True. was passed:UserWarning",
    )
]
SHAPES = (
    "a_function", "InFit", "a_loop", "Without", "Scoped", "Namesakes", "Declared", "a_reversed_log",
    "Returns", "dictionary", "history", "several", "Folds", "OwnLoop", "a_subclass",
    "a_sequence_without_input", "in_a_strategy", "two_inputs", "a_classifier", "a_data_set",
)  # fmt: skip
OWN_DATA = ("Returns", "dictionary", "history", "several", "Folds")


def _data(shape: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What `tuner.search` is given for a shape."""
    made = {"two_inputs": shapes.in_two, "a_classifier": shapes.labels}
    if shape in OWN_DATA:
        return (), {}
    if shape == "a_data_set":
        return (), shapes.a_data_set()
    if shape in made:
        return (), made[shape]()
    return shapes.data()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_of_the_guides_is_searched(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shapes.a_function if shape == "a_data_set" else getattr(shapes, shape)
    model = model() if isinstance(model, type) else model
    objective = "val_accuracy" if shape == "a_classifier" else "val_loss"
    oracle = OptunaOracle(
        objective, max_trials=4, study="shape", home=tmp_path / "mlruns", sampler="random", seed=5
    )
    tuner = keras_tuner.Tuner(oracle, model, directory=tmp_path / "kt", project_name="p")
    args, options = _data(shape)
    tuner.search(*args, epochs=1, verbose=0, **options)
    record = Studies(Store(tmp_path / "mlruns")).record("shape")
    assert {t.state for t in record.trials} == {"complete"}
    scores = {name: trial.score for name, trial in oracle.trials.items()}
    assert [t.value for t in record.trials] == list(scores.values())
    for trial in record.trials:
        mine = oracle.trials[trial.tags["trialbook.tuner_trial"]].hyperparameters
        assert set(trial.params) <= set(mine.values)
        assert {n: mine.values[n] for n in trial.params} == trial.params
    if shape == "a_loop":
        assert {f"units_{n}" for n in range(3)} <= {n for t in record.trials for n in t.params}
    if shape == "InFit":
        assert {"batch_size", "shuffle"} <= set(record.trials[-1].params)


@pytest.mark.parametrize("shape", cases(["nothing"], ["tensor"]))
def test_what_keras_tuner_refuses_ends_the_search_as_there(shape: str, tmp_path: Path) -> None:
    oracle = OptunaOracle("val_loss", max_trials=2, study="shape", home=tmp_path / "mlruns")
    tuner = keras_tuner.Tuner(
        oracle, getattr(shapes, shape), directory=tmp_path / "kt", project_name="p"
    )
    with pytest.raises(errors.FatalTypeError):
        tuner.search(epochs=1, verbose=0)
