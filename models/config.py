"""The configuration of one trial: what network is built, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass

from models.checks import (
    MOST_SEED,
    check_growth,
    check_not_negative,
    check_one_of,
    check_positive,
    check_rate,
    check_share,
    check_whole,
    check_width,
    is_finite,
    is_whole,
    require,
)
from models.errors import ModelsError

ACTIVATIONS = ("relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "linear")
OUTPUT_ACTIVATIONS = ("relu", "linear", "softplus", "sigmoid", "scaled_sigmoid")
FAMILIES = ("mlp", "gmf", "neumf")
SCHEDULES = ("constant", "cosine", "exponential")
DENSE_OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
ROW_OPTIMIZERS = ("plain_sgd", "lazy_adam", "rowwise_adagrad")
OPTIMIZERS = (*DENSE_OPTIMIZERS, *ROW_OPTIMIZERS)
COMPILED = "compiled"
TRAINERS = ("auto", COMPILED, "fast", "tensorflow", "keras")
TRAIN_MEAN = "train_mean"
FULL_BATCH = "full"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The network of a trial: its family, vector and layer sizes, dropout rates and penalties.

    Attributes:
        family: "mlp": a user's and a movie's embedding vector are concatenated and passed through
            dense layers, as published. "gmf": the weighted dot product of the two vectors plus a
            bias for each user and movie. That is generalised matrix factorisation (He et al.,
            "Neural Collaborative Filtering", WWW 2017, section 3.2) with the biases of Koren, Bell
            and Volinsky ("Matrix Factorization Techniques for Recommender Systems", IEEE Computer
            42(8), 2009). "neumf": the sum of "mlp" and "gmf", each with vectors of its own (He et
            al., section 3.4).
        embedding_size: Length of a user's vector, and of every vector whose own length is not set.
        movie_embedding_size: Length of a movie's vector in dense layers; None for `embedding_size`.
        factors: Length of the vectors that are multiplied; None for `embedding_size`.
        units: Width of each hidden layer, first to last.
        dropout: Rate after each hidden layer, as many as `units`; 0 leaves the layer out.
        embedding_dropout: Rate on the vectors that dense layers read; 0 leaves the layer out.
        factor_dropout: Rate on the product of the vectors that are multiplied, which keeps their
            rank low (Cavazza et al., "Dropout as a Low-Rank Regularizer for Matrix
            Factorization", AISTATS 2018); 0 leaves the layer out.
        activation: Activation of the hidden layers.
        l2_kernel: L2 factor on the kernels of the hidden layers and of the unit behind them. It
            leaves out biases, and the weights of the product, so that in "gmf" it has no effect.
        l2_embedding: L2 factor on every embedding table.
        l2_bias: L2 factor on the biases of users and movies.
        l2_rating: L2 factor on the vectors and biases that a rating looks up, so that the penalty
            is paid once a rating, and by no row that has none (Funk, "Netflix Update: Try This at
            Home", 2006; Koren, Bell and Volinsky, equation 2 of the paper above).
        output_activation: Activation of the output; "scaled_sigmoid" runs from the least score to
            the greatest.
        output_bias: Initial score of the output: a score, or "train_mean". A scaled sigmoid takes
            what lies within its range.
        output_start: What `output_bias` is: "score", what the untrained model predicts; or "bias",
            the number before a sigmoid or softplus, as in trials of earlier versions.

    Example:
        >>> config = ModelConfig(embedding_size=8, units=(16, 4), dropout=(0.5, 0.0))
        >>> config.output_bias  # what is not given is as published
        7.0
        >>> ModelConfig(family="svd")
        Traceback (most recent call last):
        models.errors.ModelsError: `family` must be one of mlp, gmf, neumf, but got 'svd'.
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
    l2_rating: float = 0.0
    output_activation: str = "relu"
    output_bias: float | str = 7.0
    output_start: str = "score"

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ModelsError: A value breaks its rule.
        """
        check_one_of("family", self.family, FAMILIES)
        check_width("embedding_size", self.embedding_size)
        for name in ("movie_embedding_size", "factors"):
            if getattr(self, name) is not None:
                check_width(name, getattr(self, name))
        for width in self.units:
            check_width("units", width)
        if len(self.dropout) != len(self.units):
            layers, rates = len(self.units), list(self.dropout)
            raise ModelsError(f"`dropout` needs one rate a layer ({layers}), but got {rates}.")
        for rate in self.dropout:
            check_rate("dropout", rate)
        for name in ("embedding_dropout", "factor_dropout"):
            check_rate(name, getattr(self, name))
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("output_activation", self.output_activation, OUTPUT_ACTIVATIONS)
        check_not_negative("l2_kernel", self.l2_kernel)
        check_not_negative("l2_embedding", self.l2_embedding)
        check_not_negative("l2_bias", self.l2_bias)
        check_not_negative("l2_rating", self.l2_rating)
        bias = self.output_bias
        known = bias == TRAIN_MEAN if isinstance(bias, str) else is_finite(bias)
        require(known, "output_bias", f'be a finite number or "{TRAIN_MEAN}"', bias)
        check_one_of("output_start", self.output_start, ("score", "bias"))


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """The training of a trial: optimizer, batches, epochs, and when it stops.

    Attributes:
        optimizer: Name of the optimizer. "plain_sgd", "lazy_adam" and "rowwise_adagrad" move only
            those rows of embedding tables that a batch looked up (`models.optimizers.by_row`);
            the others are Keras' own.
        learning_rate: Step size at the start.
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
        trainer: "compiled" for `models.compiled`, which trains our own models on a CPU; "fast" for
            `models.fast`; "keras" for Keras' own `fit`; "tensorflow" for the fast one wherever it
            does the same as Keras; "auto" for the compiled one where it can, else "tensorflow".

    Example:
        >>> TrainConfig(epochs=20, growth=((0.1, 5),)).epochs  # 5 over a tenth of the rows
        20
        >>> TrainConfig(learning_rate=0)
        Traceback (most recent call last):
        models.errors.ModelsError: `learning_rate` must be a finite number above 0, but got 0.
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
        check_one_of("optimizer", self.optimizer, OPTIMIZERS)
        check_one_of("trainer", self.trainer, TRAINERS)
        check_one_of("schedule", self.schedule, SCHEDULES)
        check_positive("learning_rate", self.learning_rate)
        check_positive("embedding_rate", self.embedding_rate)
        check_share("final_rate", self.final_rate)
        size = self.batch_size
        rule = f'be "{FULL_BATCH}" or a whole number above 0'
        require(size == FULL_BATCH or is_whole(size, 1), "batch_size", rule, size)
        check_whole("epochs", self.epochs, 1)
        check_whole("patience", self.patience, 0)
        check_not_negative("min_delta", self.min_delta)
        check_whole("overfit_patience", self.overfit_patience, 0)
        check_growth(self.growth, self.epochs)
        check_whole("seed", self.seed, 0, MOST_SEED)
