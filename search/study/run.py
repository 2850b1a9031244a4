"""Run a study: the child starts first, so that both processes import their libraries at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.compiled.cache import is_made
from search.child.messages import ALONE
from search.config.home import home_folder, require_password
from search.config.study import StudyConfig
from search.errors import of_disk
from search.executor.interrupts import Stop, interruptible
from search.executor.supervisor import Supervisor
from search.study.request import Request
from search.trial.notebook import shown
from search.trial.progress import Progress
from tracking import Scalar, Store

if TYPE_CHECKING:
    from search.storage.studies import Studies
    from search.study.result import StudyResult


def run_study(
    config: StudyConfig,
    *,
    home: str | Path | None = None,
    progress: Progress | None = None,
    enqueue: Sequence[Mapping[str, Scalar]] = (),
    widen: bool = False,
) -> StudyResult:
    """Run a study until it has `config.trials` finished trials; the same call again resumes it.

    Args:
        config: What to search.
        home: Folder of `mlflow.db`, `optuna.db` and `artifacts/`, made when missing; None for the
            one that `TRIALBOOK_HOME` names, else `mlruns`.
        progress: Hears what happens. None for a live display in the cell of a Jupyter notebook,
            and for silence elsewhere; `Silent()` for silence there too.
        enqueue: Configurations to try first; parameters that one leaves out are the sampler's to
            choose. One that is queued or was tried already is passed over.
        widen: Whether the study goes on where its space has changed, with what still fits.

    Returns:
        The study's record and how this run ended.

    Raises:
        SearchError, ModelsError, TrackingError: The user's mistake, in one line.

    Example:
        >>> config = StudyConfig(name="tiny", trials=2, epochs=3, data=ratings, sampler="random")
        >>> result = run_study(config, home=home)
        >>> result.count("complete"), result.new_trials
        (2, 2)
        >>> result.best.value == min(trial.value for trial in result.record.trials)
        True
        >>> run_study(config, home=home).new_trials  # it has its two trials already
        0
    """
    config, store = _located(config, home_folder(home))
    asked = Request(enqueue=enqueue, widen=widen)
    with shown(progress) as display:
        return _run(config, lambda: _opened(store, config), display, asked)


def run_in(
    studies: Studies,
    config: StudyConfig,
    progress: Progress,
    request: Request = Request(),  # noqa: B008 (frozen)
    stop: Stop | None = None,
) -> StudyResult:
    """Run a study to its target of trials, with a storage that may be open already.

    Args:
        studies: The studies of the home; opened anew where the study is kept elsewhere.
        config: What to search.
        progress: Hears what happens.
        request: Configurations to try first, and whether the space may have changed.
        stop: Set by signals that ask to stop, and by whoever else keeps it; None for a new one.
    """
    require_password(config)
    config, store = _located(config, studies.store.home)
    same = studies.address == config.storage and studies.store == store
    found = studies if same else _opened(store, config)
    if request.crew is not None:
        request.crew.check(config, found)
    return _run(config, lambda: found, progress, request, stop)


def _located(config: StudyConfig, home: Path) -> tuple[StudyConfig, Store]:
    """A study's store, and settings whose MLflow address is right from any folder.

    They are right in a copy of the home too.

    That of the home's own database is left out, so that a copy's record is the copy's. That of
    another file is absolute.
    """
    store = Store(home, config.tracking_uri)
    if config.tracking_uri is not None and store.sqlite_file is not None:
        config = config.at(tracking_uri=None if store.is_own else store.tracking_uri)
    return config, store


def _opened(store: Store, config: StudyConfig) -> Studies:
    from search.storage.studies import Studies

    return Studies(store, config.storage)


def _run(
    config: StudyConfig,
    studies: Callable[[], Studies],
    progress: Progress,
    request: Request,
    stop: Stop | None = None,
) -> StudyResult:
    """Start the child, import the heavy libraries meanwhile, and run the study."""
    supervisor = Supervisor(config, role=ALONE, say=progress.message)
    try:
        with interruptible(stop) as stop:
            stop.ends_in_s = request.ends_in_s
            supervisor.start()
            if not is_made():
                progress.message("Compiling the trainer, once: about 15 seconds.")
            from search.storage.patience import StorageAway
            from search.study.session import Session

            own = studies()
            try:
                return Session(config, own, supervisor, progress, stop, request).run()
            except StorageAway:
                if stop.is_signalled:
                    raise KeyboardInterrupt from None
                raise
            except Exception as error:
                known = of_disk(error, own.store.home)
                if known is not None and known is not error:
                    raise known from error
                raise
    finally:
        supervisor.close()
