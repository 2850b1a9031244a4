"""`trialbook` that kills one of its children or fork servers the moment it is in a given state.

    python tests/support/aimed.py FILE search --home ...

FILE holds the state that is wanted, one of `STATES`; it is deleted once a process was killed in it.
FILE with `.states` at its end says in JSON which state each process is in, by its number.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

IDLE, LOADING, TRAINING = "idle between trials", "loading", "training"
SERVER, FORKING = "a fork server", "a fork server while its child starts"
STATES = (IDLE, LOADING, TRAINING, SERVER, FORKING)
OTHER = "another"
"""Also the state of a child that is ready and waits for its first trial."""


class Aim:
    """Knows the states of this process's children and fork servers, and kills the wanted one.

    Threads: those of all workers tell it.
    """

    def __init__(self, wanted: Path) -> None:
        """Keep the file that says what is wanted."""
        self._wanted = wanted
        self._states: dict[int, str] = {}
        self._lock = threading.Lock()

    def tell(self, pid: int | None, state: str) -> None:
        """A process has come into a state."""
        if pid is None:
            return
        with self._lock:
            self._states[pid] = state
            known = self._wanted.with_suffix(".states")
            whole = known.with_suffix(".part")
            whole.write_text(json.dumps(self._states), encoding="utf-8")
            whole.replace(known)
            if self._wanted.exists() and self._wanted.read_text(encoding="utf-8") == state:
                with contextlib.suppress(ProcessLookupError):  # another kill came first
                    os.kill(pid, signal.SIGKILL)
                self._wanted.unlink()


def watch(aim: Aim) -> None:
    """Have the supervisors of this process tell the states of what they started."""
    from search.child.messages import Done, Failed, Ready, Started
    from search.executor.supervisor import Supervisor

    start, submit, poll = Supervisor.start, Supervisor.submit, Supervisor.poll

    def server_of(own: Any) -> int | None:
        process = getattr(own._server, "_process", None)
        return None if process is None else int(process.pid)

    def starting(own: Any) -> None:
        start(own)
        aim.tell(server_of(own), FORKING)

    def submitting(own: Any, *given: Any, **named: Any) -> bool:
        is_under_way = submit(own, *given, **named)
        if is_under_way:
            aim.tell(own._pid, TRAINING)
        return is_under_way

    def polling(own: Any, timeout_s: float) -> Any:
        message = poll(own, timeout_s)
        if isinstance(message, Started):
            aim.tell(own._pid, LOADING)
            aim.tell(server_of(own), SERVER)
        elif isinstance(message, Ready):
            aim.tell(own._pid, OTHER)
        elif isinstance(message, Done | Failed):
            aim.tell(own._pid, IDLE)
        return message

    for name, method in (("start", starting), ("submit", submitting), ("poll", polling)):
        setattr(Supervisor, name, method)


if __name__ == "__main__":
    from search.cli.main import run

    watch(Aim(Path(sys.argv[1])))
    sys.exit(run(sys.argv[2:]))
