"""Where compiled code is kept, and when it is made anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.compiled import cache

TOP = Path(__file__).parents[3]


def test_a_change_in_any_room_of_the_trainer_makes_it_anew(tmp_path: Path) -> None:
    """What a function calls in another module is compiled into it, and Numba does not look."""
    inner = tmp_path / "network"
    inner.mkdir()
    (tmp_path / "plan.py").write_text("a = 1\n")
    (inner / "rows.py").write_text("b = 1\n")
    states = [cache._state(tmp_path)]
    (inner / "rows.py").write_text("b = 2\n")
    states.append(cache._state(tmp_path))
    (tmp_path / "plan.py").write_text("a = 2\n")
    states.append(cache._state(tmp_path))
    assert len(set(states)) == 3


def test_it_is_known_without_numba_whether_all_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "other"))
    assert not cache.is_made()
    (folder, _) = cache._folders()
    folder.mkdir(parents=True)
    (folder / "made").touch()
    assert cache.is_made()
    code = "import sys; from models.compiled.cache import is_made; is_made(); "
    code += "print('numba' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "False"


def test_the_first_study_after_an_installation_says_that_it_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search.study import run

    told: list[str] = []

    class Told(run.Silent):
        def message(self, text: str) -> None:
            told.append(text)

    class Ends(Exception):
        pass

    class Child:
        def __init__(self, config: object, role: str, say: object) -> None:
            pass

        def start(self) -> None:
            pass

        def close(self) -> None:
            raise Ends

    monkeypatch.setattr(run, "Supervisor", Child)
    for made in (False, True):
        monkeypatch.setattr(run, "is_made", lambda made=made: made)
        with pytest.raises(Ends):
            run.run_study(run.StudyConfig(data="nothing.csv"), home=tmp_path, progress=Told())
    assert told == ["Compiling the trainer, once: about 15 seconds."]
