"""The study's end of the pipe: starts the child, hears it out, and outlives it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from textwrap import shorten
from typing import Any

from search.config import StudyConfig
from search.errors import SearchError
from search.memory import peak_memory_of_mb
from search.messages import Message, Ready, Refused, Setup, Task

_TRIALS_A_CHILD = 25


class ChildDied(Exception):
    """The child ended without a word; the message says how."""

    def __init__(self, message: str, end_reason: str) -> None:
        super().__init__(message)
        self.end_reason = end_reason


class Supervisor:
    """One child at a time, made anew after a crash and after every 25 trials."""

    def __init__(self, config: StudyConfig) -> None:
        """Keep what the children are told; nothing is started yet."""
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._log: Any = None
        self._tail = ""
        self._ready: Ready | None = None
        self._trials = 0

    def start(self) -> None:
        """Start a child; it loads its libraries and data while the caller goes on."""
        ours, theirs = multiprocessing.Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "search.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # oneDNN multiplies matrices faster on every x86; TensorFlow uses it on some by itself.
            env={"TF_ENABLE_ONEDNN_OPTS": "1"}
            | os.environ
            | {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"},
        )
        theirs.close()
        self._pipe, self._trials, self._ready = ours, 0, None
        ours.send(
            Setup(config=self._config.to_dict(), threads=self._config.threads, folder=os.getcwd())
        )

    def ready(self) -> Ready:
        """Wait until the child has its data.

        Raises:
            SearchError: The data or the model cannot be had.
        """
        if self._process is None:
            self.start()
        while self._ready is None:
            try:
                message = self.poll(1.0)
            except ChildDied as error:
                raise SearchError(f"The training process must start, but {error}") from error
            if isinstance(message, Refused):
                raise SearchError(message.message)
            if isinstance(message, Ready):
                self._ready = message
        return self._ready

    def submit(self, task: Task) -> None:
        """Hand a trial to a child that is ready."""
        if self._trials >= _TRIALS_A_CHILD:
            self.close()
        self.ready()
        assert self._pipe is not None
        self._trials += 1
        self._pipe.send(task)

    def poll(self, timeout_s: float) -> Message | None:
        """The child's next message, or None after `timeout_s` seconds.

        Raises:
            ChildDied: It ended.
        """
        assert self._pipe is not None
        try:
            if self._pipe.poll(timeout_s):
                message: Message = self._pipe.recv()
                return message
        except (EOFError, ConnectionError):
            pass
        else:
            return None
        raise self._death()

    def reply(self, goes_on: bool) -> None:
        """Tell a child that waits after an epoch whether the trial goes on."""
        assert self._pipe is not None
        with contextlib.suppress(ConnectionError):
            self._pipe.send(goes_on)

    def log_tail(self, most: int = 8000) -> str:
        """The last of what the child printed."""
        if self._log is None:
            return self._tail
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - most))
        return str(self._log.read().decode("utf-8", "replace"))

    def peak_memory_mb(self) -> float | None:
        """The child's highest resident memory in its trial so far, or None."""
        return None if self._process is None else peak_memory_of_mb(self._process.pid)

    def close(self) -> None:
        """End the child at once; what it printed last stays readable."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            self._tail = self.log_tail()
            self._log.close()
        self._process = self._pipe = self._ready = self._log = None

    def _death(self) -> ChildDied:
        assert self._process is not None
        code = self._process.wait()
        lines = [line for line in self.log_tail().splitlines() if line.strip()]
        last = f" Its last line: {shorten(lines[-1], 300, placeholder=' …')}" if lines else ""
        self.close()
        if code == -signal.SIGKILL:
            text = (
                "the kernel ended the training process (SIGKILL), most likely for want of memory."
            )
            return ChildDied(text, "out_of_memory")
        if code < 0:
            name = signal.Signals(-code).name
            return ChildDied(f"the training process crashed with {name}.{last}", "crash")
        if "MemoryError" in self._tail:
            return ChildDied(f"the training process ran out of memory.{last}", "out_of_memory")
        return ChildDied(f"the training process ended with exit code {code}.{last}", "crash")
