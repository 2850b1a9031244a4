"""A process that was stopped while it holds the lock of a storage."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

_HOLDS = """
import sys, time
from pathlib import Path
from search.storage.studies import Studies
from tracking import Store
studies = Studies(Store(Path(sys.argv[1])), sys.argv[2] or None)
with studies.lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


class Holder:
    """A process that holds the lock of a storage, and is stopped meanwhile."""

    def __init__(self, home: Path, address: str | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HOLDS, str(home), address or ""],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy(),
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"
        self._process.send_signal(signal.SIGSTOP)
        self.name = f"process {self._process.pid} on {socket.gethostname()}"

    def go_on(self) -> None:
        """Let it go on, give the lock back and end."""
        self._process.send_signal(signal.SIGCONT)
        self._process.communicate("\n", timeout=60)

    def close(self) -> None:
        """End it, wherever it is."""
        self._process.kill()
        self._process.communicate()
