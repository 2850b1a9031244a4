"""What an entry of the spool says after it was written and read again, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracking import EpochRecord, ModelFolder, StudyRecord, TrackingError, TrialRecord
from tracking.spool.entries import Entry, Kind, from_json, to_json, with_models_in
from tracking.spool.references import referred


def test_a_trial_is_read_as_it_was_written(make_trial: Callable[..., TrialRecord]) -> None:
    params = {"whole": 1, "real": 0.5, "text": "1", "yes": True, "none": None}
    trial = make_trial(7, 0.25, params=params, message='a "word", a line\nand ümlauts')
    read = from_json(to_json(Entry(kind=Kind.FINISH_TRIAL, trial=trial))).trial
    assert read == trial
    kinds = [type(value) for value in read.params.values()]
    assert kinds == [int, float, str, bool, type(None)]


def test_a_study_is_read_as_it_was_written(
    study: StudyRecord, make_trial: Callable[..., TrialRecord]
) -> None:
    from dataclasses import replace

    whole = replace(study, trials=(make_trial(0, 0.5), make_trial(1)), goals=("a", "b"))
    assert from_json(to_json(Entry(kind=Kind.FINISH_STUDY, study=whole, status="KILLED"))) == Entry(
        kind=Kind.FINISH_STUDY, study=whole, status="KILLED"
    )


def test_numbers_that_are_none_and_those_of_numpy_are_kept() -> None:
    metrics = {"nan": math.nan, "infinite": math.inf, "single": np.float32(0.5)}
    epoch = EpochRecord(epoch=1, seconds=0.5, metrics=metrics)
    (read,) = from_json(to_json(Entry(kind=Kind.EPOCHS, run="a#1", epochs=(epoch,)))).epochs
    assert math.isnan(read.metrics["nan"])
    assert (read.metrics["infinite"], read.metrics["single"]) == (math.inf, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"kind": "no such"}',
        '{"kind": "drop_model"}',
        '{"kind": "finish_trial"}',
        '{"kind": "start_trial", "trial": {"study": 3, "number": 0, "params": {}}}',
        '{"kind": "start_trial", "trial": {"study": "a", "number": "x", "params": {}}}',
        '{"kind": "start_trial", "trial": {"study": "a", "number": 0, "params": {"x": [1]}}}',
        '{"kind": "epochs", "run": "a#1", "epochs": [{"epoch": 1}]}',
        '{"kind": "parameters", "run": "a#1", "params": {}}',
        '{"kind": "parameters", "run": "a#1", "params": {"\\b": []}}',
    ],
)
def test_what_is_no_entry_is_refused_in_words(text: str) -> None:
    with pytest.raises(TrackingError, match="as Trialbook wrote it") as raised:
        from_json(text)
    assert str(raised.value).isprintable()


def test_a_number_without_end_names_no_run() -> None:
    assert referred("movies#" + "9" * 5000) is None
    assert referred("movies#" + "9" * 18) == ("movies", 10**18 - 1)


@pytest.mark.parametrize("name", ["../secret", "/etc", "a/b", "..", ".", ""])
def test_a_model_cannot_be_taken_from_outside_of_its_entry(
    name: str, make_trial: Callable[..., TrialRecord]
) -> None:
    model = ModelFolder(path=Path("anywhere"), name=name)
    text = to_json(Entry(kind=Kind.FINISH_TRIAL, trial=make_trial(1, 0.5), models=(model,)))
    with pytest.raises(TrackingError, match="plain name"):
        from_json(text)


def test_models_lie_where_the_entry_lies(make_trial: Callable[..., TrialRecord]) -> None:
    model = ModelFolder(path=Path("/elsewhere"), name="model_2")
    entry = Entry(kind=Kind.FINISH_TRIAL, trial=make_trial(1, 0.5), models=(model,))
    assert with_models_in(entry, Path("box")).models[0].path == Path("box/model_2")
