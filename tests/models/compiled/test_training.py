"""The compiled trainer from weights in to weights out: bits, Keras' steps, and what it refuses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quickly import cases

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
from models.compiled.fit import Job, fit, start_of
from models.compiled.origin import Origin, origin_of
from models.compiled.stepping.passes import LARGE
from models.data import Split, load_ratings, split_ratings
from models.evaluation import rmse

ROOT = Path(__file__).resolve().parents[3]
MLP = ModelConfig(embedding_size=4, units=(12, 6), dropout=(0.5, 0.2), l2_embedding=1e-4)
NEUMF = replace(MLP, family="neumf", factors=5, factor_dropout=0.3, activation="silu")


@pytest.fixture(scope="module")
def split() -> Split:
    return split_ratings(load_ratings("synthetic:0.002"), "random", seed=1)


def _bits(split: Split, config: ModelConfig, size: int | str, threads: int) -> str:
    make_deterministic(3)
    model = build_for(split, config, seed=3)
    training = TrainConfig(epochs=2, batch_size=size, seed=3)
    origin = origin_of(model)
    assert isinstance(origin, Origin)
    rows = len(split.train)
    job = Job(
        train=split.train, valid=None, config=training, by_epoch=[rows // 2, rows], steps=9,
        threads=threads,
    )  # fmt: skip
    trained = fit(start_of(model, origin), origin, job, None).get_weights()[0]
    return hashlib.sha256(trained.tobytes()).hexdigest()


@pytest.mark.parametrize("size", cases(["full", 100], [LARGE]))
@pytest.mark.parametrize("config", cases([NEUMF], [MLP]), ids=["neumf", "mlp"])
def test_bits_do_not_depend_on_threads(split: Split, config: ModelConfig, size: int | str) -> None:
    assert len(split.train) > 2 * LARGE
    found = {_bits(split, config, size, threads) for threads in (1, 2, 4)}
    assert len(found) == 1


@pytest.mark.slow
def test_nor_on_the_process(split: Split) -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from test_training import MLP, _bits\n"
        "from models.data import load_ratings, split_ratings\n"
        "split = split_ratings(load_ratings('synthetic:0.002'), 'random', seed=1)\n"
        "print(_bits(split, MLP, 'full', 2))\n"
    )
    support = ROOT / "tests" / "support"
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(support)],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == _bits(split, MLP, "full", 1)


@pytest.mark.parametrize("family", cases(["neumf"], ["mlp", "gmf"]))
@pytest.mark.parametrize("size", ["full", 64])
def test_an_epoch_is_that_of_the_other_trainer_where_nothing_is_drawn(
    split: Split, family: str, size: int | str
) -> None:
    """Stock Keras would not add up a table row's gradients; the fast trainer does as we do."""
    config = replace(MLP, family=family, factors=5, dropout=(0.0, 0.0), l2_bias=1e-3)
    few = replace(split, train=_first(split, 500)) if size == 64 else split
    found = []
    for trainer in ("compiled", "fast"):
        make_deterministic(3)
        model = build_for(few, config, seed=3)
        training = TrainConfig(
            optimizer="sgd", learning_rate=0.01, epochs=1, batch_size=size, trainer=trainer,
        )  # fmt: skip
        if size == 64:  # the orders are other draws: one batch alone
            few = replace(split, train=_first(split, 64))
        found.append((train(model, few, training), model.get_weights()))
    (ours, mine), (theirs, stock) = found
    assert ours.trainer.name == "compiled"
    for name, value in theirs.epochs[0].metrics.items():
        assert ours.epochs[0].metrics[name] == pytest.approx(value, rel=1e-4), name
    for one, other in zip(mine, stock, strict=True):
        assert np.abs(one - other).max() <= 1e-4 * np.abs(other).max()


def test_samples_grow_and_step_sizes_fall_as_with_the_other_trainer(split: Split) -> None:
    config = replace(MLP, dropout=(0.0, 0.0))
    curves = []
    for trainer in ("compiled", "fast"):
        make_deterministic(3)
        training = TrainConfig(
            growth=((0.25, 2), (0.5, 1)), epochs=5, schedule="cosine", trainer=trainer,
        )  # fmt: skip
        result = train(build_for(split, config, seed=3), split, training)
        curves.append([epoch.metrics["val_rmse"] for epoch in result.epochs])
    assert len(curves[0]) == 5
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)


def _first(split: Split, rows: int):
    part = split.train
    return type(part)(*(c[:rows] for c in (part.users, part.movies, part.scores, part.rows)))


def test_the_value_is_the_rmse_of_the_best_epoch_and_that_of_keras_to_a_millionth(
    split: Split,
) -> None:
    model = build_for(split, NEUMF, seed=1)
    result = train(model, split, TrainConfig(epochs=3, batch_size=256))
    assert result.trainer.name == "compiled"
    of_keras = rmse(predict(model, split.valid), split.valid.scores)
    assert result.best_val_rmse == pytest.approx(of_keras, abs=1e-6)
    assert result.best_val_rmse == result.epochs[result.best_epoch - 1].metrics["val_rmse"]


def test_a_refit_learns_from_both_parts(split: Split) -> None:
    model = build_for(split, MLP, seed=1)
    before = rmse(predict(model, split.valid), split.valid.scores)
    config = TrainConfig(epochs=30, batch_size=512)
    assert refit(model, split, config, epochs=12).name == "compiled"
    assert rmse(predict(model, split.valid), split.valid.scores) < before / 2


def test_a_model_of_anybody_else_is_left_to_the_others(split: Split, tmp_path: Path) -> None:
    import keras

    path = tmp_path / "model.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras' own, when it saves
        build_for(split, MLP, seed=1).save(path)
    loaded = keras.saving.load_model(path)
    assert train(loaded, split, TrainConfig(epochs=1)).trainer.name == "fast"
    with pytest.raises(ModelsError, match=r"not built by `build_model`. Use the trainer `auto`"):
        train(loaded, split, TrainConfig(epochs=1, trainer="compiled"))


def test_all_is_compiled_before_anyone_waits() -> None:
    """Functions that Python calls have their one signature after the warm-up, in a new process."""
    code = (
        "from models.compiled.warm_up import warm_up\n"
        "warm_up()\n"
        "import numba.extending, sys\n"
        "from numba.core.registry import CPUDispatcher as Compiled\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('models.compiled'):\n"
        "        for own, value in vars(module).items():\n"
        "            if isinstance(value, Compiled) and value.__module__ == name:\n"
        "                if not value.targetoptions.get('forceinline') and not value.signatures:\n"
        "                    print(name, own)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    missing = set(done.stdout.split("\n")) - {""}
    called_by_compiled_code_alone = {
        "models.compiled.activations _smooth_slope",
        "models.compiled.stepping.waiting move_waiting",
    }
    assert missing <= called_by_compiled_code_alone
