"""The bootstrap that says which of several candidates is best, and how sure that is.

Everything rests on one bootstrap that draws users and repeats anew together: a user's ratings are
not independent of one another, and every candidate is scored on the same ones and trained on the
same seeds, so that differences are paired (Field and Welsh, "Bootstrapping clustered data", JRSS B
69, 2007). A user's weight is Poisson(1), which is the multinomial's limit for many users (Hanley
and MacGibbon, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 4000
_AT_ONCE = 200
SURE = 0.95
CLAIM = 0.01


@dataclass(frozen=True, slots=True)
class UserErrors:
    """Squared errors of several candidates on the same ratings, summed by user.

    Attributes:
        sums: Sum of a user's squared errors, `[candidate, repeat, user]`.
        counts: Number of a user's ratings, `[user]`, all above 0.

    Example:
        One candidate; of two users the first has 1 rating, the second 3: sqrt((0 + 4) / (1 + 3)).

        >>> errors = UserErrors(sums=np.array([[[0.0, 4.0]]]), counts=np.array([1.0, 3.0]))
        >>> errors.rmse().tolist()
        [[1.0]]
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    def rmse(self) -> NDArray[np.float64]:
        """Each candidate's RMSE in each repeat (seed), as an array `[candidate, repeat]`.

        Example:
            One candidate, one repeat, two users with squared errors of 1 and 3 in 1 and 3 ratings:

            >>> UserErrors(np.array([[[1.0, 3.0]]]), np.array([1.0, 3.0])).rmse().tolist()
            [[1.0]]
        """
        return np.asarray(np.sqrt(self.sums.sum(axis=-1) / self.counts.sum()))


def bootstrap_rmse(errors: UserErrors, *, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """Bootstrap the candidates' RMSE; each draw takes the same users and seeds for all.

    In a draw, user u has the weight w(u) from Poisson(1), and of R repeats each, drawn with
    replacement, repeat r comes m(r) times. A candidate's value is the sum over r of

        m(r) / R * sqrt(sum over u of w(u) sums(r, u) / sum over u of w(u) counts(u)).

    With the weights 1 and 2, two users with sums of 0 and 4 and counts of 1 and 3 give
    sqrt((0 + 8) / (1 + 6)) = 1.069.

    Args:
        errors: Errors of all candidates on the same ratings.
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        RMSE, mean over the drawn repeats, `[draw, candidate]`.

    Example:
        Where every rating has an error of 0.5, every draw has:

        >>> errors = UserErrors(sums=np.full((1, 2, 50), 0.75), counts=np.full(50, 3.0))
        >>> bootstrap_rmse(errors, draws=3).tolist()
        [[0.5], [0.5], [0.5]]
    """
    candidates, repeats, users = errors.sums.shape
    flat = errors.sums.reshape(candidates * repeats, users).T
    rng = np.random.default_rng(seed)
    batches = []
    for first in range(0, draws, _AT_ONCE):
        count = min(_AT_ONCE, draws - first)
        weights = rng.poisson(1.0, (count, users)).astype(np.float64)
        rows = np.maximum(weights @ errors.counts, 1.0)
        rmse = np.sqrt(weights @ flat / rows[:, None]).reshape(count, candidates, repeats)
        chosen = rng.multinomial(repeats, np.full(repeats, 1 / repeats), count) / repeats
        batches.append((rmse * chosen[:, None, :]).sum(axis=-1))
    return np.concatenate(batches)


def probability_of_best(rmse: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of draws in which each candidate has the lowest error, `[candidate]`.

    All candidates are compared in the same draw, so that the choice of the best of many is
    accounted for: the more candidates are about as good, the less often any of them leads.

    Args:
        rmse: RMSE in the same draws, `[draw, candidate]`; of equal ones the first leads.

    Example:
        >>> rmse = np.array([[0.8, 0.9], [0.9, 0.8], [0.7, 0.9], [0.8, 0.85]])
        >>> probability_of_best(rmse).tolist()
        [0.75, 0.25]
    """
    best = rmse.argmin(axis=1)
    return np.asarray(np.bincount(best, minlength=rmse.shape[1]) / len(best))


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % percentile interval: the 2.5 % and the 97.5 % quantile of bootstrapped values.

    Args:
        values: One value a draw, `[draw]`.

    Example:
        >>> interval(np.arange(101.0))  # 0, 1, ..., 100
        (2.5, 97.5)
    """
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def doubt(better: NDArray[np.float64], than: NDArray[np.float64]) -> float:
    """The one-sided p-value for the claim that the first of two predictors has the lower error.

    It is (number of draws that contradict the claim + 1) / (number of draws + 1), so that it is
    never 0: 4000 draws give 1 / 4001 at the least.

    Args:
        better: RMSE of the first, `[draw]`.
        than: RMSE of the second in the same draws, `[draw]`.

    Example:
        Of three draws one contradicts, so that p is (1 + 1) / (3 + 1):

        >>> doubt(np.array([0.80, 0.81, 0.90]), np.array([0.85, 0.86, 0.85]))
        0.5
    """
    return float((np.sum(better >= than) + 1) / (len(better) + 1))
