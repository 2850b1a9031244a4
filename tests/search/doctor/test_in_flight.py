"""What `trialbook doctor` tells of a study that a living process works on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from calling import Here

from search.storage.claims.leases import leases_of
from search.storage.claims.owner import me
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from tracking import Store
from tracking.spool.box import Box
from tracking.spool.entries import Entry, Kind

GONE = {"id": "gone", "pid": 2**22 + 1}


def _change(home: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(home / "optuna.db")) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def study(ill: Path) -> optuna.Study:
    return Studies(Store(ill)).get("ill")


@pytest.fixture
def box(ill: Path, study: optuna.Study) -> Iterator[Box]:
    """The box of a process that works on the study: this one, with a lease."""
    leases_of(study).take({**me(), "id": "lives"}, "ill")
    box = Box.make(Store(ill).spool, "ill")
    yield box
    box.release()


@pytest.fixture
def differing(ill: Path, study: optuna.Study) -> list[str]:
    """Trial 0 has an open run and trial 1 none, an hour after they ended; what is told of it."""
    client, trials = Store(ill).client(), study.get_trials(deepcopy=False)
    client.update_run(str(trials[0].user_attrs[Key.RUN]), status="RUNNING")
    client.delete_run(str(trials[1].user_attrs[Key.RUN]))
    _change(ill, "UPDATE trials SET datetime_complete = datetime(datetime_complete, '-1 hour')")
    return ["Trial 0 has ended (complete), but its run goes on.", "Trial 1 (complete) has no run."]


@pytest.mark.usefixtures("box")
def test_that_a_process_works_on_a_study_is_a_note_and_no_finding(
    ill: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    from search.cli.main import run

    for fix in ((), ("--fix",)):
        assert here("doctor", *fix, "--home", str(ill)) == {
            "findings": [], "left": 0, "busy": ["ill"],
        }  # fmt: skip
    assert run(["doctor", "--home", str(ill)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("note: ill: A living process works on it: only what that process does")
    assert "Nothing is wrong" not in said


@pytest.mark.usefixtures("box")
def test_a_run_that_should_be_whole_by_now_is_told_and_left(
    ill: Path, differing: list[str], here: Here
) -> None:
    for fix in ((), ("--fix",)):
        told = here("doctor", *fix, "--home", str(ill), code=1)
        assert [each["text"] for each in told["findings"]] == differing
        assert (told["left"], told["busy"]) == (2, ["ill"])


def test_of_what_is_under_way_to_mlflow_nothing_is_told(
    ill: Path, box: Box, study: optuna.Study, differing: list[str], here: Here
) -> None:
    run_id = str(study.get_trials(deepcopy=False)[0].user_attrs[Key.RUN])
    box.put(Entry(kind=Kind.PARAMETERS, run="ill#1", params={"late": 7}))
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert found["text"] == differing[0]
    slip = box.put(Entry(kind=Kind.PARAMETERS, run=run_id, params={"late": 7}))
    assert here("doctor", "--home", str(ill))["findings"] == []
    slip.remove()
    assert len(here("doctor", "--home", str(ill), code=1)["findings"]) == 1
    box.put(Entry(kind=Kind.PARAMETERS, run="ill#2", params={"late": 7}))
    (box.slips()[-1].path / "entry.json").write_text("{")  # it may be of any trial
    assert here("doctor", "--home", str(ill))["findings"] == []


@pytest.mark.usefixtures("box", "differing")
def test_of_a_trial_that_ended_just_now_nothing_is_told(ill: Path, here: Here) -> None:
    _change(
        ill, "UPDATE trials SET datetime_complete = datetime('now', 'localtime') WHERE number = 1"
    )
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert found["trial"] == 0


@pytest.mark.usefixtures("box", "differing")
@pytest.mark.parametrize("is_far", [False, True])
def test_where_another_process_keeps_its_writes_elsewhere_the_record_is_not_judged(
    is_far: bool, ill: Path, study: optuna.Study, here: Here
) -> None:
    where = {"namespace": 1, "host": "far"} if is_far else {}
    leases_of(study).take({**me(), "id": "another", **where}, "ill")
    assert here("doctor", "--home", str(ill))["findings"] == []
    second = Box.make(Store(ill).spool, "ill")  # what it writes waits here, unless it is far away
    assert len(here("doctor", "--home", str(ill), code=0 if is_far else 1)["findings"]) == (
        0 if is_far else 2
    )
    second.close()


def test_writes_that_mlflow_refused_of_a_process_that_lives_are_told(
    ill: Path, box: Box, here: Here
) -> None:
    slip = box.put(Entry(kind=Kind.PARAMETERS, run="ill#1", params={"late": 7}))
    slip.refuse("MLflow says no")
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert (found["topic"], found["text"]) == (
        "refused",
        "MLflow did not take a write (MLflow says no).",
    )


@pytest.mark.usefixtures("box")
def test_a_lease_that_ran_out_some_time_ago_is_told(
    ill: Path, study: optuna.Study, here: Here
) -> None:
    leases_of(study).take({**me(), **GONE}, "ill")
    assert here("doctor", "--home", str(ill))["findings"] == []  # the process may see to it yet
    _change(ill, "UPDATE trialbook_leases SET renewed = renewed - 200 WHERE owner = 'gone'")
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert (found["topic"], found["text"]) == ("lease", "It has 1 lease without a living process.")
