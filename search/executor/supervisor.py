"""The study's side of one child process: starts it, exchanges messages, and ends it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from search.child.data_check import other_ratings
from search.child.memory import peak_memory_of_mb
from search.child.messages import (
    ALONE,
    KERAS,
    Answer,
    Keep,
    Message,
    Ready,
    Refused,
    Score,
    Setup,
    Started,
    Task,
)
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.death import ChildDied, Restarts, death
from search.executor.fork_client import fork_server
from search.executor.interrupts import Stop
from search.executor.roles import trains_alone
from search.executor.starting import Starter, end_group, environment

_TRIALS_A_CHILD = 25


class Supervisor:
    """Owns one child process at a time, and starts another after a crash or after 25 trials.

    Who is responsible for what: the supervisor starts the child, passes messages, notices its death
    and ends it, with all processes that the child began. `train` and `score` know the order of
    messages. Folders of trials are the caller's: a child that is killed leaves its files where they
    are.

    Order: `start` may be called early, to load while the caller does something else. `ready` and
    `submit` start a child where there is none; `ask`, `poll` and `reply` need one. After `close` or
    `ChildDied` there is none, and the next `submit` starts another, which loads the data again: the
    same data, or the study is refused. A child that ends while it loads is followed by another, as
    `Restarts` says. `close` may be called at any time, and again; whoever makes a supervisor closes
    it.

    Threads: one thread uses a supervisor, that of its worker. Several supervisors share the
    process's fork server, which takes care of that.
    """

    def __init__(
        self,
        config: StudyConfig,
        device: int | None = None,
        data: Mapping[str, Any] | None = None,
        role: str = KERAS,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Keep the settings; no child is started yet.

        Args:
            config: The study that the children train.
            device: The only GPU that the children see; None for all.
            data: The ratings that each child must have, as the fields of a
                `tracking.DatasetRecord`; None for what the first child loads.
            role: What the children are for. `ALONE` where that will do: where the study's trials
                need Keras, its children have it.
            say: Told what the user waits for.
        """
        self._say = say
        self._config = config
        self._device = device
        self._data = data
        self._asked_role = role
        self._server: Starter | None = None
        self._pid: int | None = None
        self._pipe: Connection | None = None
        self._log: Any = None
        self._tail = ""
        self._ready: Ready | None = None
        self._trials = 0
        self._code: int | None = None

    @property
    def role(self) -> str:
        """What the children are for: `ALONE` only where the study's trials need no Keras."""
        alone = self._asked_role == ALONE
        return KERAS if alone and not trains_alone(self._config) else self._asked_role

    def change(self, config: StudyConfig) -> None:
        """Close the child, if there is one, and take other settings of the study for the next."""
        self.close()
        self._config = config

    def start(self) -> None:
        """Start a child; it loads its libraries and data while the caller goes on."""
        self._server = fork_server(ALONE if self.role == ALONE else KERAS)
        ours, theirs = multiprocessing.Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        with theirs:
            self._server.fork(theirs.fileno(), self._log.fileno())
        self._pipe, self._trials, self._ready, self._code = ours, 0, None, None
        setup = Setup(
            config=self._config.to_dict(),
            folder=os.getcwd(),
            environment=environment(self._device),
            role=self.role,
        )
        with contextlib.suppress(ConnectionError):  # what became of it is told to who waits
            ours.send(setup)

    def ready(self, stop: Stop | None = None) -> Ready:
        """Wait until the child has loaded its data.

        Args:
            stop: Ends the waiting.

        Returns:
            What the child said of its space, its data and this machine.

        Raises:
            SearchError: The data or the model cannot be had, or are others than before.
            CannotStart: Too many children in a row ended while they loaded.
            KeyboardInterrupt: Someone asked to stop.
        """
        ready = self.ready_unless(lambda: stop is not None and stop.asked)
        if ready is None:
            raise KeyboardInterrupt
        return ready

    def ready_unless(self, is_over: Callable[[], bool]) -> Ready | None:
        """Wait as `ready` does; return None as soon as `is_over` is true, asked each 0.2 seconds.

        Raises:
            SearchError: As `ready`.
        """
        restarts = Restarts(self._say)
        while self._ready is None:
            if is_over():
                return None
            if self._pipe is None:
                self.start()
            try:
                message = self.poll(0.2)
            except ChildDied as error:
                restarts.after(error, is_over)
                continue
            if isinstance(message, Refused):
                raise SearchError(message.message)
            if isinstance(message, Ready):
                self._check_data(message)
                self._ready = message
        return self._ready

    def _check_data(self, ready: Ready) -> None:
        """Refuse ratings other than those that the children before had."""
        now = None if ready.dataset is None else asdict(ready.dataset)
        self._data = self._data or now
        if other := other_ratings(self._data, now):
            raise SearchError(
                "The ratings must stay as they are while trials are trained on them, but for "
                f"`{self._config.name}` {other}. Put them back, and give the same command again."
            )

    def submit(self, task: Task, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Hand a trial to a child, once one is ready.

        Args:
            task: What to train.
            is_over: Ends the waiting for a child that still loads.

        Returns:
            Whether a child has the trial; false where `is_over` came first.

        Raises:
            SearchError: A new child was needed, and could not have its data.
        """
        if self._trials >= _TRIALS_A_CHILD:
            self.close()
        self._drop_dead()
        if self.ready_unless(is_over) is None:
            return False
        self._trials += 1
        self._send(task)
        return True

    def _drop_dead(self) -> None:
        """Forget a child that ended between two trials, so that no trial is lost with it."""
        if self._ready is None or self._pipe is None:
            return
        with contextlib.suppress(ChildDied):
            self.poll(0)

    def ask(self, question: Score | Keep) -> None:
        """Ask a child that is ready to score a model or to make one; `poll` returns the answer.

        Args:
            question: Which model, and on which part of the data; or which weights.
        """
        self._send(question)

    def poll(self, timeout_s: float) -> Message | None:
        """Wait for the child's next message; None after `timeout_s` seconds without one.

        Raises:
            ChildDied: The child ended.
        """
        assert self._pipe is not None
        try:
            there = self._pipe.poll(timeout_s)
            # A process that the child began may hold the child's end of the pipe open.
            if not there and not self._has_ended():
                return None
            if there or self._pipe.poll():  # what it sent before it ended comes first
                message: Message = self._pipe.recv()
                if isinstance(message, Started):
                    self._pid = message.pid
                return message
        except (EOFError, ConnectionError):
            pass
        raise self._death()

    def _has_ended(self) -> bool:
        """Whether the child has ended; false before it has told its process number."""
        if self._code is None and self._pid is not None and self._server is not None:
            self._code = self._server.exit_code(self._pid)
        return self._code is not None

    def reply(self, answer: bool | Answer) -> None:
        """Answer a child that waits: after an epoch, a fold or repeat, or for a value.

        Args:
            answer: Whether the trial goes on; to `Ask` the `Answer`.
        """
        self._send(answer)

    def _send(self, message: Task | Score | Keep | bool | Answer) -> None:
        """Send the child a message; `poll` tells whether it has ended."""
        assert self._pipe is not None
        with contextlib.suppress(ConnectionError):
            self._pipe.send(message)

    def log_tail(self, most: int = 8000) -> str:
        """The last of what the child printed, after its end too.

        Args:
            most: Most bytes.
        """
        if self._log is None:
            return self._tail
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - most))
        return str(self._log.read().decode("utf-8", "replace"))

    def peak_memory_mb(self) -> float | None:
        """The child's highest resident memory in its trial so far, in MB; None without a child."""
        return None if self._pid is None else peak_memory_of_mb(self._pid)

    def close(self) -> None:
        """Kill the child and what it began, if there is one; its last lines stay readable."""
        with contextlib.suppress(ChildDied):
            while self._pid is None and self._pipe is not None and self._pipe.poll():
                self.poll(0)
        if self._pid is not None and self._code is None:
            assert self._server is not None
            end_group(self._pid)
            self._server.wait(self._pid)
        self._forget()

    def _forget(self) -> None:
        """Close the pipe and the log of a child that ended; keep the last of what it printed."""
        if self._pipe is not None:
            self._pipe.close()  # a child that starts only now finds it closed, and ends
        if self._log is not None:
            self._tail = self.log_tail()
            self._log.close()
        self._server = self._pid = self._pipe = self._ready = self._log = None

    def _death(self) -> ChildDied:
        """Make the exception for a child that ended: by its exit code and what it printed last."""
        assert self._server is not None
        if self._code is not None:
            code, printed = self._code, self.log_tail()
        elif self._pid is not None:
            code, printed = self._server.wait(self._pid), self.log_tail()
        else:
            code, printed = self._server.failure()
        self._forget()
        return death(code, printed)
