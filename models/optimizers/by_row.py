"""Optimizers that touch only the rows of embedding tables that a batch saw, as Keras optimizers.

A dense optimizer moves every row of a table at every step, also the rows of ids that the batch does
not have. At MUBI's size that is 154,000 rows for a batch of 256 ratings. These optimizers move, and
keep moments for, the rows that the batch looked up, and no other.

- `PlainSGD`: stochastic gradient descent without momentum, as matrix factorisation is trained
  (Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", IEEE
  Computer 42(8), 2009).
- `LazyAdam`: Adam (Kingma and Ba, ICLR 2015) whose moments and weights stand still for rows that
  were not looked up, with the bias correction of the step's number: TensorFlow Addons' `LazyAdam`.
- `RowWiseAdagrad`: Adagrad (Duchi, Hazan and Singer, JMLR 12, 2011) with one accumulator a row,
  the sum of the mean squares of its gradients (Gupta, Bengio and Weston, "Training Highly
  Multiclass Classifiers", JMLR 15, 2014; for embedding tables Mudigere et al., "Software-Hardware
  Co-design for Fast and Scalable Training of Deep Learning Recommendation Models", ISCA 2022).
  Other weights have one accumulator each. The accumulators start at 0.

All of them add up the slices that belong to one row first. A table whose gradient is dense, as one
with a penalty on the whole table is, has all its rows moved.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from models.optimizers.table_rate import TableRate, is_table

ADAGRAD_EPSILON = 1e-8


class ByRow(TableRate):
    """Mixin for a Keras optimizer that steps by row where a gradient is sparse."""

    steps_by_row = True

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Add up the slices of each row, then step as the optimizer does."""
        return super().apply([_by_row(g) for g in grads], trainable_variables)  # type: ignore[misc]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move a variable, or the rows of it that have a gradient."""
        if isinstance(gradient, tf.IndexedSlices):
            rate = _number(self.rate_of(variable, learning_rate), variable.dtype)
            self.step_rows(gradient, variable, rate)
        else:
            super().update_step(gradient, variable, learning_rate)

    def step_rows(self, gradient: Any, variable: Any, rate: Any) -> None:
        """Move the rows that a sparse gradient has, each once."""
        raise NotImplementedError


def _by_row(gradient: Any) -> Any:
    """A sparse gradient with each row once; a dense one as it is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, slot = tf.unique(gradient.indices)
    sums = tf.math.unsorted_segment_sum(gradient.values, slot, tf.size(rows))
    return tf.IndexedSlices(sums, rows, gradient.dense_shape)


def _raw(variable: Any) -> Any:
    """TensorFlow's variable; Keras hands it on as such where it trains in a graph."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def _number(value: Any, dtype: Any) -> Any:
    return keras.ops.cast(value, dtype)


@keras.saving.register_keras_serializable(package="trialbook")
class PlainSGD(ByRow, keras.optimizers.SGD):
    """Stochastic gradient descent without momentum, by row."""

    def step_rows(self, gradient: Any, variable: Any, rate: Any) -> None:
        """Move the rows that a sparse gradient has, each once."""
        moved = tf.IndexedSlices(rate * gradient.values, gradient.indices)
        _raw(variable).scatter_sub(moved)


@keras.saving.register_keras_serializable(package="trialbook")
class LazyAdam(ByRow, keras.optimizers.Adam):
    """Adam whose rows stand still while they have no gradient."""

    def step_rows(self, gradient: Any, variable: Any, rate: Any) -> None:
        """Move the rows that a sparse gradient has, each once."""
        step = _number(self.iterations + 1, variable.dtype)
        one, two = (_number(b, variable.dtype) for b in (self.beta_1, self.beta_2))
        alpha = rate * keras.ops.sqrt(1 - two**step) / (1 - one**step)
        index = self._get_variable_index(variable)
        first, second = self._momentums[index].value, self._velocities[index].value
        rows, values = gradient.indices, gradient.values
        m, v = (tf.gather(kept, rows) for kept in (first, second))
        m += (values - m) * (1 - one)
        v += (tf.square(values) - v) * (1 - two)
        first.scatter_update(tf.IndexedSlices(m, rows))
        second.scatter_update(tf.IndexedSlices(v, rows))
        moved = alpha * m / (tf.sqrt(v) + self.epsilon)
        _raw(variable).scatter_sub(tf.IndexedSlices(moved, rows))


@keras.saving.register_keras_serializable(package="trialbook")
class RowWiseAdagrad(ByRow, keras.optimizers.Optimizer):
    """Adagrad with one accumulator a table row, and one a weight elsewhere."""

    def __init__(self, learning_rate: Any = 0.01, **options: Any) -> None:
        """Make the optimizer; the options are Keras' own and `embedding_rate`."""
        options.setdefault("name", "row_wise_adagrad")
        super().__init__(learning_rate=learning_rate, **options)

    def build(self, variables: list[Any]) -> None:
        """Make the accumulators."""
        if self.built:
            return
        super().build(variables)
        self._sums = [self._accumulator(variable) for variable in variables]

    def _accumulator(self, variable: Any) -> Any:
        shape = (variable.shape[0], 1) if is_table(variable) else variable.shape
        return self.add_variable(shape=shape, dtype=variable.dtype, name="sum_of_squares")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move a variable, or the rows of it that have a gradient."""
        rate = _number(self.rate_of(variable, learning_rate), variable.dtype)
        index = self._get_variable_index(variable)
        sums = self._sums[index].value
        sparse = isinstance(gradient, tf.IndexedSlices)
        values = gradient.values if sparse else gradient
        squares = tf.square(values)
        if is_table(variable):
            squares = tf.reduce_mean(squares, axis=1, keepdims=True)
        now = (tf.gather(sums, gradient.indices) if sparse else sums) + squares
        moved = rate * values / (tf.sqrt(now) + ADAGRAD_EPSILON)
        if sparse:
            sums.scatter_update(tf.IndexedSlices(now, gradient.indices))
            _raw(variable).scatter_sub(tf.IndexedSlices(moved, gradient.indices))
        else:
            sums.assign(now)
            _raw(variable).assign_sub(moved)
