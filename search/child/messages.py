"""The messages between a study's process and its child; plain values only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.config.limits import Limits
from search.space.parameters import Parameter
from tracking import DatasetRecord, EndReason, EpochRecord, Scalar

KERAS = "keras"
"""Role of a child that trains and scores with Keras loaded."""
ALONE = "alone"
"""Role of a child that trains our own models by compiled functions, and does not load Keras."""
KEEPS = "keeps"
"""Role of a child that makes Keras models of what the others trained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """The first message to a child: its study, its working directory, its environment.

    Attributes:
        config: The study as plain values.
        folder: The working directory.
        environment: All environment variables.
        role: What the child is for: `KERAS`, `ALONE` or `KEEPS`.
    """

    config: Mapping[str, Any]
    folder: str
    environment: Mapping[str, str]
    role: str = KERAS


@dataclass(frozen=True, slots=True)
class Started:
    """The child's first message: its process number."""

    pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """The child has loaded its data.

    Attributes:
        space: The declared parameters, parents first.
        first: What trial 0 tries: the published baseline, or a user's own model's defaults.
        dataset: The ratings; None for a user's own model.
        workers: Trials that are trained at once.
        threads: Threads that a trial uses.
        warnings: Lines that the user should see.
        devices: The kinds of devices that can train: as TensorFlow sees them, or the processor.
        grows: Whether the model may declare further parameters while a trial is built or trained.
    """

    space: tuple[Parameter, ...]
    first: Mapping[str, Scalar]
    dataset: DatasetRecord | None
    workers: int
    threads: int
    warnings: tuple[str, ...]
    devices: tuple[str, ...]
    grows: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A message to the child: train one trial.

    Attributes:
        values: Real values of the active parameters. Of a user's own model those that are known
            before it is built; the child asks for all others.
        preset: "baseline" or "as-written" to train that instead of `values`.
        seed: Seed of the training.
        epochs: Most epochs.
        folder: Where the child writes the trial's files.
        keep_model: Whether the model is saved.
        judged_from: First epoch after which the child waits for word whether to go on; None for
            never.
        judged_by_parts: Whether the child waits for that word after each fold or repeat instead.
        most_parts: Number of folds or repeats after which the trial ends; None for all.
        limits: What the trial may not exceed.
        refit_epochs: Epochs to train on train and validation part together; None to train as usual.
    """

    values: Mapping[str, Scalar]
    seed: int
    epochs: int
    folder: Path
    preset: str | None = None
    keep_model: bool = True
    judged_from: int | None = None
    judged_by_parts: bool = False
    most_parts: int | None = None
    limits: Limits = field(default_factory=Limits)
    refit_epochs: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A message to the child: score a model on the validation or the test part of the ratings.

    Attributes:
        model: The folder of a saved model; None for the trivial predictors (means and biases).
        part: "valid" or "test".
    """

    model: Path | None
    part: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The child's answer to `Score`: each predictor's squared errors, summed by user.

    Attributes:
        sums: By predictor ("model", or "global_mean" and "biases"), `[user]` each.
        counts: Number of each user's ratings in that part, `[user]`; 0 where a user has none.
    """

    sums: Mapping[str, Any]
    counts: Any


@dataclass(frozen=True, slots=True)
class Keep:
    """A message to a keeper: make a Keras model of a trial's weights, and save it beside them.

    Attributes:
        folder: The trial's.
        name: The folder in it that holds the weights and gets the model.
    """

    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The keeper's answer to `Keep`: the model is saved."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The child asks for the value of a parameter that the trial's model has just declared.

    It waits for an `Answer`.
    """

    parameter: Parameter


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to `Ask`: the parameter's value, or the word that the trial ends here.

    Attributes:
        value: The value as a model gets it (64, "relu").
        goes_on: Whether the trial goes on.
    """

    value: Scalar
    goes_on: bool = True


@dataclass(frozen=True, slots=True)
class Built:
    """The trial's model is built; the child waits for word whether to train it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochEnded:
    """An epoch of the trial has ended.

    Attributes:
        record: The epoch.
        waits: Whether the child waits for word whether to go on.
    """

    record: EpochRecord
    waits: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Within:
    """A long epoch of the trial is under way.

    Attributes:
        epoch: Its number, 1 for the first.
        share: Share of its rows that are trained, from 0 to 1.
    """

    epoch: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a trial has been trained: one of its folds, or one of its repeats (seeds).

    Attributes:
        number: Number of the fold or repeat, 1 for the first.
        value: The objective value of this fold or repeat.
        waits: Whether the child waits for word whether to go on.
    """

    number: int
    value: float
    waits: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A trial has come to its end, complete or cut short by a pruner or a limit.

    Attributes:
        end_reason: "epochs", "early_stopping", "pruned", "limit" or "nan".
        value: The objective; the mean of the folds or repeats where there are several.
        metrics: Final figures by name.
        trainer: "compiled", "fast" or "keras": what trained.
        model_kind: "ratings", "keras", or None where no model was saved.
        models: Names of the folders that hold a model each, the trial's own first.
        parts: What one of several models belongs to: "training" for each call of Keras' `fit` of a
            user's own model; empty for the study's own folds or repeats.
        raw: Whether the folders hold weights, of which a keeper is still to make Keras models.
        message: What to tell of it: which limit ended it, or why Keras' own `fit` trained it.
    """

    end_reason: str
    value: float
    metrics: Mapping[str, float]
    trainer: str = "keras"
    model_kind: str | None = None
    models: tuple[str, ...] = ("model",)
    parts: str = ""
    raw: bool = False
    message: str = ""

    @classmethod
    def beyond(cls, message: str, parameters: int | None) -> Done:
        """Make the end of a trial that is not trained, since its model exceeds a limit.

        Args:
            message: Which limit, in words.
            parameters: Weights of the model; None where they were not counted.
        """
        metrics = {"epochs_run": 0.0}
        if parameters is not None:
            metrics["parameters"] = float(parameters)
        return cls(end_reason=EndReason.LIMIT, value=math.nan, metrics=metrics, message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A message from the child: a trial has failed, and the child goes on.

    Attributes:
        end_reason: "nan", "out_of_memory" or "error".
        message: One line.
        detail: The traceback, for the log.
        metrics: Figures that are known all the same, by name.
        is_for_all: Whether the user's model is at fault, so that every trial would fail with it.
        is_disk_full: Whether a disk was full, which is no fault of the trial.
    """

    end_reason: str
    message: str
    detail: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    is_for_all: bool = False
    is_disk_full: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The child cannot start because of a user's mistake, which `message` describes in one line."""

    message: str


Message = (
    Started
    | Ready
    | Ask
    | Built
    | EpochEnded
    | Within
    | Part
    | Done
    | Failed
    | Refused
    | Scored
    | Kept
)
