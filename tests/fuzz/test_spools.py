"""What an earlier process left in a spool, of any content: delivered, or set aside with a line."""

from __future__ import annotations

import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import changed, damaged, json_bytes, texts, values
from refusing import check_line

from tracking import (
    EpochRecord,
    ModelFolder,
    NullRecorder,
    StudyRecord,
    TrackingError,
    TrialRecord,
)
from tracking.spool.box import Box
from tracking.spool.boxes import discard_left, is_held, known_boxes, left_boxes
from tracking.spool.delivery import Delivery, taken_over
from tracking.spool.entries import Entry, Kind, from_json, to_json

FUZZ = settings.get_profile("fuzz")
_STUDY = StudyRecord(name="movies", study_file='name = "movies"\n')
_EPOCHS = (EpochRecord(epoch=1, seconds=0.5, metrics={"val_rmse": 0.9}),)
_TRIAL = TrialRecord(
    study="movies",
    number=3,
    params={"rate": 0.1, "family": "gmf", "none": None},
    state="complete",
    value=0.9,
    epochs=_EPOCHS,
)
ENTRIES = [
    Entry(kind=Kind.START_STUDY, study=_STUDY),
    Entry(kind=Kind.START_TRIAL, trial=_TRIAL),
    Entry(kind=Kind.PARAMETERS, run="movies#3", params={"rate": 0.1}),
    Entry(kind=Kind.EPOCHS, run="movies#3", epochs=_EPOCHS),
    Entry(kind=Kind.FINISH_TRIAL, trial=_TRIAL, models=(ModelFolder(path=Path("x"), name="m"),)),
    Entry(kind=Kind.KILL_TRIAL, trial=_TRIAL),
    Entry(kind=Kind.DROP_MODEL, run="movies#3"),
    Entry(kind=Kind.END_STUDY, study=_STUDY, status="FINISHED"),
    Entry(kind=Kind.FINISH_STUDY, study=_STUDY, status="FINISHED"),
]
VALID = [json.loads(to_json(entry)) for entry in ENTRIES]


class _Trap:
    """Fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("Something was unpickled.",)


CONTENTS = st.one_of(
    st.sampled_from(VALID).flatmap(changed).map(json_bytes),
    st.builds(
        lambda run: json_bytes({"kind": "drop_model", "run": run}),
        st.sampled_from(["movies#" + "9" * 5000, "#", "a#-1", "##1"]) | texts(),
    ),
    st.sampled_from(VALID).flatmap(lambda entry: damaged(json_bytes(entry))),
    values().map(json_bytes),
    st.binary(max_size=40),
    st.sampled_from([b"[" * 20_000, b'{"kind": ' + b"9" * 5000 + b"}", pickle.dumps(_Trap())]),
)


@FUZZ
@given(content=CONTENTS)
def test_an_entry_is_read_or_refused_in_a_line(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    try:
        entry = from_json(text)
    except TrackingError as error:
        check_line(" ".join(str(error).split()))
        return
    assert to_json(from_json(to_json(entry))) == to_json(entry)


@FUZZ
@given(
    contents=st.lists(CONTENTS, min_size=1, max_size=3),
    names=st.lists(st.sampled_from(["-drop_model", "-x.pending", ".partial", ""]), max_size=3),
    counts=st.booleans(),
)
def test_all_that_was_left_is_delivered_or_set_aside(
    contents: list[bytes], names: list[str], counts: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"
        left = Box.make(spool, "movies")
        for number, content in enumerate(contents):
            end = names[number] if number < len(names) else "-finish_trial"
            entry = left.path / "entries" / f"{number + 1:08d}{end}"
            entry.mkdir()
            (entry / "entry.json").write_bytes(content)
        left.release()
        (box,) = left_boxes(spool, "movies")
        taken_over([box], lambda trial: counts)
        delivery = Delivery(NullRecorder(), None)
        delivery.take_over(box)
        try:
            assert delivery.flush(lambda: bool(delivery.trouble)), delivery.trouble
        finally:
            delivery.close(20.0, box.release)
        assert box.slips() == []
        for refused in box.refused():
            check_line((refused.path / "why.txt").read_text(encoding="utf-8").strip())


@FUZZ
@given(
    about=st.one_of(
        changed({"study": "movies"}).map(json_bytes),
        damaged(b'{"study": "movies"}'),
        st.sampled_from([b"[" * 20_000, b'{"study": ' + b"9" * 5000 + b"}"]),
    ),
    name=texts().filter(lambda name: name.isalnum() and len(name) < 50),
)
def test_a_box_of_any_making_stands_in_nobodys_way(about: bytes, name: str) -> None:
    """Nobody fails for a folder in the spool that is no box, and a whole box is found beside it."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder)
        Box.make(spool, "books").release()
        odd = spool / name
        odd.mkdir()
        (odd / "box.json").write_bytes(about)
        assert "books" in [study for _, study in known_boxes(spool)]
        assert not is_held(spool, "movies")
        for box in left_boxes(spool):
            box.release()
        discard_left(spool, "books")
        assert "books" not in [study for path, study in known_boxes(spool) if path != odd]
