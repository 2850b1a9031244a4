"""Content of the storage that somebody changed in the database, read by every command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from calling import Here

from search import StudyConfig
from search.space.parameters import Parameter, plain
from search.storage.readable import Unreadable, require_readable
from search.storage.studies import Studies
from search.storage.study_attributes import Key as StudyKey
from search.storage.study_attributes import write_config
from search.storage.trial_attributes import Key, TrialOutcome, TrialPlan, as_stored
from tracking import Store, Tag

PLAN = as_stored(TrialPlan(values={"size": 8}, seed=7, epochs=2))
OUTCOME = as_stored(
    TrialOutcome(
        state="complete",
        value=0.9,
        metrics={"best_val_rmse": 0.9},
        curve=[[1, 0.5, {"val_rmse": 0.9}]],
    )
)


DATASET = {"name": "d", "content_hash": "0" * 64, "profile": {}, "checks": [], "synthetic": True}
SIZE = plain(Parameter(name="size", kind="Int", default=8, low=4, high=16))


def _study(home: Path, name: str, stored: Mapping[str, Any]) -> optuna.Study:
    """A study of a trial with attributes in place of some of the usual ones."""
    study = optuna.create_study(storage=Studies(Store(home)).storage, study_name=name)
    write_config(study, StudyConfig(name="movies"))
    trial = study.ask()
    for key, value in ({Key.PLAN.value: PLAN, Key.OUTCOME.value: OUTCOME} | stored).items():
        trial.set_user_attr(key, value)
    study.tell(trial, 0.9)
    return study


@pytest.mark.parametrize(
    ("key", "stored", "reason"),
    [
        (Key.PLAN, [1], "trialbook:plan is [1]"),
        (Key.PLAN, PLAN | {"values": "size=8"}, "values is 'size=8'"),
        (Key.PLAN, PLAN | {"colour": 1}, "'colour' is not known, a later version"),
        (Key.PLAN, PLAN | {"tags": {Tag.THREADS.value: "x"}}, "'x'"),
        (Key.OUTCOME, "good", "trialbook:outcome is 'good'"),
        (Key.OUTCOME, OUTCOME | {"metrics": {"rmse": "low"}}, "metrics has rmse 'low'"),
        (Key.OUTCOME, OUTCOME | {"curve": [[1, 0.5]]}, "not enough values"),
        (Key.OUTCOME, OUTCOME | {"curve": [[1, 0.5, 7]]}, "curve has 7 in"),
        (Key.OUTCOME, OUTCOME | {"curve": 3}, "curve is 3"),
        (Key.SLOT, "first", "'first'"),
        (Key.OWNER, 7, "trialbook:owner is 7"),
    ],
)
def test_a_trials_changed_attribute_is_told_with_the_study_the_trial_and_what_is_wrong(
    key: str, stored: object, reason: str, home: Path
) -> None:
    study = _study(home, "movies", {key: stored})
    with pytest.raises(
        Unreadable, match=r"of 'movies' the attributes of trial 0 are not: "
    ) as told:
        require_readable(study)
    assert reason in str(told.value)
    assert told.value.study == "movies"


@pytest.mark.parametrize(
    ("key", "stored", "reason"),
    [
        (StudyKey.DATASET, {"name": "x"}, "'checks' is lacking"),
        (StudyKey.DATASET, {**DATASET, "sort": 1}, "'sort'"),
        (StudyKey.SPACE, {"parameters": [{"name": "size"}]}, "'conditions' is lacking"),
        (StudyKey.DATASET, {**DATASET, "name": 7}, "name: "),
        (StudyKey.DATASET, {**DATASET, "profile": {"rows": "many"}}, ""),
        (StudyKey.SPACE, {"parameters": [SIZE | {"kind": "Integer"}]}, "kind: "),
        (StudyKey.SPACE, {"parameters": [SIZE | {"name": [1]}]}, "name: "),
        (StudyKey.MARK, "x", "'x'"),
        (StudyKey.RUN, "0a1b", "trialbook:run is '0a1b'"),
        (StudyKey.RUN, {"parent_run_id": {"a": 1}}, "parent_run_id is {'a': 1}"),
    ],
)
def test_a_studys_changed_attribute_is_told_with_its_name(
    key: str, stored: object, reason: str, home: Path
) -> None:
    study = _study(home, "movies", {})
    require_readable(study)
    study.set_user_attr(key, stored)
    with pytest.raises(
        Unreadable, match=r"of 'movies' the study's name and its own attributes are not: "
    ) as told:
        require_readable(study)
    assert reason in str(told.value)


def test_one_damaged_study_hides_no_other_and_is_told(home: Path, here: Here) -> None:
    _study(home, "bad", {Key.OUTCOME.value: "good"})
    _study(home, "sound", {})
    listed = here("studies", "--home", str(home))
    assert [each["study"] for each in listed["studies"]] == ["sound"]
    assert [each["study"] for each in listed["damaged"]] == ["bad"]
    found = here("doctor", "--home", str(home), code=1)["findings"]
    told = [each for each in found if each["study"] == "bad"]
    assert len(told) == 1
    assert "trialbook:outcome is 'good'" in told[0]["text"]
    assert not told[0]["is_mendable"]


@pytest.mark.parametrize("command", ["show", "export", "winner", "doctor", "compare"])
def test_a_command_that_needs_a_damaged_study_refuses_it_in_a_line(
    command: str, home: Path, here: Here
) -> None:
    _study(home, "bad", {Key.OUTCOME.value: "good"})
    more = ["--output", str(home / "x.csv")] if command == "export" else []
    here(command, "bad", *more, "--home", str(home), code=2)
    assert "of 'bad' the attributes of trial 0 are not" in here.errors


@pytest.mark.parametrize("name", ["../../evil", "a/b", "\x1b[31mred", "x" * 101])
def test_a_stored_name_that_no_study_may_have_is_refused(
    name: str, home: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _study(home, name, {})
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    before = sorted(tmp_path.rglob("*.csv"))
    here("export", name, "--home", str(home), code=2)
    assert "must start with a letter" in here.errors
    assert sorted(tmp_path.rglob("*.csv")) == before
    assert here("studies", "--home", str(home))["studies"] == []
