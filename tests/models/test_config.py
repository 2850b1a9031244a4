from __future__ import annotations

from typing import Any

import pytest

from models import (
    ModelConfig,
    ModelsError,
    TrainConfig,
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
