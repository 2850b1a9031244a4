"""Estimates the cost of a study from a few epochs of its first trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.cost.outlook import BESIDE_S, Spread
from search.space.parameters import Parameter, without_empty_conditions

_SECONDS_ENDS = 15.0
"""Seconds of a study at its start and its end."""
_OWN_MB = 400.0
"""Memory of the study's own process, in MB."""
_PLOTS_MB = 25.0
_TRIAL_FILES_MB = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """The measured cost of a few epochs of a study's first trial.

    Attributes:
        seconds: Seconds of each epoch; the first one compiles.
        memory_mb: Peak memory of the training process.
        files_mb: What the trial left on disk, its model included.
        space: What the study searches.
        workers: Trials that are trained at once.
        grows: Whether trials may meet further parameters while they run.
        warnings: What a user should know of the ratings, one line each.
        others: Estimated seconds of an epoch of the other trials; None where they cannot be
            estimated, and count as the first.
        others_mb: Estimated peak memory of the other trials' processes; None as of `others`.

    Example:
        >>> measured = Rehearsal(
        ...     seconds=(0.9, 0.1, 0.3), memory_mb=500.0, files_mb=0.5, space=(), workers=2
        ... )
        >>> measured.seconds_epoch  # (0.1 + 0.3) / 2
        0.2
    """

    seconds: Sequence[float]
    memory_mb: float
    files_mb: float
    space: Sequence[Parameter]
    workers: int
    grows: bool = False
    warnings: tuple[str, ...] = ()
    others: Spread | None = None
    others_mb: Spread | None = None

    @property
    def peak_mb(self) -> float:
        """Memory of a training process: of the first, or what one in twenty others exceeds."""
        return max(self.memory_mb, self.others_mb.high if self.others_mb else 0.0)

    @property
    def seconds_epoch(self) -> float:
        """Mean seconds of an epoch, without the first (which compiles) unless it is alone."""
        later = list(self.seconds[1:]) or list(self.seconds) or [0.0]
        return sum(later) / len(later)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What `--dry-run` shows of a study: its space, and its estimated cost.

    Attributes:
        space: A row for each parameter: name, kind, min, max, step, values, log, mirrored, default,
            when.
        workers: Trials that are trained at once.
        seconds_epoch: An epoch of the first trial, measured alone on its threads.
        seconds: The whole study, if nothing is pruned and nothing stops early.
        memory_mb: Peak of a training process times the workers, and the study's own 400 MB. The
            peak is that of the first trial, measured, or what one in twenty others exceeds,
            estimated.
        disk_mb: Models, files, plots.
        trials: Target of trials.
        grows: Whether trials may meet further parameters while they run.
        warnings: What a user should know of the ratings, one line each.
        seconds_epoch_others: Estimated seconds of an epoch of the other trials: mean, and what
            nine in ten lie between; None where they cannot be estimated.
    """

    space: tuple[dict[str, Any], ...]
    workers: int
    seconds_epoch: float
    seconds: float
    memory_mb: float
    disk_mb: float
    trials: int
    grows: bool = False
    warnings: tuple[str, ...] = ()
    seconds_epoch_others: Spread | None = None

    def to_json(self) -> dict[str, Any]:
        """Convert the estimate to plain values for JSON."""
        return asdict(self)


def plan_from(config: StudyConfig, measured: Rehearsal) -> Plan:
    """Estimate what a study would cost in seconds, memory and disk.

    Trials of a study run in rounds, one a worker: ceil(trials / workers) rounds. A round takes
    (folds or repeats) x epochs x seconds of an epoch + 3 s; the study's start and end take 15 s. An
    epoch is the mean over the trials: the first as measured, the others as estimated.

    Args:
        config: The study.
        measured: The cost of a few epochs of its first trial.

    Returns:
        The estimate, with the space as rows of a table.

    Example:
        8 trials of 100 epochs with 2 workers: 4 x (100 x 0.1 + 3) + 15 = 67 s,
        2 x 500 + 400 = 1400 MB of memory, and 8 x 0.5 + 8 x 0.2 + 25 = 30.6 MB on disk.

        >>> measured = Rehearsal(
        ...     seconds=(0.9, 0.1), memory_mb=500.0, files_mb=0.5, space=(), workers=2
        ... )
        >>> plan = plan_from(StudyConfig(trials=8, epochs=100), measured)
        >>> plan.seconds, plan.memory_mb, plan.disk_mb
        (67.0, 1400.0, 30.6)
    """
    kept = {"all": config.trials, "best": 1, "none": 0}[config.keep_models]
    described = without_empty_conditions(measured.space)
    return Plan(
        space=tuple(_describe(parameter, when) for parameter, when in described),
        seconds_epoch=measured.seconds_epoch,
        workers=measured.workers,
        seconds=_seconds(config, measured),
        memory_mb=measured.workers * measured.peak_mb + _OWN_MB,
        disk_mb=kept * measured.files_mb + config.trials * _TRIAL_FILES_MB + _PLOTS_MB,
        trials=config.trials,
        grows=measured.grows,
        warnings=measured.warnings,
        seconds_epoch_others=measured.others,
    )


def _seconds(config: StudyConfig, measured: Rehearsal) -> float:
    """Estimate the seconds of a study, in rounds of trials.

    Example:
        An epoch of the first of 8 trials takes 0.1 s, and of the others 0.5 s on average, so that
        of all (0.1 + 7 x 0.5) / 8 = 0.45 s, and the study 4 x (100 x 0.45 + 3) + 15 = 207 s.

        >>> measured = Rehearsal(
        ...     seconds=(0.9, 0.1), memory_mb=500.0, files_mb=0.5, space=(), workers=2,
        ...     others=Spread(mean=0.5, low=0.1, high=2.0),
        ... )
        >>> _seconds(StudyConfig(trials=8, epochs=100), measured)
        207.0
    """
    mean = measured.seconds_epoch
    if measured.others is not None:
        mean = (mean + (config.trials - 1) * measured.others.mean) / config.trials
    trial_s = parts_of(config) * mean * config.epochs + BESIDE_S
    return -(-config.trials // measured.workers) * trial_s + _SECONDS_ENDS


def _describe(parameter: Parameter, when: str) -> dict[str, Any]:
    """A parameter as a row of the table of the space."""
    return {
        "name": parameter.name,
        "kind": parameter.kind,
        "min": parameter.low,
        "max": parameter.high,
        "values": list(parameter.listed()) if parameter.kind in ("Choice", "Boolean") else None,
        "step": parameter.step,
        "log": parameter.log,
        "mirrored": parameter.mirrored,
        "default": parameter.default,
        "when": when,
    }
