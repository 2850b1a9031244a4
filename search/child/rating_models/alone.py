"""Trains trials of rating models by compiled functions alone: Keras is not loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import models
from models.alone import (
    Network,
    Recipe,
    parameters_of,
    refit_alone,
    train_alone,
    write_weights,
)
from models.config import COMPILED
from models.curve import TrainResult
from models.data import Split
from models.fast.used import TrainerUsed
from search.child.rating_models.trials import Part, RatingTrials
from search.child.reporter import Reporter


@dataclass(kw_only=True, slots=True)
class _Untrained:
    """What a network is made of and for; and the network once it is trained."""

    split: Split
    config: models.ModelConfig
    seed: int
    trained: Network | None = None


class AloneRunner(RatingTrials):
    """Trains rating models without Keras, which a keeper has: it makes models of the weights."""

    raw = True

    def devices(self) -> tuple[str, ...]:
        """The processor: with a GPU in sight, Keras trains."""
        return ("CPU",)

    def build(self, split: Split, config: models.ModelConfig, seed: int) -> _Untrained:
        """Note what the network is; its weights are drawn when it is trained."""
        return _Untrained(split=split, config=config, seed=seed)

    def count(self, network: _Untrained) -> int:
        """The number of the network's weights."""
        return parameters_of(network.split, network.config)

    def describe(self, network: _Untrained, folder: Path) -> None:
        """Do nothing: the keeper writes the table of layers."""

    def fit(self, network: _Untrained, part: Part, report: Reporter) -> TrainResult:
        """Train the network, and keep the weights of its best epoch."""
        network.trained = alone = train_alone(
            part.split,
            Recipe(model=network.config, train=part.config, seed=network.seed),
            threads=self.threads,
            on_epoch=lambda e: report(e.epoch, e.seconds, e.metrics),
            on_rows=report.within,
        )
        return alone.result

    def refit(self, network: _Untrained, config: models.TrainConfig, epochs: int) -> TrainerUsed:
        """Train the network on train and validation rows together."""
        recipe = Recipe(model=network.config, train=config, seed=network.seed)
        network.trained = refit_alone(self.split, recipe, epochs, threads=self.threads)
        return TrainerUsed(COMPILED)

    def save(self, network: _Untrained, split: Split, folder: Path) -> None:
        """Save the weights, and all that it takes to make a Keras model of them."""
        assert network.trained is not None
        write_weights(folder, network.trained, split)

    def tidy(self) -> None:
        """Do nothing: the last trial left nothing behind."""
