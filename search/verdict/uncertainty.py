"""Says which of several candidates is best, and how sure that is, from few seeds and many users.

A candidate's mean RMSE is uncertain for two reasons: other seeds would train other models, and
other users would rate otherwise. Every candidate is trained on the same seeds and scored on the
same users, so seeds and users are two crossed random factors, and candidates are compared in pairs.

- Variances: the part of the seeds is that of a mean of R repeats; the part of the users is their
  cluster variance, less what the seeds' part already counts (Obuchowski and Rockette,
  Communications in Statistics: Simulation 24, 1995, for readers and cases; Cameron, Gelbach and
  Miller, JBES 29, 2011, for two-way clusters).
- Few users, or a few who rate far more than the others: a user with many ratings pulls the mean
  towards itself, so that its deviation looks too small, and the variance rests on few values. The
  variance is corrected by a factor for each user, CR2, and enters as a t whose degrees of freedom
  are Satterthwaite's and not the number of users less 1 (Bell and McCaffrey, Survey Methodology 28,
  2002; Pustejovsky and Tipton, JBES 36, 2018). Carter, Schnepel and Steigerwald (Review of
  Economics and Statistics 99, 2017) show how much unequal clusters matter.
- Few seeds: R repeats estimate the seeds' part with R - 1 degrees of freedom, so it enters as a t
  and not as a normal quantity. The sum of the two parts is judged by the Behrens-Fisher
  distribution (Fisher, Annals of Eugenics 6, 1935), whose claims are right or too careful whichever
  part is the larger (Robinson, Annals of Statistics 4, 1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 20_000
SURE = 0.95
CLAIM = 0.01
_SAME = 1e-12  # RMSE closer than this are equal; rounding differs by less


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

    @property
    def shows_spread(self) -> bool:
        """Whether there are two users and two repeats at least; with fewer nothing is claimed."""
        return bool(min(self.sums.shape[1:]) > 1)


def drawn_rmse(errors: UserErrors, *, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """Draw values that the candidates' mean RMSE may truly have, given the scores of few seeds.

    A draw is the observed mean, plus a deviation for the users, plus one for the seeds. Both are
    shared by all candidates, so that differences of candidates are compared in pairs. With U users
    and R repeats, the difference of two candidates is drawn from

        observed + sqrt(V_users) t(F) + sqrt(V_seeds) t(R - 1),

    where V_seeds is the variance of the R differences, divided by R, and V_users the variance
    between users of the mean over the repeats, less what differs from repeat to repeat, since
    V_seeds holds that (at least 0). F is U - 1 for users with equally many ratings, else lower.

    With differences of 0.01 and 0.03 in two repeats, and none between users, V_seeds is 0.01^2.

    Args:
        errors: Errors of all candidates on the same ratings.
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        Mean RMSE, `[draw, candidate]`. One user, or one repeat, shows no spread, and none is drawn.

    Example:
        Where every rating has an error of 0.5, every draw has:

        >>> errors = UserErrors(sums=np.full((1, 2, 50), 0.75), counts=np.full(50, 3.0))
        >>> drawn_rmse(errors, draws=3).tolist()
        [[0.5], [0.5], [0.5]]
    """
    _, repeats, users = errors.sums.shape
    rng = np.random.default_rng(seed)
    mean = errors.rmse().mean(axis=1)
    drawn = np.tile(mean, (draws, 1))
    if users > 1:
        drawn += _t_draws(rng, draws, _root(_users_part(errors)), _freedom(errors.counts))
    if repeats > 1:
        residuals = (errors.rmse() - mean[:, None]) / np.sqrt(repeats * (repeats - 1))
        drawn += _t_draws(rng, draws, residuals, repeats - 1)
    return drawn


def _t_draws(
    rng: np.random.Generator, draws: int, root: NDArray[np.float64], freedom: float
) -> NDArray[np.float64]:
    """Draw from the multivariate t, `[draw, candidate]`, whose scale matrix is root root'."""
    normal = rng.standard_normal((draws, root.shape[1])) @ root.T
    return np.asarray(normal * np.sqrt(freedom / rng.chisquare(freedom, (draws, 1))))


def _users_part(errors: UserErrors) -> NDArray[np.float64]:
    """The covariance `[candidate, candidate]` of the mean RMSE that users alone account for.

    By the delta method a user's share in a repeat's RMSE is
    (sum of squared errors - RMSE^2 * ratings) / (2 * RMSE * all ratings). Each is corrected for
    its pull on the mean.
    """
    candidates, repeats, users = errors.sums.shape
    rmse = np.maximum(errors.rmse(), np.finfo(np.float64).tiny)[:, :, None]
    shares = (errors.sums / rmse - rmse * errors.counts) / (2 * errors.counts.sum())
    shares *= np.sqrt(_corrections(errors.counts))
    mean = shares.mean(axis=1)
    between = mean @ mean.T
    if repeats == 1:
        return np.asarray(between)
    shares -= mean[:, None, :]
    flat = shares.reshape(candidates, repeats * users)
    return np.asarray(between - flat @ flat.T / (repeats * (repeats - 1)))


def _corrections(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factor of each user's squared share, `[user]`, that makes their sum unbiased (CR2).

    Where users differ by a variance s^2 from one another, and user g has the part w of all
    ratings, g's deviation from the mean has the variance s^2 ((1 - w)^2 + the others' sum of w^2);
    the factor is 1 over that, for s = 1. With U users of equally many ratings it is U / (U - 1).
    """
    total, squares = counts.sum(), counts**2
    others = np.maximum(squares.sum() - squares, 0.0)
    return np.asarray(total**2 / ((total - counts) ** 2 + others))


def _freedom(counts: NDArray[np.float64]) -> float:
    """Satterthwaite's degrees of freedom of the users' variance, between 1 and users - 1.

    They are 2 mean^2 / variance of the estimate, taken as if all ratings were independent (Bell and
    McCaffrey 2002): user g's deviation then has the variance 1 / w - 1, and any two have the
    covariance -1, in units of a rating's variance / all ratings.
    """
    total = counts.sum()
    scale = (counts / total) ** 2 * _corrections(counts)
    alone = (total - counts) / counts
    pairs = 2 * scale[1:] @ np.cumsum(scale)[:-1]
    return float((scale @ alone) ** 2 / ((scale * alone) @ (scale * alone) + pairs))


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """A square root of a covariance; what an estimate has below 0 counts as 0."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def probability_of_best(rmse: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of draws in which each candidate has the lowest error, `[candidate]`.

    All candidates are compared in the same draw, so that the choice of the best of many is
    accounted for: the more candidates are about as good, the less often any of them leads. Equal
    ones share a draw.

    Args:
        rmse: RMSE in the same draws, `[draw, candidate]`.

    Example:
        >>> rmse = np.array([[0.8, 0.9], [0.9, 0.8], [0.7, 0.9], [0.8, 0.8]])
        >>> probability_of_best(rmse).tolist()
        [0.625, 0.375]
    """
    leads = rmse <= rmse.min(axis=1, keepdims=True) + _SAME
    return np.asarray((leads / leads.sum(axis=1, keepdims=True)).mean(axis=0))


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of drawn RMSE: their 2.5 % and 97.5 % quantiles, none below 0.

    Args:
        values: One value a draw, `[draw]`.

    Example:
        >>> interval(np.arange(101.0))  # 0, 1, ..., 100
        (2.5, 97.5)
    """
    low, high = np.maximum(np.quantile(values, (0.025, 0.975)), 0.0)
    return float(low), float(high)


def doubt(better: NDArray[np.float64], than: NDArray[np.float64]) -> float:
    """The one-sided p-value for the claim that the first of two predictors has the lower error.

    It is (number of draws that contradict the claim + 1) / (number of draws + 1), so that it is
    never 0: 20,000 draws give 1 / 20,001 at the least. Equal predictors contradict it.

    Args:
        better: RMSE of the first, `[draw]`.
        than: RMSE of the second in the same draws, `[draw]`.

    Example:
        Of three draws one contradicts, so that p is (1 + 1) / (3 + 1):

        >>> doubt(np.array([0.80, 0.81, 0.90]), np.array([0.85, 0.86, 0.85]))
        0.5
    """
    return float((np.sum(better >= than - _SAME) + 1) / (len(better) + 1))
