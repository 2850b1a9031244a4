"""Where compiled code is kept, and when it is made anew."""

from __future__ import annotations

import os
import stat
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
    folder.mkdir(parents=True, mode=0o700)
    (folder / "made").touch()
    assert cache.is_made()
    code = "import sys; from models.compiled.cache import is_made; is_made(); "
    code += "print('numba' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "False"


def places(code: str, **environment: str) -> list[str]:
    """Where a new process keeps compiled code, and whether it takes all for compiled."""
    told = "import numba; from models.compiled.cache import is_made, use_cache; use_cache(); "
    told += f"print(numba.config.CACHE_DIR); print(is_made()); {code}"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(TOP)} | environment,
    )  # fmt: skip
    return done.stdout.split("\n")


def test_compiled_code_is_not_taken_from_a_folder_that_others_can_write_to(tmp_path: Path) -> None:
    """Numba reads it as pickles, which run code."""
    given, temporary = tmp_path / "given", tmp_path / "temporary"
    temporary.mkdir()
    told = {"TRIALBOOK_CACHE": str(given), "TMPDIR": str(temporary)}
    usual = Path(places("", **told)[0])
    assert usual.is_relative_to(given)
    assert stat.S_IMODE(usual.stat().st_mode) == stat.S_IMODE(usual.parent.stat().st_mode) == 0o700
    (usual / "made").touch()
    usual.chmod(0o777)  # by somebody who opened it to all: closed again, as it is our own
    assert places("", **told)[:2] == [str(usual), "True"]
    assert stat.S_IMODE(usual.stat().st_mode) == 0o700
    elsewhere = tmp_path / "elsewhere"
    usual.rename(elsewhere)
    usual.symlink_to(elsewhere)
    found = places("", **told)
    assert Path(found[0]).is_relative_to(temporary / f"trialbook-{os.getuid()}")
    assert found[1] == "False"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder somebody else's")
def test_compiled_code_is_not_taken_from_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    given, temporary = tmp_path / "given", tmp_path / "temporary"
    temporary.mkdir()
    told = {"TRIALBOOK_CACHE": str(given), "TMPDIR": str(temporary)}
    for _ in range(2):  # the usual place, then the one for temporary files
        taken = Path(places("", **told)[0])
        (taken / "made").touch()
        os.chown(taken, 12345, 12345)
    code = "import pathlib; print(pathlib.Path(numba.config.CACHE_DIR).is_dir())"
    folder, is_made, was_there, _ = places(code, **told)
    assert Path(folder).parent == temporary
    assert (is_made, was_there) == ("False", "True")
    assert not Path(folder).exists()  # it went with its process


def test_the_first_study_after_an_installation_says_that_it_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search import Silent
    from search.study import run

    told: list[str] = []

    class Told(Silent):
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
