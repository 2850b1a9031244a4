"""Has Keras models made of the weights that trials were trained to without Keras."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from search.child.messages import KEEPS, Failed, Keep, Kept
from search.config.study import StudyConfig
from search.errors import DiskFull, SearchError
from search.executor.death import CannotStart, ChildDied
from search.executor.supervisor import Supervisor
from tracking import EndReason

_PAUSE_S = 0.1
_TRIES = 3
_MOST_S = 120.0


class Keeping:
    """Owns the keeper, one child process of a study that has Keras loaded.

    Threads: all workers of a study share it; it makes one model at a time.
    """

    def __init__(self, config: StudyConfig, say: Callable[[str], None] = lambda text: None) -> None:
        """Keep the settings; nothing is started yet.

        Args:
            config: The study.
            say: Told where a model cannot be made.
        """
        self._supervisor = Supervisor(config, role=KEEPS)
        self._say = say
        self._lock = threading.Lock()
        self._cannot = ""
        self._is_closed = self._begun = False

    def start(self) -> None:
        """Start the keeper, which loads Keras while the first trials train."""
        with self._lock:
            if not (self._is_closed or self._begun):
                self._begun = True
                self._supervisor.start()

    def __call__(self, folder: Path, name: str) -> bool:
        """Make a model as `keep` does, and tell where it cannot be made: a `tracking.Maker`.

        Raises:
            InterruptedError: It was closed meanwhile.
            CannotStart: The kernel ends the keeper, which may pass.
            DiskFull: There is no room for the model now.
        """
        try:
            self.keep(folder, name)
        except (CannotStart, DiskFull):
            raise
        except SearchError as error:
            self._say(f"A model is not kept: {error}")
            return False
        return True

    def keep(self, folder: Path, name: str) -> None:
        """Make a Keras model of a trial's weights, and save it beside them.

        Args:
            folder: The trial's.
            name: The folder in it that the child left for a model.

        Raises:
            SearchError: The model cannot be made, or the keeper ended three times.
            InterruptedError: It was closed meanwhile.
        """
        with self._lock:
            self._check_open()
            self._begun = True
            if self._cannot:
                raise SearchError(self._cannot)
            for _ in range(_TRIES):
                try:
                    return self._ask(Keep(folder, name))
                except ChildDied as error:
                    died = error
                except BaseException:
                    self._supervisor.close()  # its answer, if any, is nobody's
                    raise
            if died.end_reason == EndReason.OUT_OF_MEMORY:
                raise CannotStart(str(died))
            raise SearchError(str(died))

    def _ask(self, question: Keep) -> None:
        try:
            self._supervisor.ready_unless(lambda: self._is_closed)
            self._check_open()
        except CannotStart:  # which may pass
            raise
        except SearchError as error:  # not tried again for each trial
            self._cannot = f"The process that makes Keras models cannot be started: {error}"
            raise SearchError(self._cannot) from error
        self._supervisor.ask(question)
        latest = time.monotonic() + _MOST_S
        while True:
            self._check_open()
            message = self._supervisor.poll(_PAUSE_S)
            if isinstance(message, Failed):
                if message.is_disk_full:  # which may pass
                    raise DiskFull(message.message)
                raise SearchError(message.message)
            if isinstance(message, Kept):
                return
            if time.monotonic() > latest:
                self._supervisor.close()
                raise ChildDied(f"it took more than {_MOST_S:.0f} s.", EndReason.CRASH)

    def _check_open(self) -> None:
        if self._is_closed:
            raise InterruptedError("no models are made any more")

    def close(self) -> None:
        """End the keeper, if it was started, whatever it makes; none is started any more."""
        self._is_closed = True
        with self._lock:
            self._supervisor.close()
