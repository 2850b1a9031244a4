from __future__ import annotations

import keras
from hypothesis import given, settings
from hypothesis import strategies as st

from models import EarlyStop, published_curve, published_rmse


def test_early_stopping_replayed_on_the_published_curve() -> None:
    stop = EarlyStop(patience=30, min_delta=0.001)
    for point in published_curve():
        stop.update(point.val_rmse)
        if stop.done:
            break
    assert (stop.epoch, stop.best_epoch) == (84, 54)
    assert round(stop.best, 4) == 0.8396 == round(published_rmse(), 4)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(0.5, 2.0) | st.just(float("nan")), min_size=1, max_size=40),
    patience=st.integers(1, 6),
    min_delta=st.sampled_from([0.0, 0.001, 0.1]),
)
def test_stopping_is_keras_own_rule(values: list[float], patience: int, min_delta: float) -> None:
    values = [1.5, *values]
    theirs = keras.callbacks.EarlyStopping("v", min_delta=min_delta, patience=patience, mode="min")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.stop_training = False
    theirs.set_model(model)
    theirs.on_train_begin()
    ours = EarlyStop(patience=patience, min_delta=min_delta)
    for epoch, value in enumerate(values):
        theirs.on_epoch_end(epoch, {"v": value})
        ours.update(value)
        assert model.stop_training == ours.done
        if ours.done:
            break
    assert ours.best_epoch == theirs.best_epoch + 1
    assert ours.best == theirs.best


def test_a_value_that_rises_for_so_many_epochs_stops_before_patience_does() -> None:
    def stopped(values: list[float], **given: int) -> int | None:
        stop = EarlyStop(patience=99, min_delta=0.0, overfit_patience=3, **given)
        for value in values:
            stop.update(value)
            if stop.done:
                return stop.epoch
        return None

    assert stopped([5, 4, 3, 4, 5, 6, 7]) == 6
    assert stopped([5, 4, 3, 4, 5, 5, 6, 7, 6, 7, 8, 7]) is None
    assert stopped([5, 4, 3, 4, 5, 2, 3, 4, 5]) == 9
    assert stopped([5, 4, 3, 4, float("nan"), 5, 6, 7, 8]) == 9  # what follows NaN is no rise
    # The epochs of samples that grow are not asked: only those after the fourth rise.
    assert stopped([1, 2, 3, 4, 5, 6, 7, 8], warm_up=4) == 7
    stop = EarlyStop(patience=9, min_delta=0.0)
    for value in range(9):
        stop.update(value)
    assert not stop.done


def test_patience_counts_after_the_last_stage() -> None:
    stop = EarlyStop(patience=2, min_delta=0.0, warm_up=4)
    ends = []
    for value in (1.0, 2.0, 2.0, 2.0, 2.0, 2.0):
        stop.update(value)
        ends.append(stop.done)
    assert ends == [False, False, False, False, False, True]
