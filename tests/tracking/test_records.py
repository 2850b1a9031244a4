"""What the records say of themselves."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from tracking import (
    BEYOND,
    COMPLETE,
    DatasetRecord,
    EndReason,
    ParameterRecord,
    Role,
    State,
    StudyRecord,
    Tag,
    TrialRecord,
)
from tracking.records import sign_of

Make = Callable[..., TrialRecord]


@pytest.mark.parametrize("member", [State.PRUNED, EndReason.NAN, Tag.SEED, Role.WINNER])
def test_an_enumerated_word_is_its_plain_text_wherever_it_is_written(member: str) -> None:
    plain = str(member)
    assert type(plain) is str
    assert {member: 1}[plain] == {plain: 1}[member] == 1
    assert f"{member}|{member:>20}" == f"{plain}|{plain:>20}"
    assert json.dumps({member: member}) == f'{{"{plain}": "{plain}"}}'
    sheet = io.StringIO()
    csv.writer(sheet).writerow([member, plain])
    assert sheet.getvalue() == f"{plain},{plain}\r\n"
    assert pickle.loads(pickle.dumps(member)) is member


def test_states_and_reasons_are_the_words_that_stand_in_stored_studies() -> None:
    last = ["failed", "killed"]
    assert [*State] == ["queued", "running", "complete", "pruned", "refused", *last]
    ends = ["", "epochs", "early_stopping", "pruned", "limit", "nan", "out_of_memory", "error"]
    assert [*EndReason] == [*ends, "crash", "timeout", "interrupted"]
    assert all(tag.startswith("trialbook.") for tag in Tag)
    assert (COMPLETE, BEYOND) == ("complete", "trialbook.beyond")


def test_a_trial_tells_what_its_tags_say(make_trial: Make) -> None:
    plain = make_trial(0)
    assert not plain.is_baseline
    assert not plain.is_beyond
    assert not plain.is_recipe
    assert plain.recipe is plain.trainer is plain.threads is None
    tags = {"baseline": "true", "beyond": "true", "recipe": "mlp", "trainer": "fast"}
    tags |= {"threads": "4"}
    tagged = make_trial(0, tags={f"trialbook.{name}": value for name, value in tags.items()})
    assert tagged.is_baseline
    assert tagged.is_beyond
    assert tagged.is_recipe
    assert (tagged.recipe, tagged.trainer, tagged.threads) == ("mlp", "fast", 4)


def test_less_is_better_unless_the_study_says_otherwise(
    study: StudyRecord, make_trial: Make
) -> None:
    low = replace(study, trials=(make_trial(0, 1.0), make_trial(1, 0.75)))
    high = replace(low, direction="maximize")
    assert (low.sign, high.sign) == (sign_of(minimize=True), sign_of(minimize=False)) == (1, -1)
    assert low.better(0.75, than=1.0)
    assert high.better(1.0, than=0.75)
    assert not any(each.better(1.0, than=1.0) for each in (low, high))
    assert (low.gain(0.75, over=1.0), high.gain(0.75, over=1.0)) == (0.25, -0.25)
    assert [trial.number for trial in low.ranked()] == [1, 0]
    assert [trial.number for trial in high.ranked()] == [0, 1]


def test_the_best_and_any_trial_can_be_asked_for(study: StudyRecord, make_trial: Make) -> None:
    beyond = make_trial(0, 0.0, tags={BEYOND: "true"})
    record = replace(study, trials=(beyond, make_trial(2, 0.0), make_trial(5, -0.5)))
    assert record.best is record.trial(5) is record.trials[2]
    assert record.trial(1) is None
    assert study.best is None
    broken = (make_trial(6, float("nan")), make_trial(7, float("-inf")))
    assert replace(record, trials=(*record.trials, *broken)).ranked() == record.ranked()
    assert replace(study, trials=(beyond,)).best is None


def test_the_trivial_predictor_to_beat_is_the_better_one(study: StudyRecord) -> None:
    def of(**profile: float | None) -> tuple[str, float] | None:
        dataset = DatasetRecord(name="r", content_hash="", profile=profile)
        return replace(study, dataset=dataset).trivial

    assert of(biases_val_rmse=0.9, global_mean_val_rmse=1.0) == ("biases", 0.9)
    assert of(biases_val_rmse=0.9, global_mean_val_rmse=0.0) == ("global_mean", 0.0)
    assert of(biases_val_rmse=0.9, global_mean_val_rmse=None) == ("biases", 0.9)
    assert of() is replace(study, dataset=None).trivial is None


def test_the_baseline_of_a_study_is_the_first_one_that_came_to_a_value(
    study: StudyRecord, make_trial: Make
) -> None:
    tags = {"trialbook.baseline": "true"}
    cut = make_trial(0, state="killed", tags=tags)
    again = make_trial(2, 0.9, tags=tags)
    assert study.baseline is None
    assert replace(study, trials=(cut, make_trial(1, 0.8))).baseline is None
    assert replace(study, trials=(cut, make_trial(1, 0.8), again)).baseline is again


def test_the_parameters_that_differ_can_be_asked_of_some_trials(
    study: StudyRecord, make_trial: Make
) -> None:
    one = make_trial(0, params={"rate": 0.1, "size": 8, "fixed": 1})
    two = make_trial(1, params={"rate": 0.1, "size": 16, "fixed": 1})
    three = make_trial(2, params={"rate": 0.3, "size": 16, "fixed": 1, "momentum": 0.5})
    record = replace(study, trials=(one, two, three), importances={"momentum": 0.7, "size": 0.3})
    assert record.varied() == ("rate", "size", "momentum")  # too few to say what matters
    space = tuple(ParameterRecord(name=n, kind="float") for n in ("unseen", "size", "rate"))
    assert replace(record, space=space).varied() == ("size", "rate", "momentum")
    more = [make_trial(n, 1.0, params=three.params) for n in range(3, 23)]
    enough = replace(record, trials=(*record.trials, *more), space=space)
    assert enough.varied() == ("momentum", "size", "rate")
    assert record.varied([one, two]) == ("size",)
    assert record.varied([one]) == ()


def test_a_parameter_that_the_space_fixes_does_not_differ_although_a_baseline_has_another_value(
    study: StudyRecord, make_trial: Make
) -> None:
    base = make_trial(
        0, params={"rate": 0.1, "patience": 5, "size": 8}, tags={"trialbook.baseline": "true"}
    )
    other = make_trial(1, params={"rate": 0.2, "patience": 15, "size": 16})
    record = replace(study, trials=(base, other))
    assert record.varied() == ("rate", "patience", "size")  # of a study without a stored space
    space = (
        ParameterRecord(name="rate", kind="float"),
        ParameterRecord(name="patience", kind="fixed", values=(15,)),
        # Fixed for one model family and searched for another.
        ParameterRecord(name="size", kind="fixed", values=(8,), when="family is mlp"),
        ParameterRecord(name="size", kind="int", low=8, high=16, when="family is gmf"),
    )
    stored = replace(record, space=space)
    assert stored.varied() == ("rate", "size")
    assert stored.columns() == ((), ("rate", "size"))


def test_how_a_trial_ended_counts_the_epochs_of_all_its_folds_and_says_why_it_was_pruned(
    make_trial: Make,
) -> None:
    folds = {"parts": 2.0, "fold_1/best_val_rmse": 0.9, "fold_2/best_val_rmse": 0.8}
    trial = make_trial(0, 0.85, end_reason="epochs", metrics={"epochs_run": 6.0, **folds})
    assert trial.how_it_ended == "trained for all its 6 epochs of 2 folds together"
    pruned = make_trial(
        1, 0.9, end_reason="pruned", metrics={"epochs_run": 4.0}, message="too high"
    )
    assert pruned.how_it_ended == "pruned after 4 epochs: too high"
    assert make_trial(2, end_reason="").how_it_ended == ""


def test_parameters_that_most_trials_have_come_first_where_importances_tell_nothing(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = [make_trial(n, 1.0, params={"layers": n, "rate": n}) for n in range(2)]
    trials += [make_trial(n, 1.0, params={"factors": n, "rate": n}) for n in range(2, 5)]
    assert replace(study, trials=tuple(trials)).varied() == ("rate", "factors", "layers")
