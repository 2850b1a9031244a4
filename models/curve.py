"""The learning curve of one training: its epochs, what records them, and the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import TrainConfig
from models.early_stopping import EarlyStop
from models.fast.used import TrainerUsed
from models.within_epoch import EpochClock, OnRows


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a learning curve: its number, its wall time and its metrics.

    Attributes:
        epoch: 1 for the first.
        seconds: Wall time, validation included.
        metrics: By name: "loss" and "rmse" of the train part, dropout on; "val_loss" and
            "val_rmse" of the validation part.

    Example:
        >>> epoch = Epoch(1, 0.5, {"loss": 4.0, "rmse": 2.0, "val_loss": 9.0, "val_rmse": 3.0})
        >>> epoch.metrics["val_rmse"]
        3.0
    """

    epoch: int
    seconds: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainResult:
    """The outcome of a training: its learning curve, its best epoch, and why it ended.

    The trained model itself holds the weights of the best epoch.

    Attributes:
        epochs: The whole curve.
        best_val_rmse: Validation RMSE of the restored weights, computed anew in float64; NaN where
            the training ended inside its first epoch.
        best_epoch: The epoch whose weights were restored, 1 for the first.
        lowest_val_rmse: Least value of the curve. It may lie below the best epoch's, by at most
            `min_delta`.
        end_reason: "epochs", "early_stopping", "pruned" or "nan".
        seconds: Wall time of each phase, "train" and "evaluate"; of a training without Keras
            "build" too, in which the initial weights are made.
        trainer: Which trainer it was, and why it was Keras' own `fit` where "auto" was asked for.

    Example:
        >>> from models import ModelConfig, build_for, train
        >>> model = build_for(split, ModelConfig(units=(), dropout=()), seed=1)
        >>> result = train(model, split, TrainConfig(epochs=9), lambda epoch: epoch.epoch < 2)
        >>> len(result.epochs), result.end_reason, result.trainer.name
        (2, 'pruned', 'compiled')
    """

    epochs: tuple[Epoch, ...]
    best_val_rmse: float
    best_epoch: int
    lowest_val_rmse: float
    end_reason: str
    seconds: Mapping[str, float]
    trainer: TrainerUsed


class CurveRecorder(EpochClock):
    """Records each epoch, keeps the best epoch's weights and stops the training.

    The compiled trainer calls it; `models.fast.hearing.Relay` makes it a Keras callback.

    Training stops for the first of these reasons that holds: a metric is not finite ("nan"), the
    rule of early stopping is met before the last epoch ("early_stopping"), or `on_epoch` or
    `on_rows` returns False ("pruned"). Otherwise training ends with its last epoch ("epochs").
    """

    def __init__(
        self,
        config: TrainConfig,
        on_epoch: Callable[[Epoch], bool] | None,
        on_rows: OnRows | None = None,
    ) -> None:
        """Begin an empty curve.

        Args:
            config: Its epochs and its rule of early stopping.
            on_epoch: Called after each epoch; returning False prunes the trial there.
            on_rows: Called inside epochs, as of `EpochClock`; returning False ends the training
                without the epoch that it is in.
        """
        super().__init__(on_rows)
        self._stop = EarlyStop(
            patience=config.patience,
            min_delta=config.min_delta,
            warm_up=sum(epochs for _, epochs in config.growth),
            overfit_patience=config.overfit_patience,
        )
        self._planned_epochs = config.epochs
        self._on_epoch = on_epoch
        self._epochs: list[Epoch] = []
        self._model: Any = None
        self._best_weights: list[NDArray[np.float32]] | None = None
        self._end_reason = "epochs"

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs recorded so far, in order."""
        return tuple(self._epochs)

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, 1 for the first; 0 where there is none."""
        return self._stop.best_epoch

    @property
    def lowest_val_rmse(self) -> float:
        """Least validation RMSE of the recorded epochs; NaN before the first epoch."""
        return min((e.metrics["val_rmse"] for e in self._epochs), default=float("nan"))

    @property
    def end_reason(self) -> str:
        """Why training ended: "epochs", "early_stopping", "pruned" or "nan"."""
        return "pruned" if self.halted else self._end_reason

    def set_model(self, model: Any) -> None:
        """Take what is trained: its weights, and the flag that stops the training."""
        self._model = model

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Record the epoch, then stop the training if a rule says so."""
        if self.halted:
            return
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        record = Epoch(epoch + 1, self.seconds, metrics)
        self._epochs.append(record)
        finite = all(np.isfinite(value) for value in metrics.values())
        # Weights that overflow a loss can still give a finite RMSE, behind a ReLU that died.
        if self._stop.update(metrics["val_rmse"] if finite else np.nan):
            self._best_weights = self._model.get_weights()
        goes_on = self._on_epoch(record) if self._on_epoch is not None else True
        if not finite:
            self._end("nan")
        elif self._stop.done and record.epoch < self._planned_epochs:
            self._end("early_stopping")
        elif not goes_on:
            self._end("pruned")

    def _end(self, reason: str) -> None:
        self._end_reason = reason
        self._model.stop_training = True

    def restore_best(self, model: Any) -> None:
        """Put the best epoch's weights into a model; without a best epoch, change nothing."""
        if self._best_weights is not None:
            model.set_weights(self._best_weights)

    def result(
        self, value: float, seconds: Mapping[str, float], trainer: TrainerUsed
    ) -> TrainResult:
        """Put the outcome together.

        Args:
            value: Validation RMSE of the best epoch's weights, computed anew.
            seconds: Wall time of each phase.
            trainer: Which trainer it was.
        """
        return TrainResult(
            epochs=self.epochs,
            best_val_rmse=value,
            best_epoch=self.best_epoch,
            lowest_val_rmse=self.lowest_val_rmse,
            end_reason=self.end_reason,
            seconds=seconds,
            trainer=trainer,
        )
