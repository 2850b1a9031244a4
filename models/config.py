"""What one trial builds and how it is trained: plain values, no ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from models.errors import ModelsError

ACTIVATIONS = ("relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "linear")
OUTPUT_ACTIVATIONS = ("relu", "linear", "softplus", "sigmoid", "scaled_sigmoid")
FAMILIES = ("mlp", "gmf", "neumf")
SCHEDULES = ("constant", "cosine", "exponential")
OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
TRAINERS = ("auto", "fast", "keras")
TRAIN_MEAN = "train_mean"
MOST_WIDTH = 65_536
MOST_SEED = 2**32 - 1
FULL_BATCH = "full"


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ModelsError(message)


def _is_finite(value: Any) -> bool:
    """Whether it is a finite number; a Boolean is none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any, least: int, most: float = math.inf) -> bool:
    """Whether it is a whole number of at least `least`; a Boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def told(value: Any) -> str:
    """A value received, as a message shows it: true and false as a study file writes them."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _not_negative(name: str, value: Any) -> None:
    _check(
        _is_finite(value) and value >= 0,
        f"`{name}` must be a finite number of at least 0, but got {told(value)}.",
    )


def check_whole(name: str, value: Any, least: int, most: float = math.inf) -> None:
    """Refuse what is no whole number of a range.

    Raises:
        ModelsError: It is none from `least` to `most`.
    """
    rule = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
    _check(
        _is_whole(value, least, most),
        f"`{name}` must be a whole number {rule}, but got {told(value)}.",
    )


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    _check(value in known, f"`{name}` must be one of {', '.join(known)}, but got {told(value)}.")


def check_width(name: str, value: Any) -> None:
    """Refuse what is no length of a vector and no width of a layer.

    Raises:
        ModelsError: It is not a whole number from 1 to `MOST_WIDTH`.
    """
    check_whole(name, value, 1, MOST_WIDTH)


def check_rate(name: str, value: Any) -> None:
    """Refuse what is no dropout rate.

    Raises:
        ModelsError: It is not a number from 0 to below 1.
    """
    _check(
        _is_finite(value) and 0 <= value < 1,
        f"`{name}` must be a rate of at least 0 and below 1, but got {told(value)}.",
    )


def check_growth(stages: Any, epochs: int) -> None:
    """Refuse stages of growing row samples that do not grow or leave no epoch for all rows.

    Args:
        stages: Pairs of a share of the rows and a number of epochs.
        epochs: Of a trial.

    Raises:
        ModelsError: A stage is no such pair, the shares do not rise, or no epoch is left.
    """
    before, used = 0.0, 0
    for stage in stages:
        good = isinstance(stage, list | tuple) and len(stage) == 2 and _is_finite(stage[0])
        _check(
            good and before < stage[0] < 1 and _is_whole(stage[1], 1),
            "`growth` must be stages of a share of the rows, rising and below 1, and epochs, say "
            f"[[0.1, 15], [0.3, 15]], but got {told(stage)} after {before:g}.",
        )
        before, used = stage[0], used + stage[1]
    _check(
        not stages or used < epochs,
        f"`growth` must leave epochs for all rows, but its stages take {used} of {epochs}. "
        "Use more `epochs`, or shorter stages.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """A user's and a movie's vectors, and how a score is made of them.

    Attributes:
        family: "mlp": the vectors concatenated and read by dense layers, as published. "gmf":
            their weighted dot product and a bias a user and a movie, generalised matrix
            factorisation (He et al., "Neural Collaborative Filtering", WWW 2017, section 3.2)
            with the biases of Koren, Bell and Volinsky ("Matrix Factorization Techniques for
            Recommender Systems", IEEE Computer 42(8), 2009). "neumf": the sum of both, each with
            vectors of its own (NCF, section 3.4).
        embedding_size: Length of a user's vector, and of every other one unless given.
        movie_embedding_size: Length of a movie's vector that dense layers read; None for the same.
        factors: Length of the vectors that are multiplied; None for `embedding_size`.
        units: Width of each hidden layer, first to last.
        dropout: Rate after each hidden layer, as many as `units`; 0 leaves the layer out.
        embedding_dropout: Rate on the vectors that dense layers read; 0 leaves the layer out.
        factor_dropout: Rate on the product of the vectors that are multiplied, which keeps their
            rank low (Cavazza et al., "Dropout as a Low-Rank Regularizer for Matrix
            Factorization", AISTATS 2018); 0 leaves the layer out.
        activation: Activation of the hidden layers.
        l2_kernel: L2 factor on every dense kernel, the output's too; biases are free.
        l2_embedding: L2 factor on every embedding table.
        l2_bias: L2 factor on the biases a user and a movie.
        output_activation: Activation of the output; "scaled_sigmoid" runs from the least score to
            the greatest.
        output_bias: Initial score of the output: a score, or "train_mean". A scaled sigmoid takes
            what lies within its range.
    """

    family: str = "mlp"
    embedding_size: int = 15
    movie_embedding_size: int | None = None
    factors: int | None = None
    units: tuple[int, ...] = (128, 64, 32)
    dropout: tuple[float, ...] = (0.6, 0.5, 0.0)
    embedding_dropout: float = 0.0
    factor_dropout: float = 0.0
    activation: str = "relu"
    l2_kernel: float = 0.01
    l2_embedding: float = 0.0
    l2_bias: float = 0.0
    output_activation: str = "relu"
    output_bias: float | str = 7.0

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ModelsError: A value breaks its rule.
        """
        _one_of("family", self.family, FAMILIES)
        check_width("embedding_size", self.embedding_size)
        for name in ("movie_embedding_size", "factors"):
            if getattr(self, name) is not None:
                check_width(name, getattr(self, name))
        for width in self.units:
            check_width("units", width)
        _check(
            len(self.dropout) == len(self.units),
            f"`dropout` needs one rate a layer ({len(self.units)}), but got {list(self.dropout)}.",
        )
        for rate in self.dropout:
            check_rate("dropout", rate)
        for name in ("embedding_dropout", "factor_dropout"):
            check_rate(name, getattr(self, name))
        _one_of("activation", self.activation, ACTIVATIONS)
        _one_of("output_activation", self.output_activation, OUTPUT_ACTIVATIONS)
        _not_negative("l2_kernel", self.l2_kernel)
        _not_negative("l2_embedding", self.l2_embedding)
        _not_negative("l2_bias", self.l2_bias)
        bias = self.output_bias
        _check(
            bias == TRAIN_MEAN if isinstance(bias, str) else _is_finite(bias),
            f'`output_bias` must be a finite number or "{TRAIN_MEAN}", but got {told(bias)}.',
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """How a model is trained.

    Attributes:
        optimizer: Name of the Keras optimizer.
        learning_rate: Step size.
        embedding_rate: What the step size is multiplied by for embedding tables.
        schedule: How the step size falls over `epochs`: "constant", "cosine" to `final_rate`
            (Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts), or "exponential" to it.
        final_rate: The last step size as a share of the first, where it falls.
        batch_size: Rows a step, or "full": one step an epoch over the whole train part.
        epochs: Most epochs.
        patience: Epochs without an improvement of at least `min_delta` before training stops.
        overfit_patience: Epochs in a row with a rise of the validation RMSE that stop training
            too, as `models.early_stopping` says; 0 for none.
        min_delta: Least fall of the validation RMSE that counts as an improvement.
        growth: Stages before the epochs over all train rows: a share of the rows and how many
            epochs pass over that sample alone. The samples are nested and the same for every
            trial; weights and optimizer go on from stage to stage, and patience counts after the
            last.
        seed: Seeds initial weights, dropout and shuffling.
        trainer: "fast" for `models.fast`, "keras" for Keras' own `fit`, "auto" for the fast one
            wherever it does the same.
    """

    optimizer: str = "adam"
    learning_rate: float = 0.01
    embedding_rate: float = 1.0
    schedule: str = "constant"
    final_rate: float = 0.01
    batch_size: int | str = FULL_BATCH
    epochs: int = 100
    patience: int = 30
    min_delta: float = 0.001
    overfit_patience: int = 0
    growth: tuple[tuple[float, int], ...] = ()
    seed: int = 42
    trainer: str = "auto"

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ModelsError: A value breaks its rule.
        """
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("trainer", self.trainer, TRAINERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        for name in ("learning_rate", "embedding_rate"):
            _check(
                _is_finite(getattr(self, name)) and getattr(self, name) > 0,
                f"`{name}` must be a finite number above 0, but got {told(getattr(self, name))}.",
            )
        _check(
            _is_finite(self.final_rate) and 0 < self.final_rate <= 1,
            f"`final_rate` must be a share above 0 and at most 1, but got {told(self.final_rate)}.",
        )
        size = self.batch_size
        _check(
            size == FULL_BATCH or _is_whole(size, 1),
            f'`batch_size` must be "{FULL_BATCH}" or a whole number above 0, but got {told(size)}.',
        )
        check_whole("epochs", self.epochs, 1)
        check_whole("patience", self.patience, 0)
        _not_negative("min_delta", self.min_delta)
        check_whole("overfit_patience", self.overfit_patience, 0)
        check_growth(self.growth, self.epochs)
        check_whole("seed", self.seed, 0, MOST_SEED)
