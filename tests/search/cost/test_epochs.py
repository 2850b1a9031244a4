"""What is known of an epoch's cost before it is trained."""

from __future__ import annotations

from typing import Any

import pytest

from models.compiled import lanes, weights
from models.compiled.stepping import hands, passes
from search.cost import epochs, work
from search.cost.epochs import EpochCost
from search.cost.work import Size, Work

SMALL = Size(train_rows=50_000, valid_rows=12_000, user_rows=600, movie_rows=9_000)
MANY_IDS = Size(train_rows=5_000_000, valid_rows=1_200_000, user_rows=138_000, movie_rows=16_000)
GMF = {"family": "gmf", "factors": 32, "batch_size": "256", "optimizer": "adam"}
MLP = {
    "family": "mlp", "layers": 2, "units_1": 64, "units_2": 20, "dropout_1": 0.5, "dropout_2": 0.0,
    "activation": "relu", "embedding_size": 10, "batch_size": "full", "optimizer": "adam",
    "l2_embedding": 1e-3,
}  # fmt: skip


@pytest.mark.parametrize("values", [GMF, MLP, GMF | {"optimizer": "lazy_adam"}])
def test_every_amount_of_work_has_its_time(values: dict[str, Any]) -> None:
    shape = Work.of(values, SMALL, SMALL.train_rows)
    assert shape.train().keys() == epochs.TRAIN_NS.keys()
    assert shape.valid().keys() == epochs.VALID_NS.keys()


def test_the_work_of_matrix_factorisation_by_hand() -> None:
    """196 steps of 256 rows; with dense Adam all rows of two tables of vectors wait for a batch,
    two sixteens each, and the biases are moved whole."""
    done = Work.of(GMF, SMALL, 50_000).train()
    assert (done["step"], done["row"], done["factor"]) == (196, 50_000, 50_000 * 32)
    assert done["late line"] == 196 * 9_600 * 2
    assert done["table weight"] == 196 * 9_600
    assert done["kernel weight"] == 196 * 32
    assert done["met line"] == done["passed line"] == done["product"] == 0


def test_the_work_of_layers_by_hand() -> None:
    """One step; its first layer is worked out once an id, and half of 64 units, half of them
    dropped, meet 20 units, padded to 32."""
    shape = Work.of(MLP, SMALL, 50_000)
    done = shape.train()
    assert done["shared product"] == 9_600 * 20 / 2 * 64
    assert done["product"] == 50_000 * (64 * 0.5 * 0.5) * 32
    assert done["table weight"] == 9_600 * 10
    assert done["kernel weight"] == 21 * 64 + 65 * 20 + 21
    assert done["masked unit"] == 50_000 * 64
    assert shape.valid()["product"] == 12_000 * (64 * 0.5) * 32


def test_dense_steps_over_many_ids_cost_minutes_and_those_by_row_seconds() -> None:
    """As measured: minutes and 3 seconds."""
    cost = EpochCost(MANY_IDS)
    assert cost.seconds(GMF) > 60
    assert cost.seconds(GMF | {"optimizer": "lazy_adam", "l2_rating": 0.02}) < 15


def test_threads_share_large_batches_and_the_validation_alone() -> None:
    one, two = (EpochCost(Size(**SMALL_FIELDS, threads=n)) for n in (1, 2))
    assert two.seconds(MLP) == pytest.approx(one.seconds(MLP) / 2)
    small = GMF | {"batch_size": "256"}
    shape = Work.of(small, SMALL, 50_000)
    valid = sum(epochs.VALID_NS[name] * amount for name, amount in shape.valid().items()) / 1e9
    assert one.seconds(small) - two.seconds(small) == pytest.approx(valid / 2)


SMALL_FIELDS = {"train_rows": 50_000, "valid_rows": 12_000, "user_rows": 600, "movie_rows": 9_000}


def test_the_median_of_the_latest_trials_corrects_the_estimate() -> None:
    cost = EpochCost(SMALL)
    before = {name: cost.seconds(values) for name, values in {"gmf": GMF, "mlp": MLP}.items()}
    for factor in (2.0, 9.0, 3.0):
        cost.learn(GMF, factor * before["gmf"])
    assert cost.factor == pytest.approx(3.0)
    assert cost.seconds(MLP) == pytest.approx(3.0 * before["mlp"])
    for _ in range(25):  # the first ones are forgotten
        cost.learn(MLP, before["mlp"])
    assert cost.factor == pytest.approx(1.0)


def test_an_epoch_over_a_sample_costs_less() -> None:
    cost = EpochCost(SMALL)
    assert cost.seconds(GMF, 0.1) < 0.2 * cost.seconds(GMF)


def test_what_the_estimate_knows_of_the_trainer_is_so() -> None:
    """It is kept apart, since the trainer needs Numba and the study does without."""
    assert work.LARGE == passes.LARGE
    assert epochs._SHARES == hands.SHARES
    assert work._LONG == weights._LONG
    assert work._LANES == lanes.COUNT
