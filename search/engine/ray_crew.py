"""Trains a study's trials with workers on a Ray cluster."""

from __future__ import annotations

import os
import time
from pathlib import Path
from textwrap import shorten
from typing import Any

from models.checks import count_of
from search.config.study import StudyConfig
from search.engine.cluster import machines, room
from search.engine.events import Display
from search.engine.options import RayOptions
from search.engine.worker import Left, Post, Worker
from search.errors import SearchError
from search.executor.death import CannotStart
from search.storage.patience import StorageAway
from search.storage.studies import Studies
from search.study.crew import Shift
from search.study.joining import ON_A_SERVER

_LOOKS_EVERY_S = 0.25
_CLEARS_UP_EVERY_S = 5.0
_ENDS_WITHIN_S = 30.0
_LOSSES = 10
_FAILURES = {failure.exit_code: failure for failure in (CannotStart, StorageAway)}
"""By a worker's exit code, so that the command ends with the same; a full disk's is 75 too."""
_THREADS = 3
"""Of a worker: one trains, one tells, one hears that it should stop."""


class RayCrew:
    """Trains a study's trials with Ray actors; each is one worker, and has one trial at a time.

    Who is responsible for what: Ray finds a place for each worker, and starts it again elsewhere
    when its process or its node is gone. Optuna's storage says what is under way and what is not,
    as with `trialbook worker`. This class calls the workers, shows what they tell, and goes on
    until the study is done.
    """

    def __init__(self, ray: Any, options: RayOptions) -> None:
        """Keep the arguments.

        Args:
            ray: The module, connected to a cluster.
            options: What each trial gets of it.
        """
        self._ray = ray
        self._options = options

    def check(self, config: StudyConfig, studies: Studies) -> None:
        """Refuse stores that are files, where the cluster has several machines.

        Args:
            config: The study.
            studies: Where it is kept.

        Raises:
            SearchError: Workers on other machines could not reach them, or a trial fits nowhere.
        """
        there = machines(self._ray)
        address, record = studies.address, config.tracking_uri
        files = [
            name
            for name, at in (("studies", address), ("record", record))
            if at is None or at.startswith("sqlite")
        ]
        if len(there) > 1 and files:
            raise SearchError(
                f"The cluster has {len(there)} machines, which must all reach both stores, but the "
                f"{' and the '.join(files)} would be SQLite files of this one. {ON_A_SERVER}"
            )
        if not room(self._ray, self._options) and self._options.workers is None:
            raise SearchError(
                "A trial must fit on a node of the cluster, but none has "
                f"{_resources(self._options)}. Ask for less (`--threads`, `--trial-memory`, "
                "`--trial-gpus`), or name `--workers` where the cluster grows by itself."
            )

    def work(self, shift: Shift) -> int:
        """Train until the study is done, the time is over, or someone asks to stop.

        Args:
            shift: The run.

        Returns:
            How many trials ended, those that were interrupted left out.

        Raises:
            SearchError: A worker cannot take part, say since it has other code.
            CannotStart: Workers were lost again and again before a trial ended.
        """
        run = _Run(self._ray, self._options, shift)
        shift.progress.message(f"Trials run on {_cluster(self._ray, self._options)}.")
        try:
            run.until_done()
        finally:
            run.close()
        return run.display.new


def _cluster(ray: Any, options: RayOptions) -> str:
    """A cluster in words: its nodes, and what each trial gets."""
    nodes = sum(node["Alive"] for node in ray.nodes())
    return f"Ray, which has {count_of(nodes, 'node')}; each has {_resources(options)}"


def _resources(options: RayOptions) -> str:
    """What a trial gets, in words.

    Example:
        >>> _resources(RayOptions(cores=2, memory_mb=1500))
        '2 cores and 1500 MB of memory'
    """
    parts = [count_of(options.cores, "core")]
    if options.memory_mb:
        parts.append(f"{options.memory_mb:g} MB of memory")
    if options.gpus:
        parts.append(f"{options.gpus:g} GPU")
    return " and ".join(parts)


class _Run:
    """The workers of one run of a study.

    A worker is idle, or has an actor; one whose process is up is told to work. Whatever becomes of
    the process, Ray starts another, which is up and told to work in its turn.

    Attributes:
        display: Shows what they tell.
    """

    def __init__(self, ray: Any, options: RayOptions, shift: Shift) -> None:
        self.display = Display(shift.progress, shift.config.trials)
        self._ray = ray
        self._shift = shift
        most = options.workers or room(ray, options)
        self._idle = list(range(min(most, shift.config.trials)))
        self._actor = ray.remote(Worker).options(
            num_cpus=options.cores,
            num_gpus=options.gpus,
            memory=None if options.memory_mb is None else int(options.memory_mb * 1e6),
            max_restarts=-1,
            max_concurrency=_THREADS,
            scheduling_strategy="SPREAD",
        )
        self._post = _post(shift, options)
        self._actors: dict[int, Any] = {}
        self._working: dict[Any, int] = {}
        self._telling: dict[Any, int] = {}
        self._losses = 0
        self._over_since: float | None = None

    def until_done(self) -> None:
        """Start workers while trials lack, and hear them, until none works and none is needed."""
        clears_up_at = time.monotonic()
        while not self._is_done():
            if self._over_since is None and time.monotonic() >= clears_up_at:
                self._start(self._shift.lacking())
                clears_up_at = time.monotonic() + _CLEARS_UP_EVERY_S
            time.sleep(_LOOKS_EVERY_S)
            self._hear()

    def _is_done(self) -> bool:
        """Whether none works, and none has to; who asks to stop, or the time, ends those at work.

        They end in order. One that has not within half a minute is let go.
        """
        shift = self._shift
        late = shift.deadline is not None and time.monotonic() > shift.deadline
        if self._over_since is None and (shift.stop.asked or late):
            self._over_since = time.monotonic()
            for worker in set(self._working.values()) if shift.stop.asked else ():
                self._actors[worker].stop.remote()
        if self._over_since is None:
            return not self._working and shift.is_done()
        return not self._working or time.monotonic() > self._over_since + _ENDS_WITHIN_S

    def _start(self, lacking: int) -> None:
        """Start workers for trials that nobody has; those without one now may be about to ask."""
        about_to_ask = len(self._actors) - len(self.display.busy)
        for worker in self._idle[: max(0, lacking - about_to_ask)]:
            self._idle.remove(worker)
            self._actors[worker] = self._actor.remote(self._post)
            self._listen(worker)

    def _listen(self, worker: int) -> None:
        self._telling[self._actors[worker].tell.remote()] = worker

    def _hear(self) -> None:
        """Take what the workers told since the last time, and what became of those that ended."""
        waiting = [*self._telling, *self._working]
        if not waiting:
            return
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        for answer in ready:
            if answer in self._telling:
                self._told(self._telling.pop(answer), answer)
        for answer in ready:
            if answer in self._working:
                self._ended(self._working.pop(answer), answer)

    def _told(self, worker: int, answer: Any) -> None:
        """Show what a worker tells; one that is up has its work to do."""
        if worker not in self._actors:
            return
        try:
            if self.display.show(worker, self._ray.get(answer)):
                self._losses = 0
        except self._ray.exceptions.ActorUnavailableError:
            pass  # Ray starts it again
        except self._ray.exceptions.RayActorError as error:
            raise SearchError(
                "Each node of the cluster must have this version of Trialbook, but a worker cannot "
                f"start: {_in_short(error)}"
            ) from error
        else:
            if worker not in self._working.values() and self._over_since is None:
                self._call(worker)
        self._listen(worker)

    def _call(self, worker: int) -> None:
        deadline = self._shift.deadline
        left_s = None if deadline is None else max(0.1, deadline - time.monotonic())
        self._working[self._actors[worker].work.remote(left_s)] = worker

    def _ended(self, worker: int, answer: Any) -> None:
        """Let a worker go that has nothing more to do; one that was lost comes up again."""
        try:
            left: Left = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._lost(worker, error)
            return
        self.display.show(worker, left.events)
        self._let_go(worker)
        if left.error is not None and self._over_since is None:
            raise _FAILURES.get(left.exit_code, SearchError)(left.error)

    def _lost(self, worker: int, error: Exception) -> None:
        """Say that the process of a worker is gone, which Ray starts again."""
        self.display.lost(worker)
        self._losses += 1
        if self._losses >= _LOSSES:
            raise CannotStart(
                "Workers must live long enough to train a trial, but Ray lost "
                f"{self._losses} in a row: {_in_short(error)}"
            )
        if self._over_since is None:
            self._shift.progress.message(
                f"Worker {worker} was lost with its process or node. Ray starts it again."
            )

    def _let_go(self, worker: int) -> None:
        """End a worker's process, so that what it reserved is free."""
        self._ray.kill(self._actors.pop(worker))
        self._idle.append(worker)

    def close(self) -> None:
        """End what still works."""
        for worker in list(self._actors):
            self._let_go(worker)


def _post(shift: Shift, options: RayOptions) -> Post:
    """What each worker is told."""
    config, studies = shift.config, shift.studies
    return Post(
        study=config.name,
        storage=studies.address,
        tracking_uri=config.tracking_uri,
        home=options.home or str(Path(studies.store.home).absolute()),
        folder=os.getcwd(),
        threads=options.cores,
        data=options.data,
        model=config.model,
        data_module=config.data_module,
    )


def _in_short(error: Exception) -> str:
    """What an engine says of an error, in at most 300 characters of one line."""
    return shorten(str(error), 300, placeholder=" …")
