"""Names and notes of runs, from the parameters of any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hostile import NAMES

from tracking import MlflowRecorder, Store, StudyRecord, TrialRecord
from tracking.runs.view.names import run_name
from tracking.runs.view.notes import trial_note

Make = Callable[..., TrialRecord]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"family": "gmf", "factors": 8}, "t003 0.9000 gmf f8"),
        ({"family": "mlp", "embedding_size": 15, "layers": 3, "units_1": 128, "units_2": 64,
          "units_3": 32}, "t003 0.9000 mlp e15 128/64/32"),
        ({"family": "neumf", "factors": 17, "embedding_size": 21, "layers": 1, "units_1": 32},
         "t003 0.9000 neumf f17 e21 32"),
        ({"family": "mlp"}, "t003 0.9000 mlp"),
        ({}, "t003 0.9000"),
        ({"rate": 0.00012345, "depth": 2, "more": 1}, "t003 0.9000 rate=0.000123 depth=2"),
        ({"two\nlines": "\x1b[31mred"}, "t003 0.9000 two\\nlines=\\x1b[31mred"),
    ],
)  # fmt: skip
def test_a_name_says_what_was_tried_and_what_it_gave(
    params: dict, name: str, make_trial: Make
) -> None:
    assert run_name(make_trial(3, 0.9, params=params)) == name


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_short_and_seen_whatever_users_call_their_parameters(
    name: str, make_trial: Make
) -> None:
    told = run_name(make_trial(3, float("nan"), params={name: name, "b": name}, state="failed"))
    assert told.isprintable()
    assert len(told) <= 100
    assert told.startswith("t003 ")
    assert told.endswith(" (failed)")


@pytest.mark.parametrize(
    ("value", "baseline", "told"),
    [
        (0.88, 0.9009, "0.0209 below the baseline (0.9009); "),
        (0.95, 0.9, "0.0500 above the baseline (0.9000); "),
        (0.9, 0.9, "Equal to the baseline (0.9000); "),
        (0.9, None, "lr 0.1"),
        (None, 0.9, "lr 0.1"),
        (float("nan"), 0.9, "lr 0.1"),
    ],
)
def test_a_note_tells_the_gap_to_the_baseline(
    value: float | None, baseline: float | None, told: str, make_trial: Make
) -> None:
    trial = make_trial(
        3, value, state="complete", end_reason="epochs", params={"lr": 0.1},
        metrics={"epochs_run": 1},
    )  # fmt: skip
    note = trial_note(trial, baseline)
    assert note.startswith(told)
    assert "; trained for all its 1 epoch.\n\nTrain it again: `trialbook reproduce " in note


def test_a_note_has_whole_numbers_whole(make_trial: Make) -> None:
    trial = make_trial(1, 0.9, params={"weights": 74_228.0, "rate": 0.00012345})
    assert trial_note(trial).startswith("weights 74,228, rate 0.0001234.\n")


def test_a_note_says_why_a_trial_was_pruned(make_trial: Make) -> None:
    trial = make_trial(
        3, 0.91, state="pruned", end_reason="pruned", params={"lr": 0.1},
        metrics={"epochs_run": 4}, message="worse than the median 0.8931",
    )  # fmt: skip
    first = trial_note(trial, 0.92).splitlines()[0]
    assert first.endswith("; pruned after 4 epochs: worse than the median 0.8931.")


@pytest.mark.parametrize("name", NAMES)
def test_a_note_holds_names_as_text(name: str, make_trial: Make) -> None:
    trial = make_trial(3, params={name: name}, state="failed", end_reason="error", message=name)
    note = trial_note(trial, 1.0)
    assert all(letter.isprintable() or letter == "\n" for letter in note)
    assert len(note) <= 8000
    if "<" in name or "](" in name:
        assert note.count("`") >= 4


def test_the_baseline_is_found_once_it_has_ended(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)

    def ended(number: int, value: float, **given: object) -> str:
        trial = make_trial(number, value, **given)
        run_id = recorder.start_trial(trial)
        recorder.finish_trial(replace(trial, run_id=run_id, state="complete"), folder=None)
        return run_id

    def note(run_id: str) -> str:
        return str(store.client().get_run(run_id).data.tags["mlflow.note.content"])

    early = [ended(number, 0.8) for number in range(1, 8)]  # more than are looked for in vain
    assert not any("baseline" in note(run) for run in early)
    store.client().delete_run(early[1])
    baseline = ended(0, 0.9, tags={"trialbook.baseline": "true"})
    assert note(baseline).startswith("The baseline, with which")
    for run in (early[0], *early[2:]):
        assert note(run).startswith("0.1000 below the baseline (0.9000); learning_rate ")
    assert note(ended(8, 0.7)).startswith("0.2000 below the baseline (0.9000)")
