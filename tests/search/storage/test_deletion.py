"""Deleting a study: with all of its record, and never one that a process has begun to work on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage import deletion
from search.storage.claims.lease import Lease
from search.storage.claims.leases import leases_of
from search.storage.creation import create_or_load
from search.storage.deletion import delete_study
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import identity_of, write_config, write_dataset
from tracking import MlflowRecorder, Store, TrackingError

Begin = Callable[..., optuna.Study]


@pytest.fixture
def studies(home: Path) -> Studies:
    """Those of an empty home."""
    return Studies(Store(home))


@pytest.fixture
def begin(studies: Studies) -> Begin:
    """Begins a study of which Optuna's storage knows no run."""

    def make(name: str = "t", **settings: Any) -> optuna.Study:
        study = create_or_load(studies.storage, name, ["minimize"])
        write_config(study, StudyConfig(name=name, trials=2, **settings))
        write_dataset(study, None)
        return study

    return make


def test_a_search_that_begins_meanwhile_waits_and_keeps_its_study(
    studies: Studies, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins between the look for living processes and the deletion."""
    begun, looked = threading.Event(), deletion._must_be_at_rest

    def search() -> None:
        own = Studies(studies.store)

        def open_study() -> None:
            create_or_load(own.storage, "t", ["minimize"])
            lease.open()

        lease = Lease(leases_of(own.storage), "t")
        own.locked(open_study)
        begun.set()
        lease.close()

    def look(study: optuna.Study, spool: Path) -> None:
        looked(study, spool)
        thread.start()
        assert not begun.wait(1.0)

    thread = threading.Thread(target=search)
    monkeypatch.setattr(deletion, "_must_be_at_rest", look)
    first = identity_of(begin())
    delete_study(studies, studies.get("t"))
    thread.join(60)
    assert begun.is_set()
    assert studies.names() == ["t"]
    assert identity_of(optuna.load_study(storage=studies.storage, study_name="t")) != first


def test_a_study_that_a_process_has_begun_to_work_on_is_not_deleted(
    studies: Studies, begin: Begin
) -> None:
    study = begin()
    with (
        Lease(leases_of(study), "t"),
        pytest.raises(SearchError, match="A study must be at rest to be deleted"),
    ):
        delete_study(studies, study)
    assert studies.names() == ["t"]


def test_a_run_that_optunas_storage_was_not_told_of_is_deleted_too(
    studies: Studies, begin: Begin
) -> None:
    study, other = begin(), begin("other")
    recorder = MlflowRecorder(studies.store)
    runs = [
        recorder.start_study(study_record(each, weighs=False)).parent_run_id
        for each in (study, other)
    ]
    client = studies.store.client()
    client.rename_experiment(client.get_experiment_by_name("t").experiment_id, "renamed")
    assert delete_study(studies, study) == 0
    assert recorder.find_run(str(runs[0])) is None
    assert recorder.find_run(str(runs[1])) is not None
    assert {each.name for each in client.search_experiments()} == {"Default", "other"}
    assert studies.names() == ["other"]


def test_a_study_of_a_server_that_is_away_is_kept_unless_its_record_is_given_up(
    studies: Studies, begin: Begin
) -> None:
    study = begin(tracking_uri="http://127.0.0.1:9")
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9.*`--lost-record` deletes the study"):
        delete_study(studies, study)
    assert studies.names() == ["t"]
    assert delete_study(studies, study, lost_record=True) == 0
    assert studies.names() == []


def test_a_study_that_another_process_has_deleted_is_told_to_be_gone(
    studies: Studies, begin: Begin
) -> None:
    study = begin()
    delete_study(Studies(studies.store), study)
    with pytest.raises(SearchError, match="A study must exist, but got 't'"):
        delete_study(studies, study)


def test_what_the_database_did_not_answer_in_time_is_not_deleted_twice(
    studies: Studies, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, calls = begin(), list[str]()
    locked, record = studies.locked, deletion._delete_record

    def twice(call: Callable[[], None]) -> None:
        locked(call)
        locked(call)

    def counted(*given: Any, **how: Any) -> int:
        calls.append("record")
        return record(*given, **how) + 3

    monkeypatch.setattr(studies, "locked", twice)
    monkeypatch.setattr(deletion, "_delete_record", counted)
    assert delete_study(studies, study) == 3
    assert calls == ["record"]
    assert studies.names() == []
