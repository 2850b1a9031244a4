"""Random bits from counters: their distribution, and what they depend on."""

from __future__ import annotations

import numpy as np
import pytest

from models.compiled.counters import key_of, shuffle, word
from models.compiled.network.forward import draw_masks
from models.compiled.origin import Origin
from models.compiled.plan import plan_of
from models.compiled.space import make_space
from models.config import ModelConfig


def _masks(rate: float, rows: int, *, epoch: int = 0, seed: int = 1) -> np.ndarray:
    """The first layer's masks of some rows, `[row, unit]`."""
    plan = plan_of(Origin(ModelConfig(units=(60, 8), dropout=(rate, 0.5)), 2, 2, None))
    space, key, drawn = make_space(plan, np.float32), key_of(seed, 1, epoch), []
    for row in range(rows):
        draw_masks(plan, space, key, np.uint64(row * plan.row_words), 0)
        drawn.append(space.kept[plan.line : plan.line + 60].copy())
    return np.array(drawn)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.6, 0.9])
def test_a_mask_has_its_rate_and_mean_one(rate: float) -> None:
    masks = _masks(rate, 4000)
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1 / (1 - rate))}
    deviation = np.sqrt(rate * (1 - rate) / masks.size)
    assert abs((masks == 0).mean() - rate) < 5 * deviation
    each = (masks == 0).mean(axis=0)  # of every unit, each quarter of a word alike
    assert np.abs(each - rate).max() < 5 * np.sqrt(rate * (1 - rate) / 4000)


@pytest.mark.parametrize("rate", [0.3, 0.6])
def test_a_unit_is_dropped_by_its_own_sixteen_bits_of_its_words(rate: float) -> None:
    key = key_of(1, 1, 0)
    for row, mask in enumerate(_masks(rate, 20)):
        for unit in range(60):
            # A row has 25 words: 8 for the input's 30 units, 15 for the first layer's, 2 for 8.
            bits = int(word(key, np.uint64(row * 25 + 8 + unit // 4)))
            kept = (bits >> 16 * (unit % 4)) % 65_536 >= round(rate * 65_536)
            assert (mask[unit] > 0) == kept, (row, unit)


def test_masks_are_independent_over_units_rows_and_epochs() -> None:
    masks = (_masks(0.5, 4000) > 0).astype(float) - 0.5
    other = (_masks(0.5, 4000, epoch=1) > 0).astype(float) - 0.5
    limit = 5 / np.sqrt(4000)
    for one, two in ((masks[:, :-1], masks[:, 1:]), (masks[:-1], masks[1:]), (masks, other)):
        assert np.abs(4 * (one * two).mean(axis=0)).max() < limit


def test_masks_are_the_same_for_the_same_seed_and_epoch_alone() -> None:
    first = _masks(0.5, 50)
    assert np.array_equal(first, _masks(0.5, 50))
    assert not np.array_equal(first, _masks(0.5, 50, seed=2))
    assert not np.array_equal(first, _masks(0.5, 50, epoch=1))


def test_an_order_is_of_all_rows_and_every_place_is_as_likely() -> None:
    order, counts = np.zeros(6, np.int64), np.zeros((6, 6))
    for epoch in range(6000):
        shuffle(order, key_of(1, 2, epoch))
        assert sorted(order) == [0, 1, 2, 3, 4, 5]
        counts[np.arange(6), order] += 1
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 5 / 6)
