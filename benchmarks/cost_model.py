"""How well the cost of an epoch is known before it is trained.

Configurations are drawn from the default space, each trained for two or three epochs by the
compiled trainer on made-up rows of one size after another, on one thread. The time is the
thread's own, so that other work on the machine counts little.

    python benchmarks/cost_model.py [--draws 120] [--seed 2] [--json]
    python benchmarks/cost_model.py --draws 280 --seed 1 --fit    # the constants of the estimate
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from search.cost.epochs import EpochCost
from search.cost.work import Size, Work

SIZES = (
    (5_000, 300, 400),
    (56_000, 671, 9_000),
    (56_000, 5_000, 3_000),
    (300_000, 6_000, 4_000),
    (300_000, 40_000, 20_000),
    (1_000_000, 30_000, 20_000),
    (2_000_000, 138_000, 16_000),
)
"""Train rows, users, movies; a quarter as many validation rows."""
_LEAST_S = 2e-3


class Timed(NamedTuple):
    """A configuration, its size, and the seconds of an epoch's training and of its validation."""

    values: dict[str, Any]
    size: Size
    train_s: float
    valid_s: float


def draws(count: int, seed: int) -> Iterator[Timed]:
    """Train configurations, one size after another."""
    import optuna

    from models.compiled.warm_up import warm_up
    from search.space.distributions import SpaceAdapter
    from search.space.hypermodel import parameters

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warm_up()
    for number in range(count):
        rows, users, movies = SIZES[number % len(SIZES)]
        size = Size(
            train_rows=rows, valid_rows=rows // 4, user_rows=users, movie_rows=movies, threads=1
        )
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed + number))
        hp = _read({}, size)[0]
        values = SpaceAdapter(parameters(hp)).sample(study.ask())
        yield Timed(values, size, *_train(values, size, seed + number))
        print(f"{number + 1} of {count}", file=sys.stderr, flush=True)


def _read(values: dict[str, Any], size: Size) -> tuple[Any, Any, Any]:
    import keras_tuner

    from search.space.ratings import read

    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp, *read(hp, ids=size.user_rows + size.movie_rows)


def _train(values: dict[str, Any], size: Size, seed: int) -> tuple[float, float]:
    """The least seconds of an epoch and of a validation; the first epoch is left out."""
    from models.compiled.counters import key_of
    from models.compiled.origin import Origin
    from models.compiled.plan import plan_of
    from models.compiled.space import Rows
    from models.compiled.stepping.hands import Hands
    from models.compiled.stepping.optimizers import State, StepNumbers
    from models.compiled.training import Training, predict
    from models.compiled.vectors import zeros
    from models.compiled.weights import layouts

    _, model, recipe = _read(values, size)
    random, rows = np.random.default_rng(seed), size.train_rows
    codes = [
        (ids * random.random(rows) ** 2).astype(np.int32)  # some ids have many ratings
        for ids in (size.movie_rows, size.user_rows)
    ]
    given = Rows(*codes, random.uniform(1, 5, rows).astype(np.float32))
    plan = plan_of(Origin(model, size.user_rows, size.movie_rows, (1.0, 5.0)))
    state = State(*(zeros(plan.size, np.float32) for _ in range(4)))
    state.p[:] = random.normal(size=plan.size) * 0.05
    batch = rows if recipe.batch_size == "full" else int(recipe.batch_size)
    numbers = StepNumbers(recipe, 3 * -(-rows // batch))
    order = np.arange(rows) if batch == rows else random.permutation(rows)
    took = []
    with Hands.of(1) as hands:
        training = Training(plan, state, layouts(plan, model, recipe), numbers, hands)
        for epoch in range(2 if rows > 200_000 else 3):
            began = time.thread_time()
            training.epoch(given, order, batch, key_of(1, 1, epoch))
            trained = time.thread_time()
            predict(plan, state.p, given.at(slice(0, size.valid_rows)), hands)
            took.append((trained - began, time.thread_time() - trained))
            if trained - began > 15:
                break
    return min(each[0] for each in took[1:] or took), min(each[1] for each in took)


def known(timed: Sequence[Timed]) -> dict[str, Any]:
    """How far estimates are from epochs of at least 2 ms, as factors: the greater by the lesser."""
    pairs = [(EpochCost(t.size).seconds(t.values), t.train_s + t.valid_s) for t in timed]
    far = sorted(max(a / b, b / a) for a, b in pairs if b >= _LEAST_S)
    return {
        "draws": len(timed),
        "compared": len(far),
        "median": statistics.median(far),
        "nine_in_ten": far[int(0.9 * len(far))],
        "most": far[-1],
    }


def fitted(timed: Sequence[Timed], part: str) -> dict[str, float]:
    """Nanoseconds of each unit of work: robust least squares of logarithms.

    Args:
        timed: Epochs.
        part: "train" or "valid".
    """
    from scipy.optimize import least_squares

    from search.cost import epochs

    works = [getattr(Work.of(t.values, t.size, t.size.train_rows), part)() for t in timed]
    seconds = np.array([getattr(t, f"{part}_s") for t in timed])
    before = epochs.TRAIN_NS if part == "train" else epochs.VALID_NS
    amounts = np.array([[work[name] for name in before] for work in works], float)
    start = np.log([1e-9 * each for each in before.values()])

    def errors(logs: Any) -> Any:
        estimated = amounts @ np.exp(logs)
        # What no draw says anything of stays as it is.
        return np.concatenate(
            [np.log((estimated + 1e-4) / (seconds + 1e-4)), 0.03 * (logs - start)]
        )

    found = least_squares(errors, start, loss="soft_l1", f_scale=0.15)
    return dict(zip(before, (1e9 * np.exp(found.x)).tolist(), strict=True))


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=120)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--fit", action="store_true", help="print constants fitted to the draws")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    timed = list(draws(given.draws, given.seed * 100_000))
    if given.fit:
        print(json.dumps({part: fitted(timed, part) for part in ("train", "valid")}, indent=2))
        return
    found = known(timed)
    print(json.dumps(found, indent=2) if given.json else found)


if __name__ == "__main__":
    main()
