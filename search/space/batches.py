"""Which batches are offered; without Keras, as the study itself asks too."""

from __future__ import annotations

from models.config import FULL_BATCH

_SIZES, _ROWS_A_RATING = (16_384, 4_096, 1_024, 256), 64


def batch_sizes(ids: int) -> list[str]:
    """The batches that are offered for so many users and movies, largest first.

    A dense optimizer moves all rows of all tables at each step, so that an epoch takes rows of
    tables by the batch: at most 64 for each rating. That leaves all sizes up to 16,384 ids.

    Args:
        ids: Rows of the tables of users and of movies together; 0 offers all.
    """
    small = [size for size in _SIZES if _ROWS_A_RATING * size >= ids]
    return [FULL_BATCH, *(str(size) for size in small or _SIZES[:1])]
