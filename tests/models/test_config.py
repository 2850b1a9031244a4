from __future__ import annotations

from typing import Any

import pytest

from models import (
    FULL_BATCH,
    ModelConfig,
    ModelsError,
    TrainConfig,
    as_written,
    baseline,
    published,
    published_curve,
)

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"embedding_size": 0}, "0"),
        ({"embedding_size": 65_537}, "65537"),
        ({"units": (65_537,), "dropout": (0.0,)}, "65537"),
        ({"units": (128, 0, 32)}, "0"),
        ({"units": (8,)}, "[0.6, 0.5, 0.0]"),
        ({"dropout": (0.1,)}, "[0.1]"),
        ({"dropout": (0.1, 0.2, 1.0)}, "1.0"),
        ({"dropout": (-0.1, 0.2, 0.0)}, "-0.1"),
        ({"dropout": (NAN, 0.2, 0.0)}, "nan"),
        ({"activation": "rellu"}, "'rellu'"),
        ({"output_activation": "tanh"}, "'tanh'"),
        ({"l2_kernel": -0.01}, "-0.01"),
        ({"l2_kernel": NAN}, "nan"),
        ({"l2_embedding": -1}, "-1"),
        ({"l2_embedding": INF}, "inf"),
        ({"embedding_size": 1.5}, "1.5"),
        ({"embedding_size": True}, "true"),
        ({"output_bias": "mean"}, "'mean'"),
        ({"output_bias": INF}, "inf"),
        ({"output_bias": NAN}, "nan"),
        ({"output_bias": True}, "true"),
    ],
)
def test_a_model_value_that_breaks_its_rule_is_named(values: dict[str, Any], shown: str) -> None:
    _refused(ModelConfig, values, shown, of=("dropout" if "units" in values else None))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"optimizer": "adagrad"}, "'adagrad'"),
        ({"learning_rate": 0.0}, "0.0"),
        ({"learning_rate": NAN}, "nan"),
        ({"learning_rate": INF}, "inf"),
        ({"batch_size": True}, "true"),
        ({"batch_size": 0}, "0"),
        ({"batch_size": "half"}, "'half'"),
        ({"batch_size": 1.5}, "1.5"),
        ({"epochs": 0}, "0"),
        ({"seed": -1}, "-1"),
        ({"seed": 2**32}, "4294967296"),
        ({"patience": -1}, "-1"),
        ({"overfit_patience": -1}, "-1"),
        ({"min_delta": -0.001}, "-0.001"),
        ({"min_delta": NAN}, "nan"),
    ],
)
def test_a_training_value_that_breaks_its_rule_is_named(values: dict[str, Any], shown: str) -> None:
    _refused(TrainConfig, values, shown)


def _refused(make: type, values: dict[str, Any], shown: str, of: str | None = None) -> None:
    with pytest.raises(ModelsError) as caught:
        make(**values)
    message = str(caught.value)
    names = [name for name in (*values, of) if name]
    assert any(message.startswith(f"`{name}` ") for name in names)
    assert f"but got {shown}." in message
    assert "\n" not in message


def test_the_message_of_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelsError, match="adam, adamw, nadam, rmsprop, sgd"):
        TrainConfig(optimizer="ADAM")


def test_the_baseline_is_the_published_recipe() -> None:
    model, train = baseline()
    assert (model.embedding_size, model.units) == (15, (128, 64, 32))
    assert model.dropout == (0.6, 0.5, 0.0)
    assert (model.l2_kernel, model.l2_embedding, model.output_bias) == (0.01, 0.0, 7.0)
    assert (train.optimizer, train.learning_rate, train.batch_size) == ("adam", 0.01, FULL_BATCH)
    assert (train.epochs, train.patience, train.min_delta) == (100, 30, 0.001)
    assert train.overfit_patience == 0
    assert published()["recipe"]["output_bias"] == model.output_bias


def test_as_written_differs_in_its_layers_alone() -> None:
    assert as_written()[1] == baseline()[1]
    assert as_written()[0].units == (128, 64, 32, 16)
    assert as_written()[0].dropout == (0.6, 0.5, 0.4, 0.0)


def test_the_published_curve_is_read_column_by_column() -> None:
    first = published_curve()[0]
    assert (first.epoch, first.seconds, first.loss) == (1, 15, 13.6929)
    assert (first.rmse, first.val_loss, first.val_rmse) == (3.4515, 12.5734, 3.3108)
    assert [point.epoch for point in published_curve()] == list(range(1, 85))
