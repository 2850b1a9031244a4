from __future__ import annotations

from models import published_curve


def test_the_published_curve_is_read_column_by_column() -> None:
    first = published_curve()[0]
    assert (first.epoch, first.seconds, first.loss) == (1, 15, 13.6929)
    assert (first.rmse, first.val_loss, first.val_rmse) == (3.4515, 12.5734, 3.3108)
    assert [point.epoch for point in published_curve()] == list(range(1, 85))
