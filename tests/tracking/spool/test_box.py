"""Entries on disk: whole or not there, in order, and another's once their process is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from filelock import FileLock

from tracking import ModelFolder, TrialRecord
from tracking.spool.box import Box, Slip
from tracking.spool.boxes import (
    count_held,
    damaged_boxes,
    discard_left,
    is_held,
    known_boxes,
    left_boxes,
    seen_slips,
)
from tracking.spool.delivery import taken_over
from tracking.spool.entries import Entry, Kind

DROP = Entry(kind=Kind.DROP_MODEL, run="movies#1")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box.make(tmp_path, "movies")


def test_entries_are_kept_in_the_order_in_which_they_were_put(box: Box) -> None:
    for number in range(12):
        box.put(Entry(kind=Kind.DROP_MODEL, run=f"movies#{number}"))
    assert [slip.read().run for slip in box.slips()] == [f"movies#{n}" for n in range(12)]


def test_an_entry_keeps_its_files_and_models_when_the_originals_are_gone(
    box: Box, tmp_path: Path, make_trial: Callable[..., TrialRecord]
) -> None:
    files, model = tmp_path / "files", tmp_path / "trained"
    for folder in (files, model):
        folder.mkdir()
        (folder / "a.txt").write_text(folder.name)
    models = (ModelFolder(path=model, name="model"),)
    slip = box.put(
        Entry(kind=Kind.FINISH_TRIAL, trial=make_trial(1, 0.5), models=models), files=files
    )
    for folder in (files, model):
        (folder / "a.txt").unlink()
    assert (slip.files / "a.txt").read_text() == "files"
    assert (slip.read().models[0].path / "a.txt").read_text() == "trained"


def test_an_entry_that_cannot_be_written_whole_is_not_there(
    box: Box, tmp_path: Path, make_trial: Callable[..., TrialRecord]
) -> None:
    models = (ModelFolder(path=tmp_path / "missing"),)
    with pytest.raises(OSError):
        box.put(Entry(kind=Kind.FINISH_TRIAL, trial=make_trial(1, 0.5), models=models))
    assert box.slips() == []
    assert list((box.path / "entries").iterdir()) == []


def test_a_box_is_its_process_as_long_as_that_lives(box: Box, tmp_path: Path) -> None:
    box.put(DROP)
    assert list(left_boxes(tmp_path)) == []  # nobody else's, not even in the same process
    box.close()
    assert not is_held(tmp_path, "movies")
    (left,) = left_boxes(tmp_path, "movies")
    assert [slip.read() for slip in left.slips()] == [DROP]
    assert list(left_boxes(tmp_path)) == []  # taken
    assert is_held(tmp_path, "movies")
    assert not is_held(tmp_path, "movies", but=left.path)
    assert not is_held(tmp_path, "books")


def test_who_only_looks_leaves_the_folders_of_trials(box: Box, tmp_path: Path) -> None:
    (box.trials / "trialbook-1").mkdir()
    box.release()
    (left,) = left_boxes(tmp_path)
    left.release()
    assert (box.trials / "trialbook-1").is_dir()


def test_a_box_of_a_killed_process_is_left_with_what_was_put(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tracking.spool.box import Box\n"
        "from tracking.spool.entries import Entry, Kind\n"
        "box = Box.make(Path(sys.argv[1]), 'movies')\n"
        "box.put(Entry(kind=Kind.DROP_MODEL, run='movies#1'))\n"
        "(box.path / 'entries' / '00000002-drop_model.partial').mkdir()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (left,) = left_boxes(tmp_path)
    assert [slip.read() for slip in left.slips()] == [DROP]
    later = left.put(Entry(kind=Kind.DROP_MODEL, run="movies#2"))
    assert [slip.path for slip in left.slips()][-1] == later.path


def test_what_is_left_of_a_box_being_made_or_deleted_is_swept_away(
    box: Box, tmp_path: Path
) -> None:
    (tmp_path / "begun.partial").mkdir()
    (tmp_path / "half-gone.partial" / "entries").mkdir(parents=True)
    (tmp_path / "half-gone.partial" / "box.json").write_text('{"study": "movies"}')
    in_the_making = tmp_path / "alive.partial"
    in_the_making.mkdir()
    with FileLock(in_the_making / "lock"):
        assert list(left_boxes(tmp_path)) == []
        assert set(tmp_path.iterdir()) == {box.path, in_the_making}
    assert list(left_boxes(tmp_path)) == []
    assert set(tmp_path.iterdir()) == {box.path}


def test_boxes_are_made_whole_while_others_sweep(tmp_path: Path) -> None:
    made: list[Box] = []
    is_over = Event()

    def sweep() -> None:
        while not is_over.is_set():
            assert list(left_boxes(tmp_path)) == []

    with ThreadPoolExecutor(3) as threads:
        sweepers = [threads.submit(sweep) for _ in range(2)]
        try:
            for _ in range(200):
                made.append(Box.make(tmp_path, "movies"))
                assert is_held(tmp_path, "movies")
                made[-1].put(DROP)
        finally:
            is_over.set()
        for sweeper in sweepers:
            sweeper.result()
    assert {path for path, _ in known_boxes(tmp_path)} == {box.path for box in made}
    assert set(tmp_path.iterdir()) == {box.path for box in made}


def test_an_empty_box_goes_and_one_with_entries_stays(box: Box, tmp_path: Path) -> None:
    slip = box.put(DROP)
    box.close()
    assert [path for path, _ in known_boxes(tmp_path)] == [box.path]
    (again,) = left_boxes(tmp_path)
    Slip(again.path / "entries" / slip.path.name).remove()
    again.close()
    assert not box.path.exists()


@pytest.mark.parametrize("about", ['{"study": "movies"}', "[" * 20_000, "9" * 5000, "\xff", "[]"])
def test_a_folder_that_is_no_box_stands_in_nobodys_way(
    about: str, box: Box, tmp_path: Path
) -> None:
    box.release()
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "box.json").write_text(about, encoding="latin-1")
    assert [path for path, _ in known_boxes(tmp_path)] == [box.path]
    assert [left.path for left in left_boxes(tmp_path)] == [box.path]
    assert (odd / "box.json").is_file()


def test_a_file_among_the_entries_is_none(box: Box) -> None:
    (box.path / "entries" / "00000001-drop_model.pending").write_text("{}")
    taken_over([box], lambda told: True)
    assert box.slips() == []
    box.close()
    assert not box.path.exists()


def test_boxes_of_other_studies_are_left_alone(box: Box, tmp_path: Path) -> None:
    other = Box.make(tmp_path, "books")
    for each in (box, other):
        each.put(DROP)
        each.close()
    assert [each.study for each in left_boxes(tmp_path, "books")] == ["books"]
    discard_left(tmp_path, "movies")
    assert [study for _, study in known_boxes(tmp_path)] == ["books"]


def test_a_pending_entry_counts_where_the_trial_has_ended(
    box: Box, make_trial: Callable[..., TrialRecord]
) -> None:
    for number in (1, 2):
        entry = Entry(kind=Kind.FINISH_TRIAL, trial=make_trial(number, 0.5))
        assert box.put(entry, is_pending=True).is_pending
    taken_over([box], lambda told: told.number == 2)
    (slip,) = box.slips()
    assert not slip.is_pending
    assert slip.read().trial == make_trial(2, 0.5)


def test_an_entry_that_was_put_aside_says_why(box: Box) -> None:
    slip = box.put(DROP)
    slip.refuse("MLflow does not want it")
    assert box.slips() == []
    (aside,) = box.refused()
    assert (aside.path / "why.txt").read_text() == "MLflow does not want it\n"
    assert aside.read() == DROP
    box.close()
    assert box.path.exists()  # somebody has to look at it


def test_strangers_in_the_spool_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "box.json").write_text("not JSON")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "box.json").write_text('["no study"]')
    assert known_boxes(tmp_path) == []
    assert list(left_boxes(tmp_path)) == []
    assert list(left_boxes(tmp_path / "missing")) == []


@pytest.mark.parametrize("about", ["", '{"study": 7}', None])
def test_a_box_that_lost_its_study_has_that_of_its_entries(
    about: str | None, box: Box, tmp_path: Path
) -> None:
    box.put(Entry(kind=Kind.DROP_MODEL, run="an identifier of MLflow's"))
    box.put(DROP)
    path = box.path / "box.json"
    path.unlink() if about is None else path.write_text(about)
    assert known_boxes(tmp_path) == [(box.path, "movies")]
    assert is_held(tmp_path, "movies")
    box.release()
    (left,) = left_boxes(tmp_path, "movies")
    assert len(left.slips()) == 2
    left.release()
    assert damaged_boxes(tmp_path) == []


def test_a_box_of_which_nothing_says_the_study_is_damaged(box: Box, tmp_path: Path) -> None:
    (box.path / "box.json").write_text("")
    assert damaged_boxes(tmp_path) == []  # without entries it is nothing
    slip = box.put(DROP)
    (slip.path / "entry.json").write_text("")
    box.release()
    assert known_boxes(tmp_path) == []
    assert damaged_boxes(tmp_path) == [box.path]


def test_what_waits_and_what_was_refused_is_seen_in_a_living_process_box(
    box: Box, tmp_path: Path
) -> None:
    other = Box.make(tmp_path, "others")
    other.put(DROP)
    assert (count_held(tmp_path, "movies"), count_held(tmp_path, "none")) == (1, 0)
    first, second = box.put(DROP), box.put(DROP)
    first.refuse("MLflow says no")
    waiting, refused = seen_slips(tmp_path, "movies")
    assert waiting == [second]
    assert [slip.path for slip in refused] == list((box.path / "refused").iterdir())
    assert is_held(tmp_path, "movies")  # nothing was taken from its process
    box.release()
    assert count_held(tmp_path, "movies") == 0
    other.release()
