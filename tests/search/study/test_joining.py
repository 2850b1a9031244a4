"""A process that begins to work on a study while `trialbook doctor --fix` mends it."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search.executor.interrupts import Stop
from search.storage.claims.lease import Lease
from search.storage.claims.leases import DOCTOR, leases_of
from search.storage.studies import Studies
from search.study.joining import once_mended
from tracking import Store


def test_a_process_begins_once_the_study_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies, said = Studies(Store(tmp_path)), list[str]()
    study = optuna.create_study(storage=studies.storage, study_name="movies")
    mends = Lease(leases_of(study), "movies", DOCTOR).open()
    happened: list[str] = []

    def begin() -> optuna.Study:
        happened.append("begun")
        return study

    def mended() -> None:
        happened.append("waited")
        mends.close()

    monkeypatch.setattr("search.study.joining._pause", mended)
    assert once_mended(studies, "movies", begin, Stop(), said.append) is study
    assert happened == ["waited", "begun"]
    assert said == ["Waiting for `trialbook doctor --fix`, which mends 'movies' now."]


def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    studies, stop = Studies(Store(tmp_path)), Stop()
    study = optuna.create_study(storage=studies.storage, study_name="movies")
    stop.ask()
    with Lease(leases_of(study), "movies", DOCTOR), pytest.raises(KeyboardInterrupt):
        once_mended(studies, "movies", lambda: study, stop, print)
    assert once_mended(studies, "movies", lambda: study, stop, print) is study
