"""What every searcher beside ours gets: the ratings, our space and builder, Keras' own `fit`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any


class Stock:
    """Ratings, and one configuration of a space trained with Keras' `fit`.

    `space` fixes or narrows parameters as `[space]` of a study file does; `threads` of None are
    all cores; `data` is a source as `load_ratings` takes it.
    """

    def __init__(
        self,
        space: Mapping[str, Any],
        epochs: int,
        threads: int | None = None,
        data: str = "movielens",
    ) -> None:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        import models
        from models.data import load_ratings, split_ratings
        from search.space.scores import ScoreRange

        models.set_threads(threads)
        self.space, self.epochs = space, epochs
        self.split = split_ratings(load_ratings(data))
        known = self.split.vocabulary
        self.fitted = (ScoreRange.of(self.split), known.user_rows + known.movie_rows)

    def adapter(self) -> Any:
        """The space for Optuna: `sample(trial)` gives the values of a configuration."""
        from search import StudyConfig
        from search.space.distributions import SpaceAdapter
        from search.space.hypermodel import declare, parameters

        return SpaceAdapter(parameters(declare(StudyConfig(space=self.space), *self.fitted)))

    def model(self, values: Any, seed: int) -> tuple[Any, dict[str, Any]]:
        """A configuration's compiled model, and the options of its `fit`.

        `values` are a configuration, or the `keras_tuner.HyperParameters` that give one.
        """
        import keras
        import keras_tuner

        import models
        from models.evaluation import inputs_of
        from search.space.ratings import read

        hp = values
        if isinstance(values, Mapping):
            hp = keras_tuner.HyperParameters()
            hp.values = dict(values)
        config, recipe = read(hp, self.space, *self.fitted)
        train, valid = self.split.train, self.split.valid
        batch = len(train) if recipe.batch_size == "full" else int(recipe.batch_size)
        models.make_deterministic(seed)
        model = models.build_for(self.split, config, seed=seed)
        recipe = replace(recipe, epochs=self.epochs, seed=seed)
        models.compile_model(model, recipe, steps=-(-len(train) // batch) * self.epochs)
        stop = keras.callbacks.EarlyStopping(
            "val_rmse",
            mode="min",
            patience=recipe.patience,
            min_delta=recipe.min_delta,
            restore_best_weights=True,
        )
        options = {
            "x": inputs_of(train),
            "y": train.scores.reshape(-1, 1),
            "batch_size": batch,
            "epochs": self.epochs,
            "validation_data": (inputs_of(valid), valid.scores.reshape(-1, 1)),
            "validation_batch_size": 65_536,
            "shuffle": batch < len(train),
            "callbacks": [stop],
            "verbose": 0,
        }
        return model, options

    def test_rmse(self, model: Any) -> float:
        """RMSE on the sealed test part."""
        import models
        from models.evaluation import rmse

        return rmse(models.predict(model, self.split.test), self.split.test.scores)


def fit(model: Any, options: Mapping[str, Any], callbacks: Any = (), **changed: Any) -> Any:
    """Train it with more callbacks before its own; Keras' History."""
    given = {**options, **changed, "callbacks": [*callbacks, *options["callbacks"]]}
    return model.fit(**given)


def best(history: Any) -> float:
    """The least validation RMSE of its epochs."""
    return float(min(history.history["val_rmse"]))
