"""Which candidate is best, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from search.verdict.uncertainty import (
    UserErrors,
    _freedom,
    _users_part,
    doubt,
    drawn_rmse,
    interval,
    probability_of_best,
)
from search.verdict.verdict import Verdict, judge, score_test, together


def _errors(per_user: NDArray[np.float64], counts: NDArray[np.float64]) -> UserErrors:
    """Errors of `[candidate, repeat, user]` mean squares."""
    return UserErrors(sums=per_user * counts, counts=counts)


def test_rmse_weighs_users_by_their_ratings() -> None:
    errors = UserErrors(sums=np.array([[[9.0, 7.0]]]), counts=np.array([3.0, 1.0]))
    assert errors.rmse().tolist() == [[2.0]]


def test_a_draw_varies_as_the_mean_does_over_users() -> None:
    rng = np.random.default_rng(1)
    users = 400
    means = rng.uniform(0.5, 1.5, users)
    one = drawn_rmse(_errors(means[None, None], np.ones(users)))
    # The deviation of a mean of squares, through the derivative of the root.
    expected = means.std() / np.sqrt(users) / (2 * np.sqrt(means.mean()))
    assert one.std() == pytest.approx(expected, rel=0.03)
    assert one.mean() == pytest.approx(np.sqrt(means.mean()), rel=0.01)
    assert drawn_rmse(_errors(means[None, None], np.ones(users))).tolist() == one.tolist()


def test_few_repeats_are_judged_by_the_t_distribution() -> None:
    """Quantiles of t from Student's table: 1 and 6.314 with one degree of freedom, 2.920 with 2."""
    same = np.ones(400)

    def quantiles(rmse: list[float], *at: float) -> list[float]:
        squares = np.square(rmse)[None, :, None] * same
        return [float(each) for each in np.quantile(drawn_rmse(_errors(squares, same)), at)]

    # Two repeats, 0.99 and 1.01: the mean's standard error is 0.01.
    assert quantiles([0.99, 1.01], 0.5, 0.75) == pytest.approx([1.0, 1.01], abs=3e-4)
    assert quantiles([0.99, 1.01], 0.95) == pytest.approx([1.06314], abs=6e-3)
    # Three, 0.9, 1 and 1.1: a deviation of 0.1, a standard error of 0.1 / sqrt(3).
    assert quantiles([0.9, 1.0, 1.1], 0.95) == pytest.approx([1.1686], abs=6e-3)


def test_noise_of_each_score_is_counted_once() -> None:
    """What differs from repeat to repeat is in the seeds' part, and not in the users' as well."""
    rng = np.random.default_rng(6)
    counts = np.ones(500)
    parts = [
        _users_part(_errors(1 + 0.3 * rng.standard_normal((1, 40, 500)), counts)).item()
        for _ in range(20)
    ]
    alone = 0.3**2 / 500 / 40 / 4  # of the mean of 40 repeats, through the derivative 1/2
    assert abs(np.mean(parts)) < 0.2 * alone


def test_a_user_with_many_ratings_counts_as_what_it_is() -> None:
    """By hand: users with a quarter, a quarter and half of the ratings.

    Their deviations vary by 1 - 2 w + 3/8: 7/8, 7/8 and 3/8, so that the squared deviations 1, 0
    and 1/4 count 1/16 / (7/8) = 1/14 and 1/4 / (3/8) = 2/3 times. The derivative of the root is
    1/2. Degrees of freedom: (2 * 3/14 + 2/3)^2 / (2 * 8/14^2 + (2/14 + 2/3)^2) = 529 / 325.
    """
    counts = np.array([1.0, 1.0, 2.0])
    part = _users_part(_errors(np.array([[[2.0, 1.0, 0.5]]]), counts))
    assert part.item() == pytest.approx((1 / 14 + 2 / 3 / 4) / 4)
    assert _freedom(counts) == pytest.approx(529 / 325)


def test_users_with_equally_many_ratings_have_the_usual_degrees_of_freedom() -> None:
    assert _freedom(np.full(2, 7.0)) == pytest.approx(1)
    assert _freedom(np.full(60, 7.0)) == pytest.approx(59)
    assert _freedom(np.array([1.0, 1.0, 1e9])) == pytest.approx(1)  # one user has nearly all


def test_equal_candidates_are_no_winner_and_one_repeat_or_user_shows_nothing() -> None:
    rng = np.random.default_rng(7)
    users = rng.uniform(0.5, 1.5, (1, 3, 200))
    twins = _errors(np.concatenate([users, users]), np.full(200, 3.0))
    trials = [(1, False, 0.9), (2, False, 0.9)]
    judged, tie = judge(trials, twins)
    assert set(tie) == {1, 2}
    assert [each.probability for each in judged] == [0.5, 0.5]
    better = np.concatenate([users * 0.5, users])
    assert judge(trials, _errors(better, np.full(200, 3.0)))[1] == ()
    for shown in (better[:, :1], better[:, :, :1]):
        errors = _errors(shown, np.full(shown.shape[-1], 3.0))
        assert set(judge(trials, errors)[1]) == {1, 2}
        assert score_test(["winner", "biases"], errors)[1].p_value == 1.0


def test_a_candidate_that_is_always_better_is_best_for_sure() -> None:
    rng = np.random.default_rng(2)
    base = rng.uniform(0.5, 1.5, (1, 2, 300))
    errors = _errors(np.concatenate([base * 1.1, base, base * 1.2]), np.full(300, 4.0))
    chances = probability_of_best(drawn_rmse(errors))
    assert chances[1] > 0.99
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
        draws = drawn_rmse(errors, draws=1000, seed=number)
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
