"""What an epoch of a configuration has to do, as amounts of work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from models.config import FULL_BATCH, ROW_OPTIMIZERS
from search.space.weights import model_of

LARGE = 2_048
"""Rows of a batch from which on threads share it, and tables are moved whole."""

_LANES = 16  # numbers that are worked on at once
_LONG = 8  # weights of a table's row that is moved by itself in steps on small batches
_NEAR, _DISTANT = 1e6, 2e7  # bytes of tables that stay near a core, and that no cache holds


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much a study's trials train on, and with what.

    Attributes:
        train_rows: Ratings of the train part.
        valid_rows: Ratings of the validation part.
        user_rows: Rows of a table of users.
        movie_rows: Rows of a table of movies.
        threads: Threads that a trial uses.
    """

    train_rows: int
    valid_rows: int
    user_rows: int
    movie_rows: int
    threads: int = 1


class _Table(NamedTuple):
    """A table of vectors or biases: its rows, a row's weights, whether a penalty moves all rows."""

    rows: int
    width: int
    is_penalised: bool

    @property
    def lines(self) -> int:
        """Sixteens of weights in a row, the last one not full."""
        return -(-self.width // _LANES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a configuration has to do with the rows of an epoch.

    Attributes:
        size: Of the study.
        rows: Train rows of the epoch.
        batch: Rows of a step.
        vectors: Length of the layers' input; 0 without layers.
        widths: Of the hidden layers, padded.
        on: Units of each layer that are worked on in training, on average.
        on_valid: The same without dropout.
        is_smooth: Whether the activation is no ReLU.
        factors: Length of the vectors that are multiplied; 0 without a product.
        masked: Units that have a dropout mask.
        drops_vectors: Whether the layers' input is masked, so that each row works its own out.
        tables: All tables.
        kernels: All weights of no table.
        by_row: Whether the optimizer moves only the rows that a batch has.
        sums_rows: Whether it has one number a row, as row-wise Adagrad.
        pulls: Weights that a rating pays a penalty for.
    """

    size: Size
    rows: int
    batch: int
    vectors: int
    widths: tuple[int, ...]
    on: tuple[float, ...]
    on_valid: tuple[float, ...]
    is_smooth: bool
    factors: int
    masked: int
    drops_vectors: bool
    tables: tuple[_Table, ...]
    kernels: int
    by_row: bool
    sums_rows: bool
    pulls: int

    @classmethod
    def of(cls, values: Mapping[str, Any], size: Size, rows: int) -> Work:
        """Read a configuration.

        Args:
            values: All active parameters' values, by name.
            size: Of the study.
            rows: Train rows of the epoch.
        """
        model = model_of(values)
        own = model.movie_embedding_size or model.embedding_size
        vectors = model.embedding_size + own if model.family != "gmf" else 0
        factors = (model.factors or model.embedding_size) if model.family != "mlp" else 0
        rates = [_number(values, f"dropout_{n}") for n in range(1, len(model.units) + 1)]
        is_smooth = vectors > 0 and values.get("activation", "relu") != "relu"
        half = 1.0 if is_smooth else 0.5  # of ReLU's units about half are on
        drops = vectors > 0 and _number(values, "embedding_dropout") > 0
        masked = sum(unit for unit, rate in zip(model.units, rates, strict=True) if rate > 0)
        masked += vectors * drops + factors * (_number(values, "factor_dropout") > 0)
        batch = values.get("batch_size", FULL_BATCH)
        optimizer = values.get("optimizer", "adam")
        return cls(
            size=size,
            rows=rows,
            batch=rows if batch == FULL_BATCH else min(rows, int(batch)),
            vectors=vectors,
            widths=tuple(-(-unit // _LANES) * _LANES for unit in model.units),
            on=tuple(u * (1 - rate) * half for u, rate in zip(model.units, rates, strict=True)),
            on_valid=tuple(unit * half for unit in model.units),
            is_smooth=is_smooth,
            factors=factors,
            masked=masked,
            drops_vectors=drops,
            tables=tuple(_tables(size, (model.embedding_size, own, vectors, factors), values)),
            kernels=_kernels(vectors, model.units) + factors,
            by_row=optimizer in ROW_OPTIMIZERS,
            sums_rows=optimizer == "rowwise_adagrad",
            pulls=(vectors + factors) * (_number(values, "l2_rating") > 0),
        )

    @property
    def ids(self) -> int:
        """Users and movies together."""
        return self.size.user_rows + self.size.movie_rows

    @property
    def is_small(self) -> bool:
        """Whether one thread takes steps, and moves long rows of tables one by one."""
        return self.batch < LARGE

    @property
    def table_bytes(self) -> int:
        """Bytes of all tables."""
        return 4 * sum(table.rows * table.width for table in self.tables)

    @property
    def held_bytes(self) -> int:
        """Bytes that a trial holds for its weights.

        Every weight is there in Keras' model, in training, with its gradient and two moments, and
        as a copy of the best epoch; where threads share a batch, with a sum for each share and
        their sums in turn. A first layer that is worked out for each id is there once, and once for
        each share.
        """
        weights = self.table_bytes + 4 * self.kernels
        shared = self._shares(self.batch) and not self.drops_vectors and not self.is_small
        first = 4 * self.ids * self.widths[0] if shared else 0
        return weights * (6 if self.is_small else 11) + 5 * first

    @property
    def is_far(self) -> bool:
        """Whether the tables are too large to stay near a core."""
        return self.table_bytes > _NEAR

    @property
    def distant_lines(self) -> int:
        """Sixteens of weights that a rating looks up in tables that no cache holds."""
        looked_up = sum(table.lines for table in self.tables)
        return looked_up if self.table_bytes > _DISTANT else 0

    def train(self) -> dict[str, float]:
        """Amounts of work of an epoch's training, by the names of `TRAIN_NS`."""
        first = self.widths[0] if self.widths else 0
        own = 0.0 if self._shares(self.batch) and not self.drops_vectors else 1.0
        products = sum(on * width for on, width in zip(self.on, self.widths[1:], strict=False))
        products += own * self.vectors * first
        return self._steps() | {
            "row": self.rows,
            "far row": self.rows * self.is_far,
            "distant line": self.rows * self.distant_lines,
            "product": self.rows * products,
            "smooth unit": self.rows * self.is_smooth * sum(self.widths),
            "unit": self.rows * sum(self.widths),
            "masked unit": self.rows * self.masked,
            "factor": self.rows * self.factors,
            "vector": self.rows * self.vectors,
            "shared unit": (1 - own) * self.rows * first,
            "pulled row": self.rows * (self.pulls > 0),
            "pulled weight": self.rows * self.pulls,
        }

    def _steps(self) -> dict[str, float]:
        """Amounts of work that a step has, whatever its rows."""
        steps = -(-self.rows // self.batch)
        first = self.widths[0] if self.widths else 0
        shared = self._shares(self.batch) and not self.drops_vectors
        # Of a batch's movies and users some are the same.
        met = min(2.0 * self.batch, self.ids * -math.expm1(-1.3 * self.batch / self.ids))
        late, passed, whole, own = (0.0,) * 4
        for table in self.tables:
            if self.by_row and not table.is_penalised:
                own += met * table.rows / self.ids * table.lines
            elif self.is_small and table.width >= _LONG:
                late += table.rows * table.lines
            elif self.by_row:
                passed += table.rows * table.lines
            else:
                whole += table.rows * table.width
        return {
            "step": steps,
            "kernel weight": steps * self.kernels,
            "shared product": shared * steps * self.ids * self.vectors / 2 * first,
            "table weight": steps * whole,
            "far table weight": steps * whole * self.is_far,
            "passed line": steps * passed * (not self.sums_rows),
            "passed row": steps * passed * self.sums_rows,
            "late line": steps * late,
            "met id": steps * met * self.is_small * (own + late > 0),
            "met line": steps * own * self.is_small,
            "shared id": steps * met * (not self.is_small) * (own > 0),
            "shared line": steps * own * (not self.is_small),
        }

    def valid(self) -> dict[str, float]:
        """Amounts of work of scoring the validation rows, by the names of `VALID_NS`."""
        rows = self.size.valid_rows
        first = self.widths[0] if self.widths else 0
        shared = float(self._shares(rows))
        pairs = zip(self.on_valid, self.widths[1:], strict=False)
        return {
            "row": rows,
            "far row": rows * self.is_far,
            "distant line": rows * self.distant_lines,
            "product": rows * sum(on * width for on, width in pairs),
            "smooth unit": rows * self.is_smooth * sum(self.widths),
            "unit": rows * sum(self.widths),
            "factor": rows * self.factors,
            "shared product": shared * self.ids * self.vectors / 2 * first,
            "first product": (1 - shared) * rows * self.vectors * first,
        }

    def _shares(self, rows: int) -> bool:
        """Whether the first layer is worked out once for each user and movie."""
        return bool(self.widths) and 2 * rows >= self.ids


def _tables(
    size: Size, lengths: tuple[int, int, int, int], values: Mapping[str, Any]
) -> Iterator[_Table]:
    """A configuration's tables, given the lengths of a user's and a movie's vector, of both that
    the layers read, and of those that are multiplied."""
    user, movie, vectors, factors = lengths
    on_vectors, on_biases = (_number(values, name) > 0 for name in ("l2_embedding", "l2_bias"))
    if vectors:
        yield _Table(size.user_rows, user, on_vectors)
        yield _Table(size.movie_rows, movie, on_vectors)
    if factors:
        for rows in (size.user_rows, size.movie_rows):
            yield _Table(rows, factors, on_vectors)
            yield _Table(rows, 1, on_biases)


def _number(values: Mapping[str, Any], name: str) -> float:
    """A number of a configuration; 0 where it has none."""
    return float(values.get(name, 0.0))


def _kernels(inputs: int, units: tuple[int, ...]) -> int:
    """Weights of dense layers and of the unit behind them, biases too."""
    return sum((n + 1) * m for n, m in pairwise((inputs, *units, 1))) if inputs else 0
