"""The command in a process of its own, and in this one where that changes nothing it asserts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

TRIALBOOK = [sys.executable, "-m", "search"]


def call(
    *arguments: str,
    code: int = 0,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*TRIALBOOK, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=600,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


class Here:
    """Runs commands in this process, which has its libraries loaded, with `--json`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.errors = ""  # what the last command wrote on standard error

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        """What the command printed, parsed; nothing else may be on standard output."""
        from search.cli.main import run

        self._capsys.readouterr()
        assert run([*arguments, "--json"]) == code
        told = self._capsys.readouterr()
        self.errors = told.err
        assert "Traceback" not in told.err
        return json.loads(told.out) if told.out else None

    def told(self) -> str:
        """What was written on standard error since the last call."""
        return self._capsys.readouterr().err
