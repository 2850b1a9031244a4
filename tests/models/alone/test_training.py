"""A training without Keras gives what one with Keras gives, and loads neither it nor TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import (
    ModelConfig,
    ModelsError,
    TrainConfig,
    build_for,
    make_deterministic,
    predict,
    refit,
    train,
)
from models.alone import Alone, Recipe, parameters_of, refit_alone, train_alone
from models.compiled.fit import start_of
from models.compiled.origin import Origin, origin_of
from models.config import FAMILIES
from models.data import Split
from models.evaluation import rmse

MakeSplit = Callable[..., Split]
ROOT = Path(__file__).resolve().parents[3]
MODEL = ModelConfig(
    embedding_size=5, units=(7, 3), dropout=(0.3, 0.0), embedding_dropout=0.2, factors=4,
    factor_dropout=0.2, output_activation="scaled_sigmoid", output_bias="train_mean",
)  # fmt: skip
TRAIN = TrainConfig(epochs=6, batch_size=32, learning_rate=0.05, min_delta=0.0, seed=9)


def _flat(model: object) -> np.ndarray:
    origin = origin_of(model)
    assert isinstance(origin, Origin)
    return start_of(model, origin)


@pytest.mark.parametrize("train_config", [TRAIN, replace(TRAIN, batch_size="full")])
@pytest.mark.parametrize("family", FAMILIES)
def test_curve_and_weights_are_those_of_the_model_that_keras_builds(
    make_split: MakeSplit, family: str, train_config: TrainConfig
) -> None:
    split, config = make_split(train_rows=600), replace(MODEL, family=family)
    make_deterministic(5)
    model = build_for(split, config, seed=5)
    theirs = train(model, split, replace(train_config, trainer="compiled"))
    ours = train_alone(split, Recipe(model=config, train=train_config, seed=5), threads=2)
    assert [e.metrics for e in ours.result.epochs] == [e.metrics for e in theirs.epochs]
    assert ours.result.best_epoch == theirs.best_epoch
    assert ours.result.lowest_val_rmse == theirs.lowest_val_rmse
    assert ours.result.end_reason == theirs.end_reason
    assert ours.result.trainer == theirs.trainer
    assert ours.result.best_val_rmse == pytest.approx(theirs.best_val_rmse, abs=1e-6)
    assert np.array_equal(ours.weights.view(np.uint32), _flat(model).view(np.uint32))
    np.testing.assert_allclose(
        ours.predict(split.valid, threads=1), predict(model, split.valid), rtol=0, atol=1e-5
    )
    assert parameters_of(split, config) == model.count_params()


def test_the_value_is_that_of_the_best_epoch_which_is_not_the_last(make_split: MakeSplit) -> None:
    split = make_split(train_rows=200)
    recipe = Recipe(model=MODEL, train=replace(TRAIN, epochs=30, patience=30), seed=1)
    alone = train_alone(split, recipe, threads=1)
    curve = [epoch.metrics["val_rmse"] for epoch in alone.result.epochs]
    assert alone.result.best_epoch == int(np.argmin(curve)) + 1 < len(curve)
    assert alone.result.best_val_rmse == min(curve)
    scores = alone.predict(split.valid, threads=2)
    assert alone.result.best_val_rmse == rmse(scores, split.valid.scores)
    assert set(alone.result.seconds) == {"build", "train", "evaluate"}


def test_a_refit_has_the_weights_of_a_refit_with_keras(make_split: MakeSplit) -> None:
    split, recipe = make_split(), Recipe(model=MODEL, train=TRAIN, seed=3)
    make_deterministic(3)
    model = build_for(split, MODEL, seed=3)
    refit(model, split, replace(TRAIN, trainer="compiled"), epochs=4)
    network = refit_alone(split, recipe, 4, threads=1)
    assert np.array_equal(network.weights.view(np.uint32), _flat(model).view(np.uint32))


def test_a_training_is_ended_by_who_hears_it(
    make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, recipe = make_split(), Recipe(model=MODEL, train=TRAIN, seed=3)
    two = train_alone(split, recipe, threads=1, on_epoch=lambda epoch: epoch.epoch < 2)
    assert [epoch.epoch for epoch in two.result.epochs] == [1, 2]
    assert two.result.end_reason == "pruned"
    monkeypatch.setattr("models.within_epoch._PAUSE_S", 0.0)
    inside = train_alone(split, recipe, threads=1, on_rows=lambda epoch, *_: epoch < 3)
    curves = [[epoch.metrics for epoch in each.result.epochs] for each in (inside, two)]
    assert curves[0] == curves[1]
    none = train_alone(split, recipe, threads=1, on_rows=lambda *_: False)
    assert none.result.epochs == ()
    assert np.isnan(none.result.best_val_rmse)


def test_another_trainer_is_refused() -> None:
    with pytest.raises(ModelsError, match="the compiled trainer alone can train, but `keras`"):
        Recipe(model=MODEL, train=replace(TRAIN, trainer="keras"), seed=1)


def test_the_result_is_what_models_calls_one(make_split: MakeSplit) -> None:
    import models

    alone = train_alone(make_split(), Recipe(model=MODEL, train=TRAIN, seed=1), threads=1)
    assert isinstance(alone, Alone)
    assert isinstance(alone.result, models.TrainResult)
    assert isinstance(alone.result.trainer, models.TrainerUsed)


@pytest.mark.parametrize("warm", ["", "from models.compiled.warm_up import warm_up; warm_up()"])
def test_neither_keras_nor_tensorflow_is_loaded(tmp_path: Path, warm: str) -> None:
    code = f"""
import sys
from pathlib import Path
from models import ModelConfig, TrainConfig, TrainResult, TrainerUsed, Epoch
from models.alone import Recipe, refit_alone, train_alone, parameters_of, write_weights
from models.data import load_ratings, split_ratings
from models import cores, within_epoch
{warm}
split = split_ratings(load_ratings("synthetic:0.001"), "random", seed=1)
for family in ("mlp", "gmf", "neumf"):
    config = ModelConfig(family=family, embedding_size=3, units=(4,), dropout=(0.5,))
    recipe = Recipe(model=config, train=TrainConfig(epochs=2), seed=1)
    alone = train_alone(split, recipe, threads=2)
    assert len(alone.result.epochs) == 2 and parameters_of(split, config) > 0
    write_weights(Path(sys.argv[1]) / family, refit_alone(split, recipe, 1, threads=1), split)
print({{"keras", "tensorflow"}} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "set()", done.stderr
