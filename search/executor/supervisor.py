"""The study's side of one child process: starts it, exchanges messages, and ends it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from multiprocessing.connection import Connection
from textwrap import shorten
from typing import Any

from search.child.memory import peak_memory_of_mb
from search.child.messages import Message, Ready, Refused, Score, Setup, Started, Task
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.fork_client import ForkServer, environment, fork_server
from search.executor.interrupts import Stop
from tracking import EndReason

_TRIALS_A_CHILD = 25


class ChildDied(Exception):
    """The child ended without an answer; the message says how.

    Its `end_reason` is the trial's: "out_of_memory" or "crash".
    """

    def __init__(self, message: str, end_reason: str) -> None:
        super().__init__(message)
        self.end_reason = end_reason


class Supervisor:
    """Owns one child process at a time, and starts another after a crash or after 25 trials.

    Who is responsible for what: the supervisor starts the child, passes messages, notices its death
    and ends it. `train` and `score` know the order of messages. Folders of trials are the caller's:
    a child that is killed leaves its files where they are.

    Order: `start` may be called early, to load while the caller does something else. `ready` and
    `submit` start a child where there is none; `ask`, `poll` and `reply` need one. After `close` or
    `ChildDied` there is none, and the next `submit` starts another, which loads the data again.
    `close` may be called at any time, and again; whoever makes a supervisor closes it.

    Threads: one thread uses a supervisor, that of its worker. Several supervisors share the
    process's fork server, which takes care of that.
    """

    def __init__(self, config: StudyConfig, device: int | None = None) -> None:
        """Keep the settings; no child is started yet.

        Args:
            config: The study that the children train.
            device: The only GPU that the children see; None for all.
        """
        self._config = config
        self._device = device
        self._server: ForkServer | None = None
        self._pid: int | None = None
        self._pipe: Connection | None = None
        self._log: Any = None
        self._tail = ""
        self._ready: Ready | None = None
        self._trials = 0

    def change(self, config: StudyConfig) -> None:
        """Close the child, if there is one, and take other settings for the next.

        Args:
            config: The study that the next children train.
        """
        self.close()
        self._config = config

    def start(self) -> None:
        """Start a child; it loads its libraries and data while the caller goes on."""
        ours, theirs = multiprocessing.Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        self._server = fork_server()
        with theirs:
            self._server.fork(theirs.fileno(), self._log.fileno())
        self._pipe, self._trials, self._ready = ours, 0, None
        setup = Setup(
            config=self._config.to_dict(),
            folder=os.getcwd(),
            environment=environment(self._device),
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
            SearchError: The data or the model cannot be had, or the child ended.
            KeyboardInterrupt: Someone asked to stop.
        """
        if self._pipe is None:
            self.start()
        while self._ready is None:
            if stop is not None and stop.asked:
                raise KeyboardInterrupt
            try:
                message = self.poll(0.2)
            except ChildDied as error:
                raise SearchError(f"The training process must start, but {error}") from error
            if isinstance(message, Refused):
                raise SearchError(message.message)
            if isinstance(message, Ready):
                self._ready = message
        return self._ready

    def submit(self, task: Task) -> None:
        """Hand a trial to a child, once one is ready.

        Args:
            task: What to train.

        Raises:
            SearchError: A new child was needed, and could not have its data.
        """
        if self._trials >= _TRIALS_A_CHILD:
            self.close()
        self.ready()
        assert self._pipe is not None
        self._trials += 1
        self._pipe.send(task)

    def ask(self, question: Score) -> None:
        """Ask a child that is ready to score a model; `poll` returns the answer.

        Args:
            question: Which model, and on which part of the data.
        """
        assert self._pipe is not None
        self._pipe.send(question)

    def poll(self, timeout_s: float) -> Message | None:
        """Wait for the child's next message; None after `timeout_s` seconds without one.

        Raises:
            ChildDied: The child ended.
        """
        assert self._pipe is not None
        try:
            if self._pipe.poll(timeout_s):
                message: Message = self._pipe.recv()
                if isinstance(message, Started):
                    self._pid = message.pid
                return message
        except (EOFError, ConnectionError):
            pass
        else:
            return None
        raise self._death()

    def reply(self, goes_on: bool) -> None:
        """Answer a child that waits after an epoch, or after a fold or repeat.

        Args:
            goes_on: Whether the trial goes on.
        """
        assert self._pipe is not None
        with contextlib.suppress(ConnectionError):
            self._pipe.send(goes_on)

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
        """Kill the child, if there is one; what it printed last stays readable."""
        with contextlib.suppress(ChildDied):
            while self._pid is None and self._pipe is not None and self._pipe.poll():
                self.poll(0)
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            assert self._server is not None
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
        if self._pid is not None:
            code, printed = self._server.wait(self._pid), self.log_tail()
        else:
            code, printed = self._server.failure()
        self._forget()
        lines = [line for line in printed.splitlines() if line.strip()]
        last = f" Its last line: {shorten(lines[-1], 300, placeholder=' …')}" if lines else ""
        if code == -signal.SIGKILL:
            text = (
                "the kernel ended the training process (SIGKILL), most likely for want of memory."
            )
            return ChildDied(text, EndReason.OUT_OF_MEMORY)
        if code < 0:
            name = signal.Signals(-code).name
            return ChildDied(f"the training process crashed with {name}.{last}", EndReason.CRASH)
        if "MemoryError" in printed:
            return ChildDied(
                f"the training process ran out of memory.{last}", EndReason.OUT_OF_MEMORY
            )
        return ChildDied(
            f"the training process ended with exit code {code}.{last}", EndReason.CRASH
        )
