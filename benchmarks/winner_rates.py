"""How often `winner` claims what is not so, and finds what is, on made-up errors without training.

    python benchmarks/winner_rates.py [--sets N] [--json]

Two predictors are scored on the same 60 users with 1 to 39 ratings each, after R repeats. Where
they are equally good, a claim is wrong, and should occur as often as its level says. Their errors
differ by normal noise: of each repeat ("seeds"), of each user ("users"), of each repeat and user
("each score"), or of repeats and users alike ("both"). In the long-tailed rows the noise is that of
the users, and the numbers of their ratings are lognormal, so that a few users have most of them.
Where one predictor is better by four standard errors, a claim is right.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.verdict.uncertainty import SURE, UserErrors, doubt, drawn_rmse, probability_of_best

REPEATS = (2, 3, 5, 10)
LEVELS = (0.01, 0.05, 0.1)
NOISE = {  # standard deviation of the squared error: of a repeat, of a user, of both together
    "seeds": (0.05, 0.002, 0.002),
    "users": (0.0001, 0.3, 0.05),
    "each score": (0.0001, 0.02, 0.3),
    "both": (0.03, 0.2, 0.05),
    "40 long-tailed users": (0.0001, 0.3, 0.05),
    "100 long-tailed users": (0.0001, 0.3, 0.05),
}
LONG_TAILED = {  # number of users, and the deviation of the logarithm of their ratings' number
    "40 long-tailed users": (40, 1.0),
    "100 long-tailed users": (100, 1.2),
}
MEDIAN = 20  # ratings of a user, where they are long-tailed
USERS, DRAWS = 60, 2_000


def _ratings_per_user(noise: str, rng: np.random.Generator) -> NDArray[np.float64]:
    if noise not in LONG_TAILED:
        return rng.integers(1, 40, USERS).astype(np.float64)
    users, spread = LONG_TAILED[noise]
    return np.maximum(1.0, np.round(MEDIAN * np.exp(spread * rng.standard_normal(users))))


def made_up(noise: str, repeats: int, rng: np.random.Generator, *, gap: float = 0.0) -> UserErrors:
    """The errors of two predictors; the second is worse by `gap` standard errors."""
    seed, user, each = NOISE[noise]
    counts = _ratings_per_user(noise, rng)
    users = counts.sum() ** 2 / (counts**2).sum()  # so many of equal size vary as much
    error = np.sqrt(2 * (seed**2 / repeats + (user**2 + each**2 / repeats) / users))
    squares = 1 + seed * rng.standard_normal((2, repeats, 1))
    squares = squares + user * rng.standard_normal((2, 1, len(counts)))
    squares = squares + each * rng.standard_normal((2, repeats, len(counts)))
    squares[1] += gap * error
    return UserErrors(sums=np.maximum(squares, 0.0) * counts, counts=counts)


def rates(noise: str, repeats: int, sets: int, *, gap: float = 0.0) -> dict[str, float]:
    """The share of sets with a claim: "p < LEVEL" for the first one, or "best" for any."""
    rng = np.random.default_rng((repeats, list(NOISE).index(noise)))
    doubts, best = np.empty(sets), np.empty(sets)
    for number in range(sets):
        errors = made_up(noise, repeats, rng, gap=gap)
        draws = drawn_rmse(errors, draws=DRAWS, seed=number)
        doubts[number] = doubt(draws[:, 0], draws[:, 1])
        best[number] = probability_of_best(draws).max()
    claimed = {f"p < {level:g}": float((doubts < level).mean()) for level in LEVELS}
    return claimed | {"best": float((best >= SURE).mean())}


def measure(sets: int) -> dict[str, Any]:
    """Rates of wrong claims, and of right ones."""
    rows = []
    for noise in NOISE:
        for repeats in REPEATS:
            wrong = rates(noise, repeats, sets)
            right = rates(noise, repeats, max(1, sets // 10), gap=4.0)
            rows.append({"noise": noise, "repeats": repeats, "wrong": wrong, "right": right})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {"sets": sets, "levels": LEVELS, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    found = measure(given.sets)
    if given.json:
        print(json.dumps(found))
        return
    for row in found["rows"]:
        for kind in ("wrong", "right"):
            told = ", ".join(f"{claim}: {rate:.2%}" for claim, rate in row[kind].items())
            print(f"{row['noise']}, {row['repeats']} repeats, {kind} claims: {told}")


if __name__ == "__main__":
    main()
