"""A study that another program made in the same storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from search import SearchError, StudyConfig
from search.child.messages import Ready
from search.oracle import OptunaOracle
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.storage.studies import Studies
from search.storage.study_attributes import has_our_attributes, is_ours
from search.study.choice import Chosen
from search.study.opening import open_study
from search.study.widening import Space
from tracking import Store

SPACE = (Parameter(name="size", kind="Int", default=2, low=1, high=9),)
READY = Ready(
    space=SPACE,
    first=SpaceAdapter(SPACE).defaults(),
    dataset=None,
    workers=1,
    threads=1,
    warnings=(),
    devices=(),
)
CHOSEN = Chosen(
    space=Space(parameters=()),
    sampler=optuna.samplers.RandomSampler(seed=1),
    pruner=optuna.pruners.NopPruner(),
    enqueue=(),
    recipes=(),
    history=None,
)


def _storage(folder: Path) -> optuna.storages.RDBStorage:
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}")


def _stop(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _stopped_at(place: str, storage: optuna.storages.RDBStorage) -> None:
    """Begin a study, and stop where something is called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, _stop)
        with pytest.raises(KeyboardInterrupt):
            open_study(StudyConfig(name="mine"), storage, READY, CHOSEN)


def test_a_study_of_another_program_is_not_taken_over(tmp_path: Path) -> None:
    storage = _storage(tmp_path)
    foreign = optuna.create_study(storage=storage, study_name="mine")
    foreign.add_trial(optuna.trial.create_trial(value=0.1))
    with pytest.raises(SearchError, match=r"another program made .mine. .* with 1 trial"):
        open_study(StudyConfig(name="mine"), storage, READY, CHOSEN)
    again = optuna.load_study(storage=storage, study_name="mine")
    assert not is_ours(again)
    assert len(again.trials) == 1


def test_nor_is_one_that_has_no_trials_yet(tmp_path: Path) -> None:
    storage = _storage(tmp_path)
    optuna.create_study(storage=storage, study_name="other way", direction="maximize")
    named = optuna.create_study(storage=storage, study_name="with a note")
    named.set_user_attr("made by", "somebody else")
    optuna.create_study(storage=storage, study_name="as ours")
    for name in ("other way", "with a note", "as ours"):
        with pytest.raises(SearchError, match=r"another program made .* with 0 trials"):
            open_study(StudyConfig(name=name), storage, READY, CHOSEN)
    assert dict(optuna.load_study(storage=storage, study_name="with a note").user_attrs) == {
        "made by": "somebody else"
    }


def test_a_study_of_another_program_is_told_as_one_where_a_command_names_it(tmp_path: Path) -> None:
    optuna.create_study(storage=_storage(tmp_path), study_name="theirs")
    studies = Studies(Store(tmp_path))
    with pytest.raises(SearchError, match=r"another program made 'theirs'.* Ours: none"):
        studies.get("theirs")
    with pytest.raises(SearchError, match=r"must exist, but got 'no'. Known: none"):
        studies.get("no")


def test_nor_by_a_tuner(tmp_path: Path) -> None:
    foreign = optuna.create_study(storage=_storage(tmp_path / "home"), study_name="mine")
    foreign.add_trial(optuna.trial.create_trial(value=0.1))
    with pytest.raises(SearchError, match="another program made"):
        OptunaOracle("val_loss", study="mine", home=tmp_path / "home")


def test_a_study_that_was_stopped_before_its_settings_were_stored_goes_on(tmp_path: Path) -> None:
    storage = _storage(tmp_path)
    _stopped_at("search.study.opening.write_dataset", storage)
    study = open_study(StudyConfig(name="mine"), storage, READY, CHOSEN)
    assert is_ours(study)
    assert len(study.trials) == 1  # the baseline, queued


def test_a_study_is_marked_as_ours_from_its_first_moment_on(tmp_path: Path) -> None:
    """As where the process is killed while it marks the study: then there is none."""
    storage = _storage(tmp_path)
    _stopped_at("search.storage.writes.new_study.json.dumps", storage)
    assert optuna.get_all_study_names(storage) == []
    _stopped_at("search.storage.creation.optuna.load_study", storage)
    assert has_our_attributes(optuna.load_study(storage=storage, study_name="mine"))
    goal = StudyConfig(name="mine", objectives=("val_rmse", "parameters"), pruner="none")
    with pytest.raises(SearchError, match="another program made"):
        open_study(goal, storage, READY, CHOSEN)
    assert is_ours(open_study(StudyConfig(name="mine"), storage, READY, CHOSEN))


def test_a_study_without_a_value_may_be_begun_anew(tmp_path: Path) -> None:
    """As after a fault of its model: the refusal of other settings names the way."""
    storage = _storage(tmp_path)
    study = open_study(StudyConfig(name="mine"), storage, READY, CHOSEN)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    other = StudyConfig(name="mine", epochs=7)
    with pytest.raises(SearchError, match=r"or begin anew: `trialbook delete mine`"):
        open_study(other, storage, READY, CHOSEN)
    study.tell(study.ask(), 0.5)
    with pytest.raises(SearchError, match=r"or put it back\.$"):
        open_study(other, storage, READY, CHOSEN)
