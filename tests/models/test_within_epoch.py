"""A training is heard, and can be ended, inside an epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models import ModelConfig, TrainConfig, build_model, make_deterministic, train
from models.compiled.stepping import passes
from models.data import Split
from models.fast.hearing import HearsRows
from models.within_epoch import EpochClock, all_go_on

MakeSplit = Callable[..., Split]
TINY = ModelConfig(embedding_size=3, units=(6,), dropout=(0.2,))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.within_epoch._PAUSE_S", 0.0)


class Heard:
    """Notes what is told; refuses in epoch `last`, once some of its rows are trained."""

    def __init__(self, last: int) -> None:
        self.told: list[tuple[int, float]] = []
        self._last = last

    def __call__(self, epoch: int, share: float, seconds: float) -> bool:
        assert seconds >= 0
        self.told.append((epoch, share))
        return epoch != self._last


def _model(split: Split, config: TrainConfig):  # type: ignore[no-untyped-def]
    make_deterministic(config.seed)
    return build_model(TINY, split.vocabulary, seed=config.seed)


@pytest.mark.usefixtures("trainer")
@pytest.mark.parametrize("batch_size", ["full", 16])
def test_a_refusal_ends_the_training_without_the_epoch_it_is_in(
    make_split: MakeSplit, batch_size: int | str
) -> None:
    split = make_split(train_rows=2_400)
    config = TrainConfig(epochs=9, batch_size=batch_size, learning_rate=0.05)
    heard = Heard(last=3)
    model = _model(split, config)
    result = train(model, split, config, on_rows=heard)
    assert [epoch.epoch for epoch in result.epochs] == [1, 2]
    assert result.end_reason == "pruned"
    assert {epoch for epoch, _ in heard.told} == {1, 2, 3}
    assert all(0 < share <= 1 for _, share in heard.told)
    assert sum(epoch == 3 for epoch, _ in heard.told) == 1
    two = _model(split, config)
    whole = train(two, split, config, lambda epoch: epoch.epoch < 2)
    assert result.best_val_rmse == whole.best_val_rmse
    for ours, theirs in zip(model.get_weights(), two.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.usefixtures("trainer")
def test_a_training_that_ends_inside_its_first_epoch_has_no_value(make_split: MakeSplit) -> None:
    split, config = make_split(train_rows=2_400), TrainConfig(epochs=9, batch_size=16)
    result = train(_model(split, config), split, config, on_rows=Heard(last=1))
    assert result.epochs == ()
    assert result.end_reason == "pruned"
    assert np.isnan(result.best_val_rmse)
    assert np.isnan(result.lowest_val_rmse)


def test_a_large_step_is_told_in_parts_and_keeps_its_bits(
    make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, config = make_split(train_rows=4_800), TrainConfig(epochs=2, batch_size="full")
    whole, parts = _model(split, config), _model(split, config)
    train(whole, split, config)
    monkeypatch.setattr(passes, "_ROWS", 512)
    heard = Heard(last=0)
    train(parts, split, config, on_rows=heard)
    # Shares of 1,200 rows: after 512, 1,024 and all of them.
    assert [share for epoch, share in heard.told if epoch == 1] == [512 / 1200, 1024 / 1200, 1.0]
    for ours, theirs in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("kind", [EpochClock, HearsRows])
def test_nothing_is_told_in_the_first_second(
    kind: type[EpochClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("models.within_epoch._PAUSE_S", 1.0)
    monkeypatch.setattr("models.within_epoch.time.perf_counter", lambda: now[0])
    told: list[tuple[int, float, float]] = []

    def hear(epoch: int, share: float, seconds: float) -> bool:
        told.append((epoch, share, seconds))
        return True

    hears = kind(hear)
    hears.on_epoch_begin(4)
    for seconds, share in ((0.9, 0.1), (1.5, 0.2), (2.0, 0.3), (2.6, 0.4)):
        now[0] = 100.0 + seconds
        assert all_go_on([hears, object()], share)
    assert told == [(5, 0.2, 1.5), (5, 0.4, pytest.approx(2.6))]
