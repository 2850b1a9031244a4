"""What a trial holds in memory, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from search.cost.memory import MemoryCost
from search.cost.work import Size, Work

SIZE = Size(train_rows=50_000, valid_rows=12_000, user_rows=600, movie_rows=9_000)
GMF = {"family": "gmf", "factors": 32, "batch_size": "256", "optimizer": "adam"}
MLP = {
    "family": "mlp", "layers": 1, "units_1": 64, "dropout_1": 0.5, "activation": "relu",
    "embedding_size": 10, "batch_size": "full", "optimizer": "adam",
}  # fmt: skip


def _held(values: dict[str, Any]) -> int:
    return Work.of(values, SIZE, SIZE.train_rows).held_bytes


def test_small_batches_hold_six_numbers_a_weight_and_large_ones_eleven() -> None:
    weights = 9_600 * 33 + 32
    assert _held(GMF) == 6 * 4 * weights
    assert _held(GMF | {"batch_size": "4096"}) == 11 * 4 * weights


def test_a_first_layer_that_is_shared_is_there_five_times() -> None:
    weights = 9_600 * 10 + 21 * 64 + 65
    assert _held(MLP) == 4 * (11 * weights + 5 * 9_600 * 64)
    assert _held(MLP | {"embedding_dropout": 0.2}) == 4 * 11 * weights


def test_what_a_process_holds_besides_is_the_median_of_the_trials() -> None:
    cost = MemoryCost(SIZE)
    assert cost.peak_mb(GMF) is None
    for besides in (400.0, 900.0, 500.0):
        cost.learn(GMF, besides + _held(GMF) / 1e6)
    assert cost.peak_mb(MLP) == pytest.approx(500.0 + _held(MLP) / 1e6)
