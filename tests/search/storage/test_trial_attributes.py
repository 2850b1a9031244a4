"""What a trial's attributes are written and read back as, in memory and in a database."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial

from search.storage.new_attributes import attributes_of_queued
from search.storage.run_identifiers import RunIdentifiers
from search.storage.studies import Studies
from search.storage.trial_attributes import (
    Key,
    TrialOutcome,
    TrialPlan,
    given_slot,
    has_plan,
    outcome_of,
    owner_of_trial,
    plan_of,
    recipe_of,
    retry_of,
    write_end_of_another,
    write_outcome,
    write_owner,
    write_plan,
    write_slot,
)
from tracking import BEYOND, EpochRecord, Store, Tag, TrialRecord


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "memory":
        return InMemoryStorage()
    return RDBStorage(f"sqlite:///{tmp_path}/optuna.db")


@pytest.fixture
def study(storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s")


def _stored(study: optuna.Study, number: int = 0) -> FrozenTrial:
    """The trial as another process reads it."""
    again = optuna.load_study(study_name="s", storage=study._storage)
    return again.get_trials()[number]


RECORD = TrialRecord(
    study="s",
    number=0,
    params={"layers": 2},
    state="pruned",
    end_reason="pruned",
    message="It was behind.",
    value=0.875,
    metrics={"best_epoch": 2.0, "parameters": 7.0},
    tags={Tag.TRAINER: "fast", BEYOND: "true"},
    epochs=(
        EpochRecord(epoch=1, seconds=0.123456, metrics={"val_rmse": 1.5}),
        EpochRecord(epoch=2, seconds=0.5, metrics={"val_rmse": 0.875}),
    ),
    run_id="r",
)


def test_a_plan_is_read_back_as_it_was_written(study: optuna.Study) -> None:
    plan = TrialPlan(
        values={"family": "mlp", "layers": 2, "learning_rate": 0.02, "flag": True},
        seed=7,
        preset="baseline",
        epochs=100,
        run_id="r",
        tags={Tag.THREADS.value: "2"},
        folder="somewhere",
    )
    trial = study.ask()
    assert not has_plan(_stored(study))
    write_plan(trial, plan)
    assert plan_of(trial) == plan_of(_stored(study)) == plan
    assert has_plan(_stored(study))
    assert plan.threads == 2


def test_a_trial_without_a_plan_has_an_empty_one(study: optuna.Study) -> None:
    study.ask()
    assert plan_of(_stored(study)) == TrialPlan()
    assert TrialPlan().threads is None


def test_a_plan_as_the_version_before_stored_it_is_read(study: optuna.Study) -> None:
    """Under the same name, a dict of these keys."""
    stored = {
        "seed": 42, "preset": None, "epochs": 12, "run_id": "abc", "folder": "somewhere",
        "tags": {"trialbook.threads": "4"}, "values": {"family": "gmf", "factors": 2},
    }  # fmt: skip
    study.ask().set_user_attr("trialbook:plan", stored)
    plan = plan_of(_stored(study))
    assert (plan.seed, plan.preset, plan.epochs, plan.run_id) == (42, None, 12, "abc")
    assert plan.values == {"family": "gmf", "factors": 2}
    assert plan.threads == 4
    assert plan.folder == "somewhere"


def test_a_plan_lacks_what_a_version_before_did_not_store(study: optuna.Study) -> None:
    study.ask().set_user_attr("trialbook:plan", {"seed": 1, "values": {}})
    assert plan_of(_stored(study)) == TrialPlan(seed=1)


@pytest.mark.parametrize("by_another", [False, True])
def test_an_outcome_is_read_back_as_the_record_had_it(
    study: optuna.Study, by_another: bool
) -> None:
    trial = study.ask()
    if by_another:
        assert write_end_of_another(study, _stored(study), RECORD)
        assert not write_end_of_another(study, _stored(study), replace(RECORD, message="late"))
    else:
        write_outcome(trial, RECORD)
    outcome = outcome_of(_stored(study))
    assert (outcome.state, outcome.end_reason, outcome.message) == (
        "pruned", "pruned", "It was behind.",
    )  # fmt: skip
    assert (outcome.value, outcome.beyond, outcome.trainer) == (0.875, True, "fast")
    assert outcome.metrics == {"best_epoch": 2.0, "parameters": 7.0}
    assert outcome.epochs == (
        EpochRecord(epoch=1, seconds=0.1235, metrics={"val_rmse": 1.5}),  # to a tenth of a ms
        EpochRecord(epoch=2, seconds=0.5, metrics={"val_rmse": 0.875}),
    )


def test_numbers_of_numpy_are_stored_as_those_of_python(study: optuna.Study) -> None:
    epoch = EpochRecord(epoch=1, seconds=0.5, metrics={"val_rmse": np.float64(0.5)})
    record = TrialRecord(study="s", number=0, params={}, state="complete", epochs=(epoch,))
    write_outcome(study.ask(), record)
    (read,) = outcome_of(_stored(study)).epochs
    assert type(read.metrics["val_rmse"]) is float


def test_a_trial_without_an_outcome_was_killed(study: optuna.Study) -> None:
    study.ask()
    assert outcome_of(_stored(study)) == TrialOutcome(state="killed")


@pytest.mark.parametrize(
    ("stored", "infeasible"),
    [
        ({"end_reason": "limit"}, True),
        ({"end_reason": "limit", "curve": [[1, 0.5, {}]]}, False),  # it trained for a while
        ({"end_reason": "limit", "metrics": {"seconds_train": 2.0}}, False),  # inside epoch 1
        ({"end_reason": "epochs"}, False),
    ],
)
def test_what_a_limit_kept_from_training_is_infeasible(stored: dict, infeasible: bool) -> None:
    assert TrialOutcome(**stored).is_infeasible is infeasible


def test_a_queued_trial_keeps_the_slot_that_it_was_given(study: optuna.Study) -> None:
    attributes = attributes_of_queued(slot=3, retry_of=1, recipe="gmf")
    assert set(attributes) == {Key.SLOT, Key.RETRY_OF, Key.RECIPE}
    study.enqueue_trial({}, user_attrs=attributes)
    trial = study.ask()
    write_slot(trial, 9)
    stored = _stored(study)
    assert (given_slot(stored), retry_of(stored), recipe_of(stored)) == (3, 1, "gmf")
    assert attributes_of_queued() == {}


def test_a_trial_that_was_not_queued_gets_a_slot_and_an_owner(study: optuna.Study) -> None:
    trial = study.ask()
    stored = _stored(study)
    assert (given_slot(stored), retry_of(stored), recipe_of(stored)) == (None, None, None)
    assert owner_of_trial(stored) is None
    write_slot(trial, 0)
    write_owner(trial, {"host": "h", "pid": 1, "started": 0.5})
    assert given_slot(_stored(study)) == 0
    assert owner_of_trial(_stored(study)) == {"host": "h", "pid": 1, "started": 0.5}


def test_a_run_that_another_process_made_of_an_ended_trial_is_seen(tmp_path: Path) -> None:
    """Also where this process has read the trial after its end, and reads it no more."""
    address = f"sqlite:///{tmp_path}/optuna.db"
    ours, theirs = (
        optuna.create_study(storage=RDBStorage(address), study_name="s", load_if_exists=True)
        for _ in range(2)
    )
    ours.tell(ours.ask(), 1.0)
    assert len(ours.get_trials()) == len(theirs.get_trials()) == 1
    own = RunIdentifiers(ours, nullcontext)
    with own.making("s", 0) as known:
        assert known is None
    RunIdentifiers(theirs, nullcontext).trial("s", 0, "theirs")
    with own.making("s", 0) as known:
        assert known == "theirs"


def test_a_trials_run_is_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    """A run is looked for and made in one step, so that two processes never both make one."""
    address = f"sqlite:///{tmp_path}/optuna.db"
    study = optuna.create_study(storage=RDBStorage(address), study_name="s")
    study.tell(study.ask(), 1.0)
    made: list[str] = []
    both = threading.Barrier(2)

    def make(name: str) -> None:
        studies = Studies(Store(tmp_path))
        told = studies.identifiers(optuna.load_study(study_name="s", storage=studies.storage))
        both.wait()
        with told.making("s", 0) as known:
            if known is None:
                time.sleep(0.3)
                made.append(name)
                told.trial("s", 0, name)

    threads = [threading.Thread(target=make, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
