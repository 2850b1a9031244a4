"""Which candidate is best, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from search.winner.bootstrap import (
    UserErrors,
    bootstrap_rmse,
    doubt,
    interval,
    probability_of_best,
)
from search.winner.verdict import Verdict, judge, score_test, together


def _errors(per_user: NDArray[np.float64], counts: NDArray[np.float64]) -> UserErrors:
    """Errors of `[candidate, repeat, user]` mean squares."""
    return UserErrors(sums=per_user * counts, counts=counts)


def test_rmse_weighs_users_by_their_ratings() -> None:
    errors = UserErrors(sums=np.array([[[9.0, 7.0]]]), counts=np.array([3.0, 1.0]))
    assert errors.rmse().tolist() == [[2.0]]


def test_the_bootstrap_varies_as_users_and_repeats_do() -> None:
    rng = np.random.default_rng(1)
    users = 400
    means = rng.uniform(0.5, 1.5, users)
    one = bootstrap_rmse(_errors(means[None, None], np.ones(users)))
    # The deviation of a mean of squares, through the derivative of the root.
    expected = means.std() / np.sqrt(users) / (2 * np.sqrt(means.mean()))
    assert one.std() == pytest.approx(expected, rel=0.08)
    assert one.mean() == pytest.approx(np.sqrt(means.mean()), rel=0.01)
    same = np.ones(users)
    repeats = np.array([0.81, 1.0, 1.21])  # RMSE 0.9, 1, 1.1
    many = bootstrap_rmse(_errors(repeats[None, :, None] * same, same))
    assert many.std() == pytest.approx(np.std([0.9, 1.0, 1.1]) / np.sqrt(3), rel=0.08)
    assert bootstrap_rmse(_errors(means[None, None], np.ones(users))).tolist() == one.tolist()


def test_a_candidate_that_is_always_better_is_best_for_sure() -> None:
    rng = np.random.default_rng(2)
    base = rng.uniform(0.5, 1.5, (1, 1, 300))
    errors = _errors(np.concatenate([base * 1.1, base, base * 1.2]), np.full(300, 4.0))
    chances = probability_of_best(bootstrap_rmse(errors))
    assert chances.tolist() == [0.0, 1.0, 0.0]
    judged, tie = judge([(0, True, 0.9), (4, False, 0.8), (7, False, 0.8)], errors)
    assert [c.number for c in judged] == [4, 0, 7]
    assert tie == ()


def test_candidates_that_differ_by_luck_alone_tie() -> None:
    rng = np.random.default_rng(3)
    errors = _errors(rng.uniform(0.5, 1.5, (3, 4, 300)), np.full(300, 4.0))
    judged, tie = judge([(0, True, 0.9), (1, False, 0.9), (2, False, 0.9)], errors)
    assert set(tie) == {0, 1, 2}
    assert sum(c.probability for c in judged) == pytest.approx(1.0)


def test_equal_predictors_are_claimed_to_differ_about_once_in_a_hundred() -> None:
    rng = np.random.default_rng(4)
    claims = 0
    for number in range(300):
        users = rng.uniform(0.5, 1.5, (1, 1, 200))
        errors = _errors(users + rng.normal(0, 0.2, (2, 1, 200)), np.full(200, 3.0))
        draws = bootstrap_rmse(errors, draws=1000, seed=number)
        claims += doubt(draws[:, 0], draws[:, 1]) < 0.01
    assert claims <= 10  # 3 expected; more than 10 once in 4,000 tries


def test_a_p_value_is_never_nothing() -> None:
    assert doubt(np.zeros(99), np.ones(99)) == pytest.approx(0.01)
    assert doubt(np.ones(99), np.ones(99)) == 1.0
    assert interval(np.arange(1001.0)) == (25.0, 975.0)


def test_what_was_scored_once_stands_beside_every_repeat() -> None:
    parts = [[np.array([1.0, 0.0, 4.0]), np.array([3.0, 0.0, 2.0])], [np.array([2.0, 0.0, 2.0])]]
    errors = together(parts, np.array([1.0, 0.0, 2.0]))
    assert errors.sums.tolist() == [[[1.0, 4.0], [3.0, 2.0]], [[2.0, 2.0], [2.0, 2.0]]]
    assert errors.counts.tolist() == [1.0, 2.0]


def test_the_winner_beats_what_it_is_better_than_and_a_verdict_survives_json() -> None:
    rng = np.random.default_rng(5)
    base = rng.uniform(0.5, 1.5, (1, 2, 300))
    errors = _errors(np.concatenate([base, base * 1.1, base]), np.full(300, 4.0))
    test = score_test(["winner", "global_mean", "biases"], errors)
    judged, tie = judge([(3, False, 0.9)], _errors(base, np.full(300, 4.0)))
    verdict = Verdict(
        study="s", number=3, tie=tie, candidates=judged, test=test, seeds=(1, 2), opened="now"
    )
    assert verdict.beats("global_mean") is True
    assert verdict.beats("biases") is False
    assert verdict.beats("baseline") is None
    assert not verdict.beats_trivial
    assert Verdict.from_json(verdict.to_json()) == verdict
