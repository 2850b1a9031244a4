"""Shares a machine out to the workers of a study."""

from __future__ import annotations

from dataclasses import dataclass

from search.config.sections import AUTO
from search.config.study import StudyConfig

# Up to here a trial leaves cores idle: what Python does beside each epoch is as long as the epoch.
_SMALL_ROWS = 500_000
_AT_ONCE = 8
_BLIND = ("random", "grid", "qmc")
"""Samplers whose proposals know nothing of other trials."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """The number of workers, and the threads of each.

    Attributes:
        workers: Trials that are trained at once.
        threads: Threads that each trial may use.
    """

    workers: int
    threads: int


def allot(config: StudyConfig, *, rows: int | None, cores: int, gpus: int = 0) -> Allotment:
    """Share a machine out to the trials of a study.

    Args:
        config: The study; what it names is taken as it is.
        rows: Train rows; None where a user's own model has its own data, which counts as large.
        cores: Cores that this process may use.
        gpus: GPUs that TensorFlow sees; with any, `auto` is one worker a GPU.

    Returns:
        For `auto`, as many workers as cores where a trial is small, and one worker with all
        threads where it is large or alone. More than eight workers, and more than an eighth of the
        study's trials, would be too many for a sampler that learns: what runs at once is proposed
        without each other's results.

    Example:
        >>> config = StudyConfig(workers="auto")
        >>> allot(config, rows=100_000, cores=8)  # small trials: a core each
        Allotment(workers=8, threads=1)
        >>> allot(config, rows=10_000_000, cores=8)
        Allotment(workers=1, threads=8)
    """
    if config.workers != AUTO:
        workers = int(config.workers)
    elif config.trials == 1:
        workers = 1
    elif gpus:
        workers = gpus
    elif rows is not None and rows <= _SMALL_ROWS:
        workers = min(cores // (config.threads or 1), _most(config))
    else:
        workers = 1
    workers = max(1, workers)
    return Allotment(workers, config.threads or max(1, cores // workers))


def _most(config: StudyConfig) -> int:
    """The most small trials at once that leave a study something to learn from."""
    if config.sampler in _BLIND:
        return config.trials
    return max(_AT_ONCE, config.trials // 8)
