"""Matrix factorisation, nanoseconds a rating on one thread: beside Cornac's and Surprise's.

Made-up rows of MUBI's size, 32 factors, as they are sorted by user and as they are shuffled. Ours
are plain gradient descent with one rating a step, and lazy Adam with batches of 256. Each trains an
epoch to warm up, which is not timed, and then some in turn; the least counts. Cornac and Surprise
are to be installed; what is not there is left out.

    python benchmarks/one_rating.py [--rows 4958292] [--epochs 3] [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from models.compiled.counters import key_of
from models.compiled.initial import initial_weights
from models.compiled.origin import Origin
from models.compiled.plan import plan_of
from models.compiled.space import Rows
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.optimizers import State, StepNumbers
from models.compiled.training import Training
from models.compiled.vectors import zeros
from models.compiled.weights import layouts
from models.config import ModelConfig, TrainConfig

USERS, MOVIES, FACTORS = 120_000, 34_000, 32
RATE, PENALTY = 0.005, 0.02


def made(count: int) -> Rows:
    """Rows sorted by user; some users and movies have many."""
    random = np.random.default_rng(0)
    users = np.sort((USERS * random.random(count) ** 2).astype(np.int32))
    movies = (MOVIES * random.random(count) ** 2).astype(np.int32)
    return Rows(movies, users, random.integers(1, 6, count).astype(np.float32))


def ours(optimizer: str, size: int) -> Callable[[Rows, int], Callable[[], None]]:
    """An epoch of ours, as what a study trains."""

    def start(rows: Rows, epochs: int) -> Callable[[], None]:
        config = ModelConfig(
            family="gmf", factors=FACTORS, output_activation="linear", l2_rating=PENALTY
        )
        recipe = TrainConfig(optimizer=optimizer, learning_rate=RATE, batch_size=size)
        plan = plan_of(origin := Origin(config, USERS, MOVIES, None))
        p = initial_weights(origin, train_mean=3.0, seed=0)
        state = State(p, *(zeros(len(p), p.dtype) for _ in range(3)))
        numbers = StepNumbers(recipe, (epochs + 1) * -(-len(rows.users) // size))
        both = layouts(plan, config, recipe)
        order = np.arange(len(rows.users))

        def epoch() -> None:
            with Hands.of(1) as hands:
                training = Training(plan, state, both, numbers, hands)
                assert training.epoch(rows, order, size, key_of(0, 1, 0)) is not None

        return epoch

    return start


def cornac(rows: Rows, epochs: int) -> Callable[[], None]:
    """An epoch of Cornac's MF, whose loop is compiled C++."""
    from cornac.models.mf import backend_cpu

    random = np.random.default_rng(0)
    vectors = [random.normal(0, 0.01, (n, FACTORS)).astype(np.float32) for n in (USERS, MOVIES)]
    biases = [np.zeros(n, np.float32) for n in (USERS, MOVIES)]
    ids = [each.astype(np.int64) for each in (rows.users, rows.movies)]

    def epoch() -> None:
        backend_cpu.fit_sgd(
            *ids, rows.scores, *vectors, *biases, RATE, PENALTY, 3.0, 1, 1, True, False, False
        )  # fmt: skip

    return epoch


def surprise_svd(rows: Rows, epochs: int) -> Callable[[], None]:
    """An epoch of Surprise's SVD, on a fiftieth of the rows: it copies them into Python's lists."""
    import surprise

    some = slice(0, len(rows.users), 50)
    triples = zip(
        rows.users[some].tolist(), rows.movies[some].tolist(), rows.scores[some].tolist(),
        strict=True,
    )  # fmt: skip
    dataset = surprise.Dataset(surprise.Reader(rating_scale=(1, 5)))
    train = dataset.construct_trainset([(*triple, None) for triple in triples])

    def epoch() -> None:
        surprise.SVD(n_factors=FACTORS, n_epochs=1, random_state=0).fit(train)

    return epoch


ARMS: dict[str, tuple[str, Callable[[Rows, int], Callable[[], None]]]] = {
    "ours, plain SGD, one rating a step": ("models", ours("plain_sgd", 1)),
    "ours, lazy Adam, batches of 256": ("models", ours("lazy_adam", 256)),
    "Cornac's MF": ("cornac", cornac),
    "Surprise's SVD": ("surprise", surprise_svd),
}


def measure(count: int, epochs: int) -> Iterator[dict[str, Any]]:
    """Each arm's least nanoseconds a rating, for each order of the rows."""
    in_order = made(count)
    shuffled = in_order.at(np.random.default_rng(1).permutation(count))
    there = {name: arm for name, (needs, arm) in ARMS.items() if importlib.util.find_spec(needs)}
    for order, rows in (("sorted by user", in_order), ("shuffled", shuffled)):
        started = {name: arm(rows, epochs) for name, arm in there.items()}
        took: dict[str, list[float]] = {name: [] for name in started}
        for number in range(epochs + 1):
            for name, epoch in started.items():
                began = time.perf_counter()
                epoch()
                if number:
                    took[name].append(time.perf_counter() - began)
        for name, seconds in took.items():
            trained = len(range(0, count, 50)) if name == "Surprise's SVD" else count
            yield {"order": order, "arm": name, "ns": 1e9 * min(seconds) / trained}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_958_292)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    rows = list(measure(given.rows, given.epochs))
    if given.json:
        print(json.dumps({"rows": given.rows, "found": rows}, indent=2))
        return
    for row in rows:
        print(f"{row['order']:<15} {row['arm']:<36} {row['ns']:7.0f} ns a rating")


if __name__ == "__main__":
    main()
