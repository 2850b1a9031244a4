"""CMA-ES from stored trials: Optuna's proposals, and nothing of a storage is unpickled."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, CmaEsSampler
from optuna.trial import TrialState, create_trial

from search.samplers.factory import make_sampler
from search.samplers.generations import GenerationsSampler, Optimizers
from search.samplers.slot import SlotSampler
from search.space.distributions import SpaceAdapter, optuna_name
from search.space.parameters import Parameter

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*sigma0.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
]

SPACE = (
    Parameter(name="rate", kind="Float", default=0.1, low=1e-4, high=0.5, log=True),
    Parameter(name="width", kind="Int", default=8, low=4, high=64, log=True),
    Parameter(name="drop", kind="Float", default=0.0, low=0.0, high=0.5, step=0.125),
    Parameter(name="shift", kind="Float", default=0.5, low=-1.0, high=1.0),
    Parameter(name="count", kind="Int", default=2, low=1, high=9),
)
PLANNED = {optuna_name(parameter) for parameter in SPACE}


def _ours(options: dict[str, Any]) -> BaseSampler:
    return make_sampler("cmaes", 3, space=SPACE, options=options)


def _optunas(options: dict[str, Any]) -> BaseSampler:
    """What Trialbook made earlier: Optuna's sampler, anew for every slot."""

    def make(seed: int) -> BaseSampler:
        usual = {"n_startup_trials": 6, "warn_independent_sampling": False}
        return CmaEsSampler(seed=seed, **(usual | options))

    return SlotSampler(make, 3, planned=PLANNED)


def _value(params: dict[str, Any]) -> float:
    return (
        math.log(params["rate"] / 0.01) ** 2
        + (params["width"] - 20) ** 2 / 100
        + params["drop"]
        + (params["shift"] - 0.3) ** 2
        + abs(params["count"] - 7)
    )


def _go_on(study: optuna.Study, trials: int, failing: Sequence[int] = ()) -> list[dict[str, Any]]:
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    found = []
    for _ in range(trials):
        trial = study.ask()
        found.append(SpaceAdapter(SPACE).sample(trial))
        if trial.number in failing:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, sign * _value(found[-1]))
    return found


@pytest.mark.parametrize(
    ("options", "direction", "failing"),
    [
        ({}, "minimize", ()),
        ({"popsize": 5, "sigma0": 0.3, "n_startup_trials": 2}, "maximize", ()),
        ({"popsize": 4}, "minimize", (7, 10, 11, 18)),  # 10 and 11 are first of a generation
    ],
)
def test_one_worker_gets_the_proposals_of_optunas_sampler(
    options: dict[str, Any], direction: str, failing: Sequence[int]
) -> None:
    ours, theirs = (
        _go_on(optuna.create_study(direction=direction, sampler=sampler(options)), 48, failing)
        for sampler in (_ours, _optunas)
    )
    assert ours == theirs
    assert median(map(_value, ours[40:])) < median(map(_value, ours[:20]))  # it searches


def test_a_study_that_optunas_sampler_began_goes_on_in_another_process(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'optuna.db'}"
    options = {"popsize": 4}
    sampler = _optunas(options)
    whole = _go_on(optuna.create_study(sampler=sampler), 25)
    begun = _go_on(optuna.create_study(storage=address, study_name="s", sampler=sampler), 16)
    for trials in (5, 4):
        again = optuna.load_study(study_name="s", storage=address, sampler=_ours(options))
        begun += _go_on(again, trials)
    assert begun == whole
    pickled = [
        any(key.startswith("cma:optimizer") for key in trial.system_attrs) for trial in again.trials
    ]
    assert any(pickled[:16])
    assert not any(pickled[16:])


class _Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("generation", [0, 1, "one", None, [1], 10**9, -1])
def test_a_pickle_in_the_storage_is_not_loaded(tmp_path: Path, generation: Any) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(_Trap(sprung)).hex()

    def proposed(sampler: BaseSampler) -> dict[str, Any]:
        study = optuna.create_study(sampler=sampler)
        _go_on(study, 20)
        last = study.trials[-1]
        planted = {"cma:optimizer:0": trap, "cma:generation": generation}
        study.add_trial(
            create_trial(
                value=1.0,
                params=last.params,
                distributions=last.distributions,
                system_attrs=planted,
            )
        )
        return _go_on(study, 1)[0]

    assert set(proposed(_ours({}))) == {parameter.name for parameter in SPACE}
    assert not sprung.exists()
    proposed(_optunas({}))
    assert sprung.exists()  # it is a trap


def test_a_trial_that_ends_late_does_not_change_a_generation_that_was_full() -> None:
    """The first trial of a generation of four ends when the next generation is under way."""
    sampler = _ours({"popsize": 4})
    study = optuna.create_study(sampler=sampler)
    _go_on(study, 6)
    late = study.ask()
    SpaceAdapter(SPACE).sample(late)
    _go_on(study, 5)
    generations = [each.system_attrs.get("cma:generation") for each in study.trials]
    assert generations == [None] * 6 + [0] * 5 + [1]
    asked = study.ask()

    def proposed() -> dict[str, Any]:
        inner = GenerationsSampler(5, {"n_startup_trials": 6, "popsize": 4}, Optimizers())
        trial = study.trials[asked.number]
        return inner.sample_relative(study, trial, inner.infer_relative_search_space(study, trial))

    before = proposed()
    study.tell(late, 0.0)  # the best of all
    assert proposed() == before
