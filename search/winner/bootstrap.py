"""Which of several candidates is best, and how sure that is; plain arrays, no models.

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
    """Squared errors of several candidates on one part, added up by user.

    Attributes:
        sums: Sum of a user's squared errors, `[candidate, repeat, user]`.
        counts: A user's ratings, `[user]`, all above 0.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    def rmse(self) -> NDArray[np.float64]:
        """Root mean square error, `[candidate, repeat]`."""
        return np.asarray(np.sqrt(self.sums.sum(axis=-1) / self.counts.sum()))


def bootstrap_rmse(errors: UserErrors, *, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """The candidates' RMSE, the mean of their repeats, over and over on other users and repeats.

    Args:
        errors: Of all candidates on the same ratings.
        draws: How often.
        seed: Of the draws.

    Returns:
        `[draw, candidate]`.
    """
    candidates, repeats, users = errors.sums.shape
    flat = errors.sums.reshape(candidates * repeats, users).T
    rng = np.random.default_rng(seed)
    found = []
    for first in range(0, draws, _AT_ONCE):
        count = min(_AT_ONCE, draws - first)
        weights = rng.poisson(1.0, (count, users)).astype(np.float64)
        rows = np.maximum(weights @ errors.counts, 1.0)
        rmse = np.sqrt(weights @ flat / rows[:, None]).reshape(count, candidates, repeats)
        chosen = rng.multinomial(repeats, np.full(repeats, 1 / repeats), count) / repeats
        found.append((rmse * chosen[:, None, :]).sum(axis=-1))
    return np.concatenate(found)


def probability_of_best(rmse: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each candidate is the one with the lowest error, `[candidate]`.

    All are compared in the same draw, so that having picked the best of many costs what it should:
    the more candidates are about as good, the less often any of them leads.

    Args:
        rmse: `[draw, candidate]`.
    """
    best = rmse.argmin(axis=1)
    return np.asarray(np.bincount(best, minlength=rmse.shape[1]) / len(best))


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of bootstrapped values."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def doubt(better: NDArray[np.float64], than: NDArray[np.float64]) -> float:
    """One-sided p-value of "the first has the lower error": draws in which it has not, plus one.

    Args:
        better: RMSE `[draw]`.
        than: RMSE in the same draws, `[draw]`.
    """
    return float((np.sum(better >= than) + 1) / (len(better) + 1))
