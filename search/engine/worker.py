"""One worker elsewhere: joins in a study, and trains trials until nothing is left."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from search.engine.events import Event, Events
from search.errors import USER_ERRORS
from search.executor.interrupts import Stop

_TOLD_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """What a worker needs to know to join in a study.

    Attributes:
        study: Its name.
        storage, tracking_uri: Addresses of Optuna's database and of MLflow's; None for files of the
            home.
        home: Folder for what waits for MLflow, and for trials that run.
        folder: The working directory, from which relative paths count; kept where there is none.
        threads: Threads a trial.
        data: Where the ratings are, if not where the study says.
        model, data_module: The study's code of a user's own, as the study's process has it.
    """

    study: str
    storage: str | None = field(repr=False)  # it may hold a password
    tracking_uri: str | None = field(repr=False)
    home: str
    folder: str
    threads: int
    data: str | None = None
    model: str | None = None
    data_module: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """How a worker ended.

    Attributes:
        events: What it told last.
        error: Why it cannot take part, in one line; None where it could.
        exit_code: That of a command that ends so.
    """

    events: tuple[Event, ...] = ()
    error: str | None = None
    exit_code: int = 0


class Worker:
    """Trains trials of one study; an engine makes one in each process that it starts for that.

    Threads: `work` is called in one thread, `tell` and `stop` meanwhile in others.
    """

    def __init__(self, post: Post) -> None:
        """Keep what to do; `work` is the first to open anything.

        Args:
            post: The study, and where it is.
        """
        self._post = post
        self._events = Events()
        self._stop = Stop()

    def work(self, timeout_s: float | None) -> Left:
        """Train trials until the study has no more, the time is over, or `stop` is called.

        Args:
            timeout_s: Most seconds; None for no limit.

        Returns:
            What it told last, or why it could not take part.
        """
        try:
            self._work(timeout_s)
        except USER_ERRORS as error:
            code = int(getattr(error, "exit_code", 2))
            return Left(events=self.tell(), error=str(error), exit_code=code)
        return Left(events=self.tell())

    def _work(self, timeout_s: float | None) -> None:
        from search.storage.studies import Studies
        from search.study.joining import settings_of
        from search.study.request import Request
        from search.study.run import run_in
        from tracking import Store

        post = self._post
        if Path(post.folder).is_dir():
            os.chdir(post.folder)
        studies = Studies(Store(Path(post.home), post.tracking_uri), post.storage)
        own = {
            "threads": post.threads,
            "timeout_s": timeout_s,
            "data": post.data,
            "model": post.model,
            "data_module": post.data_module,
            "storage": post.storage,
            "tracking_uri": post.tracking_uri,
        }
        config = settings_of(studies, post.study, own, _TOLD_WITHIN_S)
        run_in(studies, config, self._events, Request(joins=True, owns_process=True), self._stop)

    def tell(self) -> tuple[Event, ...]:
        """Take what happened since the last time."""
        return tuple(self._events.take())

    def stop(self) -> None:
        """Ask it to end in order: the trial under way is queued again."""
        self._stop.ask()
