"""Run a study: the child starts first, so that both processes import their libraries at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from search.config.study import StudyConfig
from search.executor.interrupts import interruptible
from search.executor.supervisor import Supervisor
from search.trial.progress import Progress, Silent
from tracking import Scalar, Store

if TYPE_CHECKING:
    from search.storage.records import StudyResult


def run_study(
    config: StudyConfig,
    *,
    home: str | Path = "mlruns",
    progress: Progress | None = None,
    enqueue: Sequence[Mapping[str, Scalar]] = (),
) -> StudyResult:
    """Run a study until it has `config.trials` finished trials; the same call again resumes it.

    Args:
        config: What to search.
        home: Folder of `mlflow.db`, `optuna.db` and `artifacts/`; made when missing.
        progress: Is told what happens; None for silence.
        enqueue: Configurations to try before the sampler is asked; parameters that one leaves out
            are the sampler's to choose. One that is queued or was tried already is passed over.

    Returns:
        The study's record and how this run ended.

    Raises:
        SearchError, ModelsError, TrackingError: The user's mistake, in one line.
    """
    progress = progress or Silent()
    store = Store(Path(home), config.tracking_uri)
    supervisor = Supervisor(config)
    try:
        with interruptible() as stop:
            supervisor.start()
            from search.study.session import Session

            return Session(config, store, supervisor, progress, stop, enqueue).run()
    finally:
        supervisor.close()
