"""Trains trials of rating models with Keras loaded: with any trainer, and for any question."""

from __future__ import annotations

from pathlib import Path

import keras

import models
from models.data import Split
from search.child.rating_models.trials import Part, RatingTrials
from search.child.reporter import Reporter


class RatingRunner(RatingTrials):
    """Trains rating models as Keras builds them, on one split of the ratings."""

    def devices(self) -> tuple[str, ...]:
        """The kind of each device that TensorFlow sees."""
        return models.device_types()

    def build(self, split: Split, config: models.ModelConfig, seed: int) -> keras.Model:
        """Build the network for a split, and seed all that draws at random."""
        models.make_deterministic(seed)
        return models.build_for(split, config, seed=seed)

    def count(self, network: keras.Model) -> int:
        """The number of the model's weights."""
        return int(network.count_params())

    def describe(self, network: keras.Model, folder: Path) -> None:
        """Write the table of the model's layers."""
        (folder / "layers.txt").write_text(models.format_layer_table(network) + "\n")

    def fit(self, network: keras.Model, part: Part, report: Reporter) -> models.TrainResult:
        """Train the model with the study's trainer."""
        return models.train(
            network,
            part.split,
            part.config,
            lambda e: report(e.epoch, e.seconds, e.metrics),
            report.within,
        )

    def refit(
        self, network: keras.Model, config: models.TrainConfig, epochs: int
    ) -> models.TrainerUsed:
        """Train the model on train and validation rows together."""
        return models.refit(network, self.split, config, epochs)

    def save(self, network: keras.Model, split: Split, folder: Path) -> None:
        """Save the model with the ids that it knows."""
        models.save_ratings_model(network, split.vocabulary, folder)

    def tidy(self) -> None:
        """Free the last trial's model."""
        keras.backend.clear_session()
