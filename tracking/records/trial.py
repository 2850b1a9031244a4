"""Frozen records of trials, of their epochs and of their models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tracking.states import EndReason, State, end_in_words
from tracking.tags import Tag

Scalar = str | int | float | bool | None
_SHOWN = 6
_PARTS = ("fold", "repeat", "training")


def _short(value: Scalar) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochRecord:
    """One epoch of one trial.

    Attributes:
        epoch: Number of the epoch, 1 for the first.
        seconds: Wall time of the epoch in seconds, its validation included.
        metrics: Values by name. For rating models: `loss`, `rmse`, `val_loss`, `val_rmse`.

    Example:
        >>> first = EpochRecord(epoch=1, seconds=0.5, metrics={"rmse": 1.1, "val_rmse": 1.2})
        >>> first.metrics["val_rmse"]
        1.2
    """

    epoch: int
    seconds: float
    metrics: Mapping[str, float]

    def by_part(self, metric: str) -> dict[str, float]:
        """The values of a metric in the folds, repeats or trainings of a trial.

        Args:
            metric: Its name, without the prefix "fold_2/" of a second one.

        Returns:
            Values by "fold 2", "repeat 2" or "training 2"; that of the first by an empty text.

        Example:
            >>> both = {"val_rmse": 1.2, "fold_2/val_rmse": 1.3, "fold_2/rmse": 1.1}
            >>> EpochRecord(epoch=1, seconds=0.5, metrics=both).by_part("val_rmse")
            {'': 1.2, 'fold 2': 1.3}
        """
        found = {}
        for name, value in self.metrics.items():
            prefix, _, rest = name.partition("/")
            kind, _, number = prefix.partition("_")
            if name == metric:
                found[""] = value
            elif rest == metric and kind in _PARTS and number.isdigit():
                found[f"{kind} {number}"] = value
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """How the learning curve of a trial is drawn.

    Attributes:
        monitor: Name of the validation metric that it shows.
        minimize: Whether a lower value is better.

    Example:
        >>> Picture(monitor="val_rmse").minimize
        True
    """

    monitor: str
    minimize: bool = True


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TrialRecord:
    """One trial: its parameters, its state, its objective, its metrics and its epochs.

    Attributes:
        study: Name of the study.
        number: Number of the trial in the study, as Optuna counts: 0 for the first.
        params: Values by the names that the user gave: a learning rate, not its exponent.
        state: One of `State`, or its plain text.
        end_reason: One of `EndReason`, or its plain text.
        message: One line for a trial that failed, was pruned or met a limit, else empty.
        value: The objective. For a pruned trial it is the best value until then; None where
            there is none.
        objective: Name of the number that `value` is, say "best_val_rmse".
        metrics: Final values by name: `best_val_rmse`, `best_epoch`, `epochs_run`,
            `lowest_val_rmse`, `parameters`, `seconds_*` by phase, `peak_memory_mb`,
            `trivial_global_mean_val_rmse`, `trivial_biases_val_rmse`, ...
        tags: By name, those of `Tag` among them.
        epochs: Its learning curve, epoch 1 first.
        run_id: Its MLflow run, where it has one.
        started_ms: When it began, in milliseconds since 1970; None for when that is recorded.
        ended_ms: When it ended, likewise.
        picture: How its epochs are to be drawn, as `learning_curve.png` among its run's files.

    Example:
        >>> trial = TrialRecord(
        ...     study="movies", number=0, params={"size": 8}, tags={Tag.BASELINE: "true"}
        ... )
        >>> (trial.state == "running", trial.is_baseline, trial.is_beyond)
        (True, True, False)
        >>> trial
        TrialRecord('movies', trial 0, running; size=8)
    """

    study: str
    number: int
    params: Mapping[str, Scalar]
    state: str = State.RUNNING
    end_reason: str = EndReason.NONE
    message: str = ""
    value: float | None = None
    objective: str = "best_val_rmse"
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    epochs: tuple[EpochRecord, ...] = ()
    run_id: str | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    picture: Picture | None = None

    def __repr__(self) -> str:
        """The trial in a line: its state, its value, its first parameters and its epochs."""
        given = list(self.params.items())
        shown = ", ".join(f"{name}={_short(value)}" for name, value in given[:_SHOWN])
        more = f", {len(given) - _SHOWN} more" if len(given) > _SHOWN else ""
        value = "" if self.value is None else f", {self.objective} {self.value:.4f}"
        epochs = f"; {len(self.epochs)} epochs" if self.epochs else ""
        head = f"{self.study!r}, trial {self.number}, {self.state}{value}"
        return f"{type(self).__name__}({head}{'; ' if shown else ''}{shown}{more}{epochs})"

    @property
    def is_baseline(self) -> bool:
        """Whether this trial is a baseline, with which the other trials are compared."""
        return self.tags.get(Tag.BASELINE, "").lower() == "true"

    @property
    def label(self) -> str:
        """Its number, with what its configuration is where no sampler chose it: "0 baseline"."""
        kind = " baseline" if self.is_baseline else " recipe" if self.is_recipe else ""
        return f"{self.number}{kind}"

    @property
    def is_beyond(self) -> bool:
        """Whether the trial exceeds a limit set by its study; rankings leave such trials out."""
        return Tag.BEYOND in self.tags

    @property
    def is_of_folds(self) -> bool:
        """Whether its value is of folds of the train part, and not of the validation part."""
        return f"fold_1/{self.objective}" in self.metrics

    @property
    def mean_of(self) -> str:
        """What its value is the mean of: "3 folds", "2 repeats"; empty for a single training."""
        for kind in ("fold", "repeat"):
            numbers = range(1, int(self.metrics.get("parts", 1)) + 1)
            if count := sum(f"{kind}_{n}/{self.objective}" in self.metrics for n in numbers):
                return f"{count} {kind}{'s' if count > 1 else ''}"
        return ""

    @property
    def trained(self) -> float:
        """How many epochs it trained: all those of its folds or repeats."""
        return self.metrics.get("epochs_run", float(len(self.epochs)))

    @property
    def how_it_ended(self) -> str:
        """How it ended, as a clause, and why it was pruned; empty before its end."""
        end = end_in_words(self.end_reason, self.trained, self.mean_of)
        is_pruned = self.end_reason == EndReason.PRUNED and self.message
        return f"{end}: {self.message}" if is_pruned else end

    @property
    def is_recipe(self) -> bool:
        """Whether the trial's configuration comes from one of Trialbook's recipes."""
        return self.recipe is not None

    @property
    def recipe(self) -> str | None:
        """Name of the recipe that the trial's configuration comes from, or None."""
        return self.tags.get(Tag.RECIPE)

    @property
    def trainer(self) -> str | None:
        """What trained the model, "fast" or "keras", or None where that is unknown."""
        return self.tags.get(Tag.TRAINER)

    @property
    def threads(self) -> int | None:
        """Threads that the training process had, or None where that is unknown."""
        return int(self.tags.get(Tag.THREADS, 0)) or None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A saved model on disk, ready to be logged.

    Attributes:
        path: A folder that the recorder's loader file can read.
        kind: "ratings" (a table of raw user and movie ids in, a score a row out) or "keras".
        name: The model's name in MLflow.
        figure: Name of the one metric of the trial that belongs to this model; None where all
            metrics do.
        is_raw: Whether the folder holds weights, of which a model is still to be made.

    Example:
        >>> ModelFolder(path=Path("model")).kind
        'ratings'
    """

    path: Path
    kind: str = "ratings"
    name: str = "model"
    figure: str | None = None
    is_raw: bool = False
