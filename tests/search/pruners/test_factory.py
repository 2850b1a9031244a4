"""Pruners by name: whom they end, by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import optuna
import pytest
from optuna.trial import FrozenTrial

from search import SearchError, StudyConfig
from search.pruners.factory import make_pruner
from search.pruners.median import FORMER, OTHERS, RATINGS, Usual
from search.pruners.peers import peers_of, same_shape
from search.pruners.warm_up import WarmUp, first_judged, warm_up
from search.storage.trial_attributes import Key
from search.study.choice import usual_of


def _goes_on(
    study: optuna.Study,
    trial: optuna.Trial,
    epoch: int,
    value: float,
    alike: Callable[[FrozenTrial], bool] = lambda other: True,
) -> bool:
    """Report as a study does, and ask its pruner."""
    frozen = trial._cached_frozen_trial
    frozen.intermediate_values[epoch] = value
    study._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
    peers = cast("optuna.Study", peers_of(study, frozen, alike))
    return not study.pruner.prune(peers, frozen)


def _study(name: str, usual: Usual = RATINGS, **options: object) -> optuna.Study:
    # Hyperband's brackets go by the name, which Optuna would draw at random.
    pruner = make_pruner(name, epochs=9, options=options, usual=usual)
    return optuna.create_study(study_name="nine epochs", pruner=pruner)


def test_asha_lets_the_better_half_past_each_rung() -> None:
    study = _study("asha", min_resource=1, reduction_factor=2)
    first, second, third, fourth = (study.ask() for _ in range(4))
    assert _goes_on(study, first, 1, 0.50)  # alone
    assert not _goes_on(study, second, 1, 0.60)  # of 0.5, 0.6 the first one passes
    assert _goes_on(study, third, 1, 0.40)
    assert _goes_on(study, third, 2, 0.30)  # the first at rung 2
    assert _goes_on(study, third, 3, 0.45)  # no rung
    assert not _goes_on(study, first, 2, 0.35)  # of 0.3, 0.35
    assert _goes_on(study, fourth, 1, 0.45)  # of 0.4, 0.45, 0.5, 0.6 two pass: 0.4 and 0.45
    rungs = [t.system_attrs.get("completed_rung_1") for t in study.get_trials()]
    assert rungs == [0.35, None, 0.30, None]


def test_hyperband_judges_within_a_trials_bracket() -> None:
    study = _study("hyperband", min_resource=1, reduction_factor=3)
    ended = []
    for number in range(12):
        trial = study.ask()
        ended.append(not _goes_on(study, trial, 1, 1.0 + number))
        study.tell(trial, 1.0 + number)
    assert any(ended)
    assert not all(ended)  # a bracket begins later than the first epoch


def test_hyperband_compares_full_batch_trials_with_one_another() -> None:
    """Every mini-batch trial is far ahead; a full-batch one that is the first of its kind stays."""
    study = _study("hyperband", min_resource=4, reduction_factor=3)  # one bracket of nine epochs
    for number in range(9):
        small = study.ask()
        small.set_user_attr(Key.PLAN, {"values": {"batch_size": "64"}})
        _goes_on(study, small, 4, 0.5 + number / 10)
        study.tell(small, 0.5)
    full, worse = study.ask(), study.ask()
    params = {"batch_size": "full"}
    for trial in (full, worse):
        trial.set_user_attr(Key.PLAN, {"values": params})
    assert _goes_on(study, full, 4, 2.0, partial(same_shape, params))
    assert not _goes_on(study, worse, 4, 2.1, partial(same_shape, params))


def test_hyperbands_brackets_have_optunas_shares_and_keep_through_an_interruption() -> None:
    """Of 9 epochs by 3: ceil(3 * 9 / 3), ceil(3 * 3 / 2) and 3 of 17 trials."""
    study = _study("hyperband", min_resource=1, reduction_factor=3)
    bracket = study.pruner._small._bracket
    asked = [study.ask() for _ in range(1700)]
    found = [bracket("s", trial._cached_frozen_trial) for trial in asked]
    shares = [found.count(number) / 100 for number in range(3)]
    assert shares == pytest.approx([9, 5, 3], abs=1.0)
    again = optuna.trial.create_trial(value=1.0, user_attrs={Key.SLOT: 7})
    assert bracket("s", again) == found[7]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_former_median_spares_what_would_reach_it_with_two_more_gains_like_the_last(
    direction: str,
) -> None:
    sign = 1.0 if direction == "minimize" else -1.0
    pruner = make_pruner("median", epochs=9, options={"n_warmup_steps": 2}, usual=FORMER)
    study = optuna.create_study(pruner=pruner, direction=direction)
    for value in (0.4, 0.5, 0.6, 0.7):  # each at its best after one epoch: the median is 0.55
        done = study.ask()
        for epoch in (1, 2, 3, 4):
            assert _goes_on(study, done, epoch, sign * value)
        study.tell(done, sign * value)

    def went_on(*values: float) -> list[bool]:
        trial = study.ask()
        return [_goes_on(study, trial, n, sign * value) for n, value in enumerate(values, 1)]

    assert went_on(0.9, 0.54) == [True, True]  # below the median
    assert went_on(0.9, 0.76, 0.66, 0.64) == [True, True, True, False]  # 0.48, 0.46, then 0.6
    assert went_on(0.9, 0.79) == [True, False]  # 0.57
    assert went_on(0.6, 0.60) == [True, False]  # no gain


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_median_asks_two_complete_trials_and_grants_twelve_more_gains(direction: str) -> None:
    sign = 1.0 if direction == "minimize" else -1.0
    pruner = make_pruner("median", epochs=9, options={"n_warmup_steps": 2})
    study = optuna.create_study(pruner=pruner, direction=direction)

    def went_on(*values: float) -> list[bool]:
        trial = study.ask()
        return [_goes_on(study, trial, n, sign * value) for n, value in enumerate(values, 1)]

    for value in (0.4, 0.6):
        assert went_on(0.9, 0.9, 0.9) == [True, True, True]  # there is too little to compare with
        done = study.ask()
        _goes_on(study, done, 1, sign * value)
        study.tell(done, sign * value)
    assert went_on(0.9, 0.866) == [True, True]  # 0.866 - 12 x 0.034 = 0.458
    assert went_on(0.9, 0.88, 0.855) == [True, False, False]  # 0.88 - 0.24 = 0.64, 0.555
    assert went_on(0.6, 0.60) == [True, False]  # no gain


@pytest.mark.parametrize(
    ("rates", "mark", "usual"),
    [
        ("ratings", 3, RATINGS),
        ("mine:Model", 3, OTHERS),
        ("ratings", 2, FORMER),
        ("ratings", None, RATINGS),
    ],
)
def test_a_stored_study_keeps_the_pruner_that_it_was_made_with(
    rates: str, mark: int | None, usual: Usual
) -> None:
    own = None
    if mark is not None:
        own = optuna.create_study()
        own.set_user_attr("trialbook:config", {})
        own.set_user_attr("trialbook:ours", mark)
    assert usual_of(StudyConfig(model=rates), own) == usual


def test_the_median_is_of_those_too_that_ended_before() -> None:
    study = _study("median", FORMER, n_warmup_steps=2)
    for value in (0.4, 0.5, 0.6, 0.7):
        done = study.ask()
        for epoch in (1, 2, 3):
            assert _goes_on(study, done, epoch, value + 1 / epoch)
        study.tell(done, value)
    trial = study.ask()  # their median is 0.55 + 1 / 3 = 0.883 from the third epoch on
    values = [3.0, 2.0, 0.87, 0.87, 0.86, 0.85]
    went_on = [_goes_on(study, trial, epoch, value) for epoch, value in enumerate(values, 1)]
    assert went_on == [True, True, True, True, True, True]
    late = study.ask()
    values = [3.0, 2.0, 1.3, 1.05, 0.95, 0.93]  # by two gains more: 0, -0.1, 0.55, 0.75, 0.89
    went_on = [_goes_on(study, late, epoch, value) for epoch, value in enumerate(values, 1)]
    assert went_on == [True, True, True, True, True, False]


def test_a_median_without_warm_up_ends_at_the_first_epoch() -> None:
    study = _study("median", FORMER, n_warmup_steps=0)
    for value in (0.4, 0.5, 0.6, 0.7):
        trial = study.ask()
        _goes_on(study, trial, 1, value)
        study.tell(trial, value)
    assert not _goes_on(study, study.ask(), 1, 0.56)
    assert _goes_on(study, study.ask(), 1, 0.54)


def test_patience_ends_what_no_longer_improves() -> None:
    study = _study("patient", patience=2, min_delta=0.05, n_warmup_steps=0)
    trial = study.ask()
    values = [1.0, 0.9, 0.88, 0.86, 0.84]  # by 0.12 in two epochs, then by 0.04 twice
    went_on = [_goes_on(study, trial, epoch, value) for epoch, value in enumerate(values, 1)]
    assert went_on == [True, True, True, False, False]


def test_a_threshold_ends_what_is_beyond_it_after_its_warm_up() -> None:
    study = _study("threshold", upper=2.0, n_warmup_steps=2)
    trial = study.ask()
    assert _goes_on(study, trial, 1, 3.0)
    assert not _goes_on(study, trial, 2, 3.0)


def test_wilcoxon_ends_what_is_worse_step_for_step() -> None:
    study = _study("wilcoxon", p_threshold=0.1, n_startup_steps=2)
    best = study.ask()
    for epoch in range(1, 9):
        assert _goes_on(study, best, epoch, 0.5)
    study.tell(best, 0.5)
    worse = study.ask()
    went_on = [_goes_on(study, worse, epoch, 0.6 + epoch / 100) for epoch in range(1, 9)]
    assert went_on[0]
    assert not went_on[-1]


def test_the_best_of_other_shape_and_the_reports_before_a_step_do_not_count() -> None:
    study = optuna.create_study()
    for value, size in ((0.2, "64"), (0.5, "full"), (0.4, "full")):
        trial = study.ask()
        trial.set_user_attr("trialbook:plan", {"values": {"batch_size": size}})
        for epoch in (1, 2, 3):
            trial.report(value + 1 / epoch, epoch)
        study.tell(trial, value)
    judged = study.ask()._cached_frozen_trial
    alike = partial(same_shape, {"batch_size": "full"})
    best = peers_of(study, judged, alike, 2).best_trial
    assert best.value == 0.4
    assert sorted(best.intermediate_values) == [2, 3]
    assert sorted(study.trials[2].intermediate_values) == [1, 2, 3]
    with pytest.raises(ValueError, match="empty"):
        _ = peers_of(study, judged, lambda other: False).best_trial


def test_the_first_judged_epoch_follows_the_options() -> None:
    assert first_judged("median", {}) == 15
    assert first_judged("median", {"n_warmup_steps": 0}) == 1
    assert first_judged("asha", {"min_resource": 3}) == 3
    assert first_judged("hyperband", {}) == 15
    assert first_judged("patient", {}) == 15
    assert first_judged("patient", {"n_warmup_steps": 6}) == 6
    assert first_judged("patient", {}, small=True) == 4
    assert first_judged("asha", {}, small=True) == 4
    assert first_judged("median", {"n_warmup_steps": 9}, small=True) == 9
    assert first_judged("hyperband", {}, small=True) == 4


def test_two_epochs_of_warm_up_are_enough_where_they_have_a_thousand_steps() -> None:
    many, few = WarmUp(least=2, rows=5_000_000), WarmUp(least=2, rows=90_000)
    # 19,532, 1,221 and 306 steps an epoch; then 352 and 88
    assert [many.epochs(size) for size in (256, 4_096, 16_384)] == [2, 2, 4]
    assert [few.epochs(size) for size in (256, 1_024)] == [3, 4]
    assert WarmUp(least=2, rows=0).epochs(256) == 4
    assert WarmUp(rows=5_000_000).epochs(256) == 4
    assert first_judged("median", {}, small=True, epochs=2) == 2
    assert first_judged("median", {}, epochs=2) == 15
    assert first_judged("asha", {}, small=True, epochs=2) == 4
    assert first_judged("median", {"n_warmup_steps": 6}, small=True, epochs=2) == 6


def test_patience_begins_after_the_warm_up() -> None:
    study = _study("patient", patience=2)
    full, small = study.ask(), study.ask()
    small.set_user_attr(Key.PLAN, {"values": {"batch_size": "64"}})
    went_on = [
        [_goes_on(study, trial, epoch, 1.0) for epoch in range(1, 17)] for trial in (full, small)
    ]
    assert went_on == [[True] * 14 + [False] * 2, [True] * 3 + [False] * 13]


def test_the_warm_up_lasts_to_the_end_of_the_stage_that_it_falls_into() -> None:
    assert [warm_up([], small=small) for small in (False, True)] == [15, 4]
    assert [warm_up([[0.1, 10], [0.3, 10]], small=small) for small in (False, True)] == [20, 10]
    assert [warm_up([[0.1, 2], [0.3, 3]], small=small) for small in (False, True)] == [15, 5]
    assert first_judged("asha", {}, growth=[[0.1, 20]]) == 20
    assert first_judged("asha", {"min_resource": 3}, growth=[[0.1, 20]]) == 3


def test_the_first_rung_is_the_end_of_a_stage() -> None:
    growth = [[0.2, 6], [0.5, 6]]
    study = optuna.create_study(pruner=make_pruner("asha", epochs=40, growth=growth))
    first, second = study.ask(), study.ask()
    for trial in (first, second):
        trial.set_user_attr(Key.PLAN, {"values": {"batch_size": "64"}})
    assert all(_goes_on(study, first, epoch, 0.5) for epoch in range(1, 13))
    went_on = [_goes_on(study, second, epoch, 0.6) for epoch in range(1, 7)]
    assert went_on == [True] * 5 + [False]
    assert first_judged("hyperband", {}, growth=growth, small=True) == 6
    assert first_judged("hyperband", {}, growth=[[0.2, 18]]) == 18


@pytest.mark.parametrize(("parts", "threshold"), [(2, 0.9), (3, 0.25), (4, 0.1)])
def test_signed_ranks_of_too_few_parts_are_refused(parts: int, threshold: float) -> None:
    """Of n values that are all worse p is 2 to the power of -n; the last part ends it anyway."""
    with pytest.raises(SearchError, match=rf"before the last of its {parts} parts"):
        make_pruner("wilcoxon", epochs=9, options={"p_threshold": threshold}, parts=parts)
    for enough in (1, 5):
        make_pruner("wilcoxon", epochs=9, parts=enough)
    make_pruner("wilcoxon", epochs=9, options={"p_threshold": 0.3}, parts=3)


@pytest.mark.parametrize(("batch_size", "rung"), [("256", 4), ("full", 15), (None, 15)])
def test_rungs_count_from_the_warm_up_of_a_trials_shape(batch_size: str | None, rung: int) -> None:
    study = _study("asha")
    values = {} if batch_size is None else {"batch_size": batch_size}
    first, second = study.ask(), study.ask()
    for trial in (first, second):
        trial.set_user_attr(Key.PLAN, {"values": values})
    assert all(_goes_on(study, first, epoch, 0.5) for epoch in range(1, 46))
    went_on = [_goes_on(study, second, epoch, 0.6) for epoch in range(1, rung + 1)]
    assert went_on == [True] * (rung - 1) + [False]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("threshold", {}, r"needs `lower` or `upper`, but got neither"),
        ("threshold", {"lower": 2, "upper": 1}, r"no greater than its `upper`, but got 2 and 1"),
        ("hyperband", {}, r"at least as many epochs as its `min_resource`, but got 9 and 15"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(SearchError, match=message):
        make_pruner(name, epochs=9, options=options)
