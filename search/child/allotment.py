"""Shares a machine out to the workers of a study."""

from __future__ import annotations

from dataclasses import dataclass

from search.config.sections import AUTO
from search.config.study import StudyConfig

# Up to here a trial leaves cores idle: what Python does beside each epoch is as long as the epoch.
_SMALL_ROWS = 500_000


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
        For `auto`, one thread a worker and as many workers as cores where a trial is small, one
        worker with all threads where it is large or alone. What a trial computes depends on its
        threads, so that they do not depend on how many trials are left.

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
        workers = cores // (config.threads or 1)
    else:
        workers = 1
    workers = max(1, workers)
    return Allotment(workers, config.threads or max(1, cores // workers))
