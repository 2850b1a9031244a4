"""Trains trials of rating models by compiled functions alone: Keras is not loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.alone import Alone, parameters_of, refit_alone, train_alone
from models.kept import write_weights

import models
from models.data import Split
from search.child.rating_trials import Part, RatingTrials
from search.child.reporter import Reporter


@dataclass(kw_only=True, slots=True)
class _Network:
    """A network: what it is made of and for, and its weights once it is trained."""

    split: Split
    config: models.ModelConfig
    seed: int
    trained: Alone | None = None


class AloneRunner(RatingTrials):
    """Trains rating models without Keras, which a keeper has: it makes models of the weights."""

    raw = True

    def devices(self) -> tuple[str, ...]:
        """The processor: with a GPU in sight, Keras trains."""
        return ("CPU",)

    def build(self, split: Split, config: models.ModelConfig, seed: int) -> _Network:
        """Note what the network is; its weights are drawn when it is trained."""
        return _Network(split=split, config=config, seed=seed)

    def count(self, network: _Network) -> int:
        """The number of the network's weights."""
        return parameters_of(network.split, network.config)

    def describe(self, network: _Network, folder: Path) -> None:
        """Do nothing: the keeper writes the table of layers."""

    def fit(self, network: _Network, part: Part, report: Reporter) -> models.TrainResult:
        """Train the network, and keep the weights of its best epoch."""
        network.trained = train_alone(
            part.split,
            network.config,
            part.config,
            seed=network.seed,
            threads=self.threads,
            on_epoch=lambda e: report(e.epoch, e.seconds, e.metrics),
            on_rows=report.within,
        )
        return network.trained.result

    def refit(
        self, network: _Network, config: models.TrainConfig, epochs: int
    ) -> models.TrainerUsed:
        """Train the network on train and validation rows together."""
        network.trained = refit_alone(
            self.split, network.config, config, epochs=epochs, threads=self.threads
        )
        return network.trained.result.trainer

    def save(self, network: _Network, split: Split, folder: Path) -> None:
        """Save the weights, and all that it takes to make a Keras model of them."""
        assert network.trained is not None
        write_weights(folder, network.trained, split, seed=network.seed)

    def tidy(self) -> None:
        """Do nothing: the last trial left nothing behind."""
