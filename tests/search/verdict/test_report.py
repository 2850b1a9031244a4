"""What is said of a verdict."""

from __future__ import annotations

import pytest

from search.verdict.report import claims, headline
from search.verdict.verdict import Candidate, TestScore, Verdict


def candidate(number: int, *, is_baseline: bool = False) -> Candidate:
    return Candidate(
        number=number, is_baseline=is_baseline, searched=0.9, repeats=(0.9, 0.9), mean=0.9,
        low=0.8, high=1.0, probability=0.6,
    )  # fmt: skip


def test_a_tie_names_the_baseline_and_trials_as_such() -> None:
    tied = (candidate(3), candidate(7), candidate(0, is_baseline=True), candidate(5))
    verdict = Verdict(
        study="s", number=3, tie=(3, 7, 0), candidates=tied, test=(), seeds=(1, 2), opened="now"
    )
    assert headline(verdict) == (
        "A tie: trial 3 has the lowest mean, but is the best with a probability of 60% only; so "
        "may be trial 7, the baseline."
    )
    sure = Verdict(
        study="s", number=0, tie=(), candidates=(tied[2],), test=(), seeds=(1, 2), opened="now"
    )
    assert headline(sure) == "The baseline is the best of 1 candidates (probability 60%)."


@pytest.mark.parametrize(
    ("name", "p_value", "claim"),
    [
        ("baseline", 0.0001, "beats the baseline on the test part (by +0.1000, p below 0.001)"),
        (
            "baseline",
            0.029,
            "is not shown to beat the baseline on the test part (by +0.1000, p = 0.029, and a "
            "claim needs p < 0.01)",
        ),
        ("global_mean", 0.004, "beats the global mean on the test part (by +0.1000, p = 0.004)"),
        (
            "biases",
            0.01,
            "is not shown to beat the user and movie biases on the test part (by +0.1000, "
            "p = 0.010, and a claim needs p < 0.01)",
        ),
    ],
)
def test_a_claim_names_its_threshold_where_it_is_missed(
    name: str, p_value: float, claim: str
) -> None:
    test = (
        TestScore(name="winner", rmse=0.9, low=0.8, high=1.0, p_value=None),
        TestScore(name=name, rmse=1.0, low=0.9, high=1.1, p_value=p_value),
    )
    verdict = Verdict(
        study="s",
        number=3,
        tie=(),
        candidates=(candidate(3),),
        test=test,
        seeds=(1, 2),
        opened="now",
    )
    assert claims(verdict) == [claim]


def test_a_winner_that_is_worse_than_a_predictor_is_said_to_be_so() -> None:
    test = (
        TestScore(name="winner", rmse=0.95, low=0.9, high=1.0, p_value=None),
        TestScore(name="biases", rmse=0.9, low=0.8, high=1.0, p_value=0.999),
    )
    verdict = Verdict(
        study="s", number=3, tie=(), candidates=(), test=test, seeds=(1,), opened="now"
    )
    assert claims(verdict) == [
        "is worse than the user and movie biases on the test part (by 0.0500)"
    ]
