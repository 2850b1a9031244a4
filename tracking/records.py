"""What happened, in plain types: the only things that pass from `search` to `tracking`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Scalar = str | int | float | bool | None

COMPLETE = "complete"
PRUNED = "pruned"
FAILED = "failed"
KILLED = "killed"
RUNNING = "running"
QUEUED = "queued"
BEYOND = "trialbook.beyond"
"""Tag of a complete trial that exceeds a limit of its study: it stands in the record to compare
with, and ranks nowhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochRecord:
    """One epoch of one trial.

    Attributes:
        epoch: 1 for the first.
        seconds: Wall time of the epoch, its validation included.
        metrics: By name. For rating models: `loss`, `rmse`, `val_loss`, `val_rmse`.
    """

    epoch: int
    seconds: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRecord:
    """The ratings that a study reads.

    Attributes:
        name: The source as the user named it, say "movielens".
        content_hash: SHA-256 over the rows, 64 hexadecimal digits.
        synthetic: Made up, not measured.
        profile: Counts and options worth showing: rows, users, movies, split sizes, filters.
        checks: For MUBI, one line a published figure: what was expected, what was found.
    """

    name: str
    content_hash: str
    synthetic: bool = False
    profile: Mapping[str, Scalar] = field(default_factory=dict)
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """One trial: what was asked of it and what became of it.

    Attributes:
        study: Name of the study.
        number: Number of the trial in the study, as Optuna counts.
        params: Real values by the names a user knows.
        state: "complete", "pruned", "failed", "killed", "running" or "queued".
        end_reason: Finer than the state: "epochs", "early_stopping", "pruned", "limit", "nan",
            "out_of_memory", "error", "crash", "interrupted".
        message: One line for a trial that failed or met a limit, else empty.
        value: The objective; for a pruned trial its best so far; None where there is none.
        objective: Name of the number that `value` is, say "best_val_rmse".
        metrics: Final figures by name: `best_val_rmse`, `best_epoch`, `epochs_run`,
            `lowest_val_rmse`, `parameters`, `seconds_*` by phase, `peak_memory_mb`,
            `trivial_global_mean_val_rmse`, `trivial_biases_val_rmse`, ...
        tags: By name: commit, versions, seed, hardware, ...
        epochs: Its curve, epoch 1 first.
        run_id: Its MLflow run, where it has one.
    """

    study: str
    number: int
    params: Mapping[str, Scalar]
    state: str = RUNNING
    end_reason: str = ""
    message: str = ""
    value: float | None = None
    objective: str = "best_val_rmse"
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    epochs: tuple[EpochRecord, ...] = ()
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyRecord:
    """One study and its trials.

    Attributes:
        name: Name of the study.
        direction: "minimize" or "maximize".
        objective: Name of the number that is optimised.
        monitor: Name of the per-epoch metric behind the objective, say "val_rmse".
        goals: Names of the figures that are all pursued, the objective's first, all others the
            lower the better; empty for the objective alone.
        description: Readable text (Markdown) of what is searched, on what, how.
        study_file: The study as TOML text.
        dataset: The ratings, or None for a user's own model with its own data.
        tags: By name.
        trials: By number.
        importances: Share of each parameter, most important first; empty where unknown.
        experiment_id: Its MLflow experiment, where it has one.
        parent_run_id: Its MLflow run, where it has one.
    """

    name: str
    direction: str = "minimize"
    objective: str = "best_val_rmse"
    monitor: str = "val_rmse"
    goals: tuple[str, ...] = ()
    description: str = ""
    study_file: str = ""
    dataset: DatasetRecord | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[TrialRecord, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str | None = None
    parent_run_id: str | None = None

    @property
    def minimize(self) -> bool:
        """Whether a lower value is better: the one place that turns the direction into a sign."""
        return self.direction == "minimize"

    def ranked(self) -> tuple[TrialRecord, ...]:
        """Complete trials within the limits, best first; ties in the order of their numbers."""
        done = [t for t in self.trials if t.state == COMPLETE and t.value is not None]
        within = [t for t in done if BEYOND not in t.tags]
        return tuple(sorted(within, key=lambda t: (self._sign * (t.value or 0.0), t.number)))

    @property
    def _sign(self) -> float:
        return 1.0 if self.minimize else -1.0

    def frontier(self) -> tuple[TrialRecord, ...]:
        """Complete trials that no other one beats in one goal without losing in another.

        They are the best by the objective first; without several goals, there are none.
        """
        if len(self.goals) < 2:
            return ()
        ranked = self.ranked()
        points = [self._costs(trial) for trial in ranked]
        return tuple(
            trial
            for trial, point in zip(ranked, points, strict=True)
            if not any(_dominates(other, point) for other in points)
        )

    def _costs(self, trial: TrialRecord) -> tuple[float, ...]:
        """A trial's goals, the lower the better each."""
        others = (float(trial.metrics.get(name, math.inf)) for name in self.goals[1:])
        return (self._sign * (trial.value or 0.0), *others)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is nowhere worse than the other and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A saved model on disk, ready to be logged.

    Attributes:
        path: A folder that the loader module understands.
        kind: "ratings" (a table of raw user and movie ids in, a score a row out) or "keras".
        user_id_type: "long" or "string"; only for ratings.
        movie_id_type: The same for movies.
        name: Of the model in MLflow.
        figure: Name of the one figure of its trial that is this model's; None for all of them.
    """

    path: Path
    kind: str = "ratings"
    user_id_type: str = "long"
    movie_id_type: str = "long"
    name: str = "model"
    figure: str | None = None
