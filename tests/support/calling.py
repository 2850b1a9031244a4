"""The command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TRIALBOOK = [sys.executable, "-m", "search"]


def call(*arguments: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*TRIALBOOK, *arguments], capture_output=True, text=True, cwd=cwd, timeout=600
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
