"""Imports MLflow, and what draws, in background threads, since that takes seconds."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tracking.figures.html import rehearse
from tracking.runs.quiet import quiet
from tracking.runs.schema import build
from tracking.runs.store import Store

_DRAWING = ("matplotlib.backends.backend_agg", "matplotlib.figure", "plotly.subplots")
_PAUSE_S = 1.0


@contextlib.contextmanager
def warmed(store: Store) -> Iterator[Callable[[], None]]:
    """Import MLflow, and make a new store's tables, in the background.

    Nothing is written to the store before the caller asks for it: until then the tables lie in
    a temporary folder. Leaving the block early does not wait for the thread.

    Args:
        store: The store that will be prepared.

    Returns:
        A context manager. Its value is a function to call in place of `store.prepare()`, which
        waits for the thread first.

    Example:
        >>> with warmed(Store(Path("mlruns"))) as prepare:
        ...     settings = {"trials": 20}  # something else that takes a while
        ...     prepare()
        >>> Path("mlruns/artifacts").is_dir()
        True
    """
    warming = _Warming(store)
    warming.start()

    def prepare() -> None:
        warming.warm.wait()
        store.prepare(warming.built)

    try:
        yield prepare
    finally:
        warming.left.set()


class _Warming(threading.Thread):
    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._folder = TemporaryDirectory(prefix="trialbook-", ignore_cleanup_errors=True)
        self.built = Path(self._folder.name) / "mlflow.db"
        self.warm, self.left = threading.Event(), threading.Event()

    def run(self) -> None:
        # Whatever goes wrong here goes wrong again where it is needed, and is reported there.
        with contextlib.suppress(Exception):
            self._work()
        self.warm.set()
        self.left.wait()  # not cleaned up before: MLflow looks for a file that is gone for minutes
        self._folder.cleanup()

    def _work(self) -> None:
        quiet()
        path = self._store.sqlite_file
        if path is not None and not path.exists():
            partial = self.built.with_suffix(".partial")
            build(partial, artifacts=path.parent / "artifacts")
            partial.rename(self.built)


@contextlib.contextmanager
def import_ahead(names: Sequence[str]) -> Iterator[None]:
    """Import what draws, and other modules, in the background; whoever needs one sooner waits.

    It begins a second later: until then the first trials begin, which is what a user waits for.
    Leaving the block before then imports nothing.

    Args:
        names: The other modules.

    Example:
        >>> with import_ahead(["sklearn.ensemble"]):
        ...     settings = {"trials": 20}  # something else that takes a while
    """

    def work() -> None:
        # Whatever goes wrong here goes wrong again where it is needed, and is reported there.
        with contextlib.suppress(Exception):
            for name in (*_DRAWING, *names):
                importlib.import_module(name)
            rehearse()

    timer = threading.Timer(_PAUSE_S, work)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
