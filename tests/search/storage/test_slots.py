"""Seeds and slots."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from search.samplers.factory import make_sampler
from search.seeds import derive_seed
from search.space.parameters import Parameter
from search.storage.queue import requeue
from search.storage.slots import slot_of
from search.storage.trial_attributes import Key
from search.storage.trials import finished, running, state_of
from tracking import TrialRecord

KILLED_RECORD = TrialRecord(
    study="s", number=0, params={}, state="killed", end_reason="interrupted"
)


def _study(sampler: str = "random") -> optuna.Study:
    space = (
        Parameter(name="x", kind="Float", default=0.5, low=0, high=1),
        Parameter(name="n", kind="Int", default=1, low=1, high=4),
    )
    return optuna.create_study(sampler=make_sampler(sampler, 5, space=space))


def test_a_retry_keeps_its_slot_and_later_trials_close_the_gap() -> None:
    study = _study()
    values = []
    for number in range(3):
        trial = study.ask()
        values.append(trial.suggest_float("x", 0, 1))
        if number == 1:
            requeue(study, study.get_trials(deepcopy=False)[1], KILLED_RECORD)
        else:
            study.tell(trial, values[-1])
    trials = study.get_trials(deepcopy=False)
    assert [t.state.name for t in trials] == [
        "COMPLETE",
        "FAIL",
        "COMPLETE",
    ]
    assert trials[2].user_attrs[Key.RETRY_OF] == 1
    assert trials[2].params == trials[1].params
    following = study.ask()
    assert slot_of(study, study.get_trials(deepcopy=False)[following.number]) == 2


def test_what_was_queued_outlives_a_stop_before_its_parameters_were_stored() -> None:
    study = _study()
    study.enqueue_trial({"x": 0.25})
    study.ask()  # and stopped at once
    requeue(study, study.get_trials(deepcopy=False)[0], KILLED_RECORD)
    again = study.ask()
    assert again.suggest_float("x", 0, 1) == 0.25
    assert 1 <= again.suggest_int("n", 1, 4) <= 4


def test_an_interrupted_random_study_proposes_the_same() -> None:
    whole, cut = _study(), _study()
    expected = [whole.ask().suggest_float("x", 0, 1) for _ in range(5)]
    got = []
    while len(got) < 5:
        trial = cut.ask()
        x = trial.suggest_float("x", 0, 1)
        if trial.number in (1, 3):
            requeue(cut, cut.get_trials(deepcopy=False)[trial.number], KILLED_RECORD)
        else:
            got.append(x)
            cut.tell(trial, x)
    assert got == expected


def test_interrupted_trials_do_not_count_as_finished() -> None:
    study = _study()
    study.ask()
    assert running(study) == 1
    requeue(study, study.get_trials(deepcopy=False)[0], KILLED_RECORD)
    assert finished(study) == 0
    assert state_of(study.get_trials(deepcopy=False)[0]) == "killed"
    study.tell(study.ask(), state=TrialState.PRUNED)
    assert finished(study) == 1


def test_seeds_differ_by_study_slot_and_stream() -> None:
    seeds = {derive_seed(s, k, r) for s in range(5) for k in range(20) for r in (0, 1)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("name", ["local", "tpe", "random", "qmc", "nsga2", "cmaes"])
def test_every_sampler_repeats_a_whole_study(name: str) -> None:
    def run() -> list[float]:
        study = _study(name)
        for _ in range(12):
            trial = study.ask()
            study.tell(trial, trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 4))
        return [t.value for t in study.trials]

    first = run()
    assert run() == first
    assert len(set(first)) > 6
