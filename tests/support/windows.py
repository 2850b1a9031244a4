"""The commands in a process that lacks what Windows lacks; started as `windows.py COMMANDS`.

COMMANDS is JSON: a list of lists of arguments. What is printed is JSON too: of each its exit code,
its output and its errors.

All that is no code of ours is imported before, as it is made for the system that this really is.
Then our own modules are imported anew, without the modules and functions that Windows has not got.
It cannot show how Windows itself behaves, as with paths, locks of files and consoles.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import signal
import sys

_PRELOADED = (
    "models.prediction", "search.cli.commands", "search.prediction", "search.reproduce",
    "search.study", "search.winner",
)  # fmt: skip
OURS = ("search", "models", "tracking")
_MODULES = ("resource", "fcntl", "pwd", "grp", "termios", "pty", "tty")
_FUNCTIONS = ("fork", "forkpty", "killpg", "getpgid", "setpgid", "setsid", "getuid", "geteuid")
_SIGNALS = ("SIGKILL", "SIGHUP", "SIGPIPE")


class _Lacking:
    """An importer of modules that says of some that there are none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name in _MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _import_what_is_not_ours() -> None:
    import mlflow.tracking  # noqa: F401
    import platformdirs  # noqa: F401

    for name in _PRELOADED:
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            importlib.import_module(module.name)


def become_windows() -> None:
    """Take away what Windows lacks, and forget our own modules."""
    _import_what_is_not_ours()
    for name in list(sys.modules):
        if name.partition(".")[0] in OURS or name in _MODULES:
            del sys.modules[name]
    sys.meta_path.insert(0, _Lacking)
    for name in _FUNCTIONS:
        delattr(os, name)
    for name in _SIGNALS:
        delattr(signal, name)
    sys.platform = "win32"


def told(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command; return its exit code and what it wrote on its two outputs."""
    from search.cli.main import run

    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        code = run(arguments)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    become_windows()
    print(json.dumps([told(arguments) for arguments in json.loads(sys.argv[1])]))
