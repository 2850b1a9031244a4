"""Why a trial was ended, in words, with the numbers that decided."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from search.pruners.factory import make_pruner
from search.pruners.median import FORMER
from search.pruners.reasons import reason_of


def _study(name: str, **options: object) -> optuna.Study:
    pruner = make_pruner(name, epochs=27, options=options, usual=FORMER, parts=5)
    return optuna.create_study(study_name="why", pruner=pruner)


def _complete(study: optuna.Study, *values: float) -> None:
    trial = study.ask()
    for epoch, value in enumerate(values, 1):
        trial.report(value, epoch)
    study.tell(trial, values[-1])


def _judged(*values: float) -> FrozenTrial:
    trial = optuna.trial.create_trial(
        state=TrialState.RUNNING, intermediate_values=dict(enumerate(values, 1))
    )
    trial.number = 7
    return trial


def _why(study: optuna.Study, *values: float) -> str:
    trial = _judged(*values)
    assert study.pruner.prune(study, trial)
    return reason_of(study, trial)


def test_the_median_is_that_of_the_trials_that_were_compared() -> None:
    study = _study("median", n_warmup_steps=2, n_startup_trials=4)
    for last in (0.4, 0.5, 0.6, 0.7):
        _complete(study, 0.9, last)
    assert _why(study, 0.9, 0.89) == "worse than the median 0.5500"
    assert _why(study, 0.9, 0.89, 0.88) == "worse than the median 0.5500"  # they ended before


def test_the_median_of_a_number_that_is_maximised_is_no_negative_one() -> None:
    study = optuna.create_study(pruner=_study("median", n_warmup_steps=1).pruner,
                                direction="maximize")  # fmt: skip
    for value in (0.4, 0.5, 0.6, 0.7):
        _complete(study, value)
    assert _why(study, 0.3) == "worse than the median 0.5500"


@pytest.mark.parametrize(("factor", "share"), [(2, "half"), (3, "third"), (5, "1 in 5")])
def test_halving_names_the_rung_and_the_share_that_goes_on(factor: int, share: str) -> None:
    study = _study("asha", min_resource=2, reduction_factor=factor)
    for value in (0.1, 0.2, 0.3):
        running = study.ask()
        for epoch in (1, 2):
            running.report(value, epoch)
            running.should_prune()
    later = study.ask()
    for epoch in (1, 2):
        later.report(0.9, epoch)
    trial = later._cached_frozen_trial
    assert study.pruner.prune(study, trial)
    assert reason_of(study, trial) == f"not among the best {share} at epoch 2"


def test_hyperband_explains_as_the_bracket_does() -> None:
    study = _study("hyperband", min_resource=27, reduction_factor=3)  # one bracket
    assert reason_of(study, _judged(*[0.9] * 27)) == "not among the best third at epoch 27"


def test_patience_is_counted_in_epochs() -> None:
    study = _study("patient", n_warmup_steps=1, patience=3)
    assert _why(study, 0.5, 0.5, 0.5, 0.5) == "no better for 3 epochs"
    one = _study("patient", n_warmup_steps=1, patience=1)
    assert _why(one, 0.5, 0.5) == "no better for 1 epoch"


@pytest.mark.parametrize(
    ("value", "said"), [(1.5, "above 1.2"), (0.1, "below 0.25"), (float("nan"), "no number")]
)
def test_the_end_of_the_range_is_named(value: float, said: str) -> None:
    study = _study("threshold", n_warmup_steps=0, lower=0.25, upper=1.2)
    assert _why(study, value) == said


def test_signed_ranks_are_said_to_be_such_and_what_cannot_be_said_is_not() -> None:
    assert "signed-rank" in reason_of(_study("wilcoxon"), _judged(0.9))
    assert reason_of(_study("none"), _judged(0.9)) == ""
