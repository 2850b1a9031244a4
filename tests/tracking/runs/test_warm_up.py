"""What is imported while its user waits for something else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from quickly import cases

from tracking import import_ahead
from tracking.runs import warm_up as warming


def _into(
    imported: list[str], done: threading.Event, last: str = warming._DRAWING[-1]
) -> Callable[[str], None]:
    """What imports nothing, but lists the names, and says when the last one is there."""

    def keep(name: str) -> None:
        imported.append(name)
        if name == last:
            done.set()

    return keep


@pytest.mark.parametrize("stays", [True, False], ids=["stays", "leaves early"])
def test_what_is_imported_ahead_is_not_once_the_block_is_left(
    stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[str] = []
    done = threading.Event()
    monkeypatch.setattr(warming, "_PAUSE_S", 0.0 if stays else 0.2)
    monkeypatch.setattr(warming.importlib, "import_module", _into(imported, done))
    with import_ahead(["sklearn.ensemble"]):
        if stays:
            assert done.wait(30)
    assert done.wait(0.5) is stays
    assert ("sklearn.ensemble" in imported) is stays


def test_what_draws_waits_until_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    asked, done = threading.Event(), threading.Event()
    due = False

    def is_due() -> bool:
        asked.set()
        return due

    monkeypatch.setattr(warming, "_PAUSE_S", 0.0)
    monkeypatch.setattr(warming, "_ASKS_EVERY_S", 0.01)
    monkeypatch.setattr(warming.importlib, "import_module", _into(imported, done, last="b"))
    with import_ahead(["a"], ["b"], is_due):
        assert asked.wait(30)
        assert imported == ["a"]
        due = True
        assert done.wait(30)
        assert imported[0] == "a"
        assert imported[-1] == "b"
    del imported[:]
    asked.clear()
    done.clear()
    due = False
    with import_ahead(["a"], ["b"], is_due):
        assert asked.wait(30)
    assert not done.wait(0.2)
    assert imported == ["a"]


_AFTER_FILTERS_ARE_RESET = """
import warnings
from tracking.runs.quiet import quiet
warnings.resetwarnings()
warnings.filterwarnings("error", category=UserWarning)
quiet()
"""

_WHILE_OTHERS_FILTER = """
import threading, time, warnings
warnings.simplefilter("error", DeprecationWarning)
from tracking.runs.quiet import quiet
errors = []

def work():
    try:
        quiet()
    except Exception as error:
        errors.append(error)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
thread.join()
import sqlalchemy.orm
sqlalchemy.orm.configure_mappers()
assert not errors, errors
"""


@pytest.mark.parametrize(
    "script", cases([_WHILE_OTHERS_FILTER], [_AFTER_FILTERS_ARE_RESET]), ids=["thread", "reset"]
)
def test_mlflow_is_imported_whatever_filters_others_set(script: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
