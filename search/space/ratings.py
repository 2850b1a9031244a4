"""The search space of rating models; `read` declares the space and reads a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from models import (
    TRAIN_MEAN,
    ModelConfig,
    ModelsError,
    TrainConfig,
    as_written,
    baseline,
)
from models.checks import check_rate, check_whole, check_width, told
from models.config import (
    DENSE_OPTIMIZERS,
    FAMILIES,
    OUTPUT_ACTIVATIONS,
    ROW_OPTIMIZERS,
)
from search.config.sections import STOPPING
from search.space.declaration import Check, Declaration, Declares, Range
from search.space.listing import Listing
from search.space.scores import MOST_PENALTY, MOST_RATING, ScoreRange, greatest_scale, rounded
from search.space.training import as_number, declare_optimizer, declare_training

_MOST_LAYERS = 4
_LIMIT_LAYERS = 64
_NO_L2 = 1e-9
_NO_RATING_L2 = 1e-4
_SCALED = "scaled_sigmoid"
_SIZES = ("shared", "separate")
_WIDTHS = (128, 64, 32, 16)
_RATES = (0.6, 0.5, 0.0, 0.0)
_LAYERED, _MULTIPLIED = ("mlp", "neumf"), ("gmf", "neumf")
_VECTOR_SIZES = Range(low=2, high=64, default=15, log=True)


class _Layers(NamedTuple):
    """The dense layers: width and dropout rate of each, one activation and penalty for all."""

    units: tuple[int, ...]
    dropout: tuple[float, ...]
    activation: str
    l2_kernel: float


class _Embeddings(NamedTuple):
    """Sizes and dropout of the dense layers' embeddings; `movie_size` None stands for `size`."""

    size: int
    movie_size: int | None
    dropout: float


class _Penalties(NamedTuple):
    """L2 factors on tables of vectors, on tables of biases, and on what a rating looks up."""

    embedding: float
    bias: float
    rating: float


class _Output(NamedTuple):
    """The output's activation, and its initial bias: the score that an untrained model predicts.

    By the rules of earlier versions (`start` "bias") the bias before a sigmoid is that number.
    """

    activation: str
    bias: Any
    start: str


def read(
    hp: Declares,
    overrides: Mapping[str, Any] | None = None,
    scores: ScoreRange | None = None,
    ids: int = 0,
) -> tuple[ModelConfig, TrainConfig]:
    """Declare the space on `hp` and read the configuration that `hp` holds.

    On an empty `hp` it is the published baseline. What a family has no use for is inactive:
    layers beyond the chosen number with their widths and dropout rates, all layers of "gmf", the
    biases' penalty of "mlp".

    Args:
        hp: Empty to declare; with values to read: a `Listing`, or `keras_tuner.HyperParameters`.
        overrides: From a study file's `[space]`.
        scores: The range of the scores: a space that knows it offers only outputs that can predict
            them, and starts that are near them. None offers all, as earlier versions do.
        ids: Rows of the tables of users and of movies together: with many, small batches are not
            offered. 0 offers all.

    Returns:
        What the model is built of, and how it is trained; seed and epochs are still the defaults.

    Raises:
        SearchError: An override names no parameter, or does not fit it or the scores.
    """
    space = Declaration(hp, overrides or {})
    optimizer = declare_optimizer(space)
    model = _architecture(space, scores)
    train = declare_training(space, optimizer, ids)
    space.check_all_used()
    return model, train


def _architecture(space: Declaration, scores: ScoreRange | None) -> ModelConfig:
    """Declare and read the model's family, layers, embeddings, penalties and output.

    What the model's family does not use is switched off or keeps its default.
    """
    family = space.choice("family", list(FAMILIES), "mlp", _model("family"))
    with space.when("family", _LAYERED):
        layers = _layers(space)
        embeddings = _embeddings(space)
    with space.when("family", _MULTIPLIED):
        factors = space.integer("factors", _VECTOR_SIZES, _model("factors"))
        factor_dropout = _dropout(space, "factor_dropout")
    penalties = _penalties(space, greatest_scale(scores))
    output = _output(space, scores)
    layered, multiplied = family in _LAYERED, family in _MULTIPLIED
    return ModelConfig(
        family=family,
        embedding_size=embeddings.size,
        movie_embedding_size=embeddings.movie_size if layered else None,
        factors=factors if multiplied else None,
        units=layers.units if layered else (),
        dropout=layers.dropout if layered else (),
        embedding_dropout=embeddings.dropout if layered else 0.0,
        factor_dropout=factor_dropout if multiplied else 0.0,
        activation=layers.activation,
        l2_kernel=layers.l2_kernel,
        l2_embedding=penalties.embedding,
        l2_bias=penalties.bias if multiplied else 0.0,
        l2_rating=penalties.rating,
        output_activation=output.activation,
        output_bias=output.bias,
        output_start=output.start,
    )


def _penalties(space: Declaration, scale: float) -> _Penalties:
    """Declare and read the penalties of tables: on a whole table, or one that a rating pays.

    The second goes with an optimizer that moves only the rows that a batch has: a penalty on the
    whole table moves all of its rows. Tables of biases are so small that they keep theirs. The
    greatest of each is multiplied by `scale`, rounded.
    """
    penalty = Range(low=_NO_L2, high=rounded(MOST_PENALTY * scale), default=_NO_L2, log=True)
    with space.when("optimizer", DENSE_OPTIMIZERS):
        embedding = space.real("l2_embedding", penalty, _model("l2_embedding"))
    with space.when("family", _MULTIPLIED):
        bias = space.real("l2_bias", penalty, _model("l2_bias"))
    with space.when("optimizer", ROW_OPTIMIZERS):
        most = rounded(MOST_RATING * scale)
        paid = Range(low=_NO_RATING_L2, high=most, default=_NO_RATING_L2, log=True)
        rating = space.real("l2_rating", paid, _model("l2_rating"))
    rating = 0.0 if rating <= _NO_RATING_L2 else rating
    return _Penalties(_off(embedding), _off(bias), rating)


def _embeddings(space: Declaration) -> _Embeddings:
    """Declare and read the vectors of users and movies that the dense layers read."""
    size = space.integer("embedding_size", _VECTOR_SIZES, _model("embedding_size"))
    sizes = space.choice("sizes", list(_SIZES), "shared", _check_sizes)
    with space.when("sizes", ["separate"]):
        name = "movie_embedding_size"
        movie_size = space.integer(name, _VECTOR_SIZES, _model(name))
    dropout = _dropout(space, "embedding_dropout")
    return _Embeddings(size, movie_size if sizes == "separate" else None, dropout)


def _dropout(space: Declaration, name: str) -> float:
    """Declare the dropout rate of embedding vectors or factors, and read its value."""
    rates = Range(low=0.0, high=0.9, default=0.0, step=0.1)
    return space.real(name, rates, partial(check_rate, name))


def _layers(space: Declaration) -> _Layers:
    """Declare and read the dense layers: as many widths and dropout rates as there are layers."""
    depth = Range(low=1, high=_MOST_LAYERS, default=3)
    check_layers = partial(check_whole, "layers", least=1, most=_LIMIT_LAYERS)
    layers = space.integer("layers", depth, check_layers)
    units, dropout = [], []
    most = space.most("layers", _MOST_LAYERS)
    for number in range(1, most + 1):
        width, rate = (_WIDTHS[number - 1], _RATES[number - 1]) if number <= 4 else (16, 0.0)
        widths = Range(low=8, high=256, default=width, log=True)
        rates = Range(low=0.0, high=0.7, default=rate, step=0.05)
        with space.when("layers", list(range(number, most + 1))):
            name = f"units_{number}"
            units.append(space.integer(name, widths, partial(check_width, name)))
            name = f"dropout_{number}"
            dropout.append(space.real(name, rates, partial(check_rate, name)))
    activation = space.choice("activation", ["relu", "elu", "silu"], "relu", _model("activation"))
    penalty = Range(low=1e-6, high=3e-2, default=0.01, log=True)
    l2_kernel = space.real("l2_kernel", penalty, _model("l2_kernel"))
    return _Layers(tuple(units[:layers]), tuple(dropout[:layers]), activation, l2_kernel)


def _output(space: Declaration, scores: ScoreRange | None) -> _Output:
    """Declare and read the output's activation and its initial bias, of those that fit the scores.

    Values of a study file are taken as they are, but for activations that cannot fit.
    """
    name = "output_activation"
    known, starts = ["relu", "linear", _SCALED], ["7", TRAIN_MEAN]
    if scores is not None:
        known = [each for each in known if scores.is_representable(each)]
        starts = starts if scores.is_near(7) else [TRAIN_MEAN]
    activation = space.choice(name, known, "relu", _fitting(scores))
    with space.when(name, [each for each in OUTPUT_ACTIVATIONS if each != _SCALED]):
        bias = space.choice("output_bias", starts, "7", _model("output_bias", _bias))
    start = "bias" if scores is None and activation in ("sigmoid", "softplus") else "score"
    return _Output(activation, TRAIN_MEAN if activation == _SCALED else _bias(bias), start)


def _fitting(scores: ScoreRange | None) -> Check:
    """Make a function that refuses an output activation that is unknown or does not fit."""

    def check(value: Any) -> None:
        config = ModelConfig(output_activation=value, output_bias=TRAIN_MEAN)
        if scores is not None and (misfit := scores.misfit(config)):
            raise ModelsError(
                f"`output_activation` must fit the scores, but got {value}: {misfit}. Use linear "
                "or scaled_sigmoid."
            )

    return check


def baseline_values() -> dict[str, Any]:
    """The published baseline as values by parameter name, active parameters only."""
    listing, published = Listing(), TrainConfig()
    read(listing)
    return listing.values | {name: getattr(published, name) for name in STOPPING}


def preset(name: str) -> tuple[ModelConfig, TrainConfig]:
    """The configuration that a preset names: "as-written", else the published baseline."""
    return as_written() if name == "as-written" else baseline()


def as_study(
    config: TrainConfig,
    *,
    seed: int,
    epochs: int,
    trainer: str,
    growth: Sequence[Sequence[float]] = (),
) -> TrainConfig:
    """Complete a training configuration with the trial's seed and the study's settings.

    Args:
        config: As `read` or `preset` returned it.
        seed: Seed of the training.
        epochs: Most epochs.
        trainer: "fast", "keras" or "auto".
        growth: Stages of growing row samples, each a share of the rows and how many epochs.
    """
    stages = tuple((float(share), int(lasting)) for share, lasting in growth)
    return replace(config, seed=seed, epochs=epochs, trainer=trainer, growth=stages)


def _off(factor: float) -> float:
    """Turn the least penalty of the range into 0: it stands for none, as a log range has no 0."""
    return 0.0 if factor <= _NO_L2 else factor


def _bias(value: Any) -> Any:
    """Convert the output's initial bias from text to a number, unless it names the train mean."""
    return value if value == TRAIN_MEAN else as_number(value, float)


def _check_sizes(value: Any) -> None:
    """Refuse a wrong value of `sizes`; `ModelConfig` has no such field to check."""
    if value not in _SIZES:
        raise ModelsError(f"`sizes` must be one of {', '.join(_SIZES)}, but got {told(value)}.")


def _model(name: str, parse: Callable[[Any], Any] = lambda value: value) -> Check:
    """Make a function that checks one field's value by building a `ModelConfig` with it."""
    return lambda value: ModelConfig(**{name: parse(value)})
