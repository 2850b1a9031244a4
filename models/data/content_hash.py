"""Hash ratings by their content alone; neither file format nor reading in pieces matters."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.table import PARTS, RatingTable

_CHUNK_ROWS = 1 << 18


class _ColumnDigest:
    """The SHA-256 of one column, updated piece by piece."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._kind: str | None = None
        self._encoded: dict[str, bytes] = {}

    def update(self, values: NDArray[Any], *, kind: str) -> None:
        """Add the column's next values; every call names the same column type as `kind`."""
        if self._kind is None:
            self._kind = kind
            self._sha.update(kind.encode())
        assert self._kind == kind, "a column keeps its type from chunk to chunk"
        self._sha.update(self._strings(values) if kind == "text" else values.tobytes())

    def _strings(self, values: NDArray[Any]) -> bytes:
        """Write each string as its length in bytes (8 bytes, little-endian) and its UTF-8."""
        rows = values.tolist()
        for text in set(rows) - self._encoded.keys():
            data = text.encode()
            self._encoded[text] = len(data).to_bytes(8, "little") + data
        return b"".join(map(self._encoded.__getitem__, rows))

    def digest(self) -> bytes:
        return self._sha.digest()


class ContentHasher:
    """Computes the SHA-256 of ratings that arrive some rows at a time, in pieces of any size.

    Each column has its own running digest. Ids go in as little-endian int64 or as length-prefixed
    UTF-8, scores as little-endian float32 (-0.0 as 0.0), times as int64 seconds, or not at all.
    The hash is the digest of those four digests and of the number of rows.

    Example:
        >>> ids, scores = np.array([7, 9]), np.array([4, 2], np.float32)
        >>> whole, by_row = ContentHasher(), ContentHasher()
        >>> whole.update(ids, ids, scores, None)
        >>> for row in (slice(0, 1), slice(1, 2)):
        ...     by_row.update(ids[row], ids[row], scores[row], None)
        >>> by_row.hexdigest() == whole.hexdigest()
        True
    """

    def __init__(self) -> None:
        self._columns = [_ColumnDigest() for _ in range(4)]
        self._rows = 0

    def update(
        self,
        users: NDArray[Any],
        movies: NDArray[Any],
        scores: NDArray[np.float32],
        timestamps: NDArray[np.int64] | None,
    ) -> None:
        """Add the next rows to the hash.

        Args:
            users: Raw ids, int64 or objects of str, `[row]`.
            movies: Raw ids, int64 or objects of str, `[row]`.
            scores: Scores, `[row]`.
            timestamps: Seconds since 1970, `[row]`, or None, the same for every chunk.
        """
        for column, ids in zip(self._columns, (users, movies), strict=False):
            text = ids.dtype == object
            column.update(ids if text else ids.astype("<i8"), kind="text" if text else "int")
        self._columns[2].update(scores.astype("<f4") + np.float32(0), kind="score")
        if timestamps is not None:
            self._columns[3].update(timestamps.astype("<i8"), kind="seconds")
        self._rows += len(scores)

    def hexdigest(self) -> str:
        """Return the SHA-256 of all rows added so far, in hexadecimal."""
        whole = hashlib.sha256()
        for column in self._columns:
            whole.update(column.digest())
        whole.update(self._rows.to_bytes(8, "little"))
        return whole.hexdigest()


def content_hash(table: RatingTable, *, chunk_rows: int = _CHUNK_ROWS) -> str:
    """Compute the SHA-256 of a whole table of ratings.

    Args:
        table: Scored rows.
        chunk_rows: Rows taken at a time; the result does not depend on it.

    Returns:
        The SHA-256 in hexadecimal. Of ratings that came split already it covers the number of rows
        of each part too.
    """
    hasher = ContentHasher()
    users, movies = table.users, table.movies
    for start in range(0, len(table.scores), chunk_rows):
        rows = slice(start, start + chunk_rows)
        hasher.update(
            users.values[users.codes[rows]],
            movies.values[movies.codes[rows]],
            table.scores[rows],
            None if table.timestamps is None else table.timestamps[rows],
        )
    if table.part is None:
        return hasher.hexdigest()
    rows_of_parts = np.bincount(table.part, minlength=len(PARTS)).astype("<i8")
    return hashlib.sha256(hasher.hexdigest().encode() + rows_of_parts.tobytes()).hexdigest()
