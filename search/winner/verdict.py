"""What a winner's trial amounts to: the candidates, the verdict, the sealed test part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.winner.bootstrap import (
    CLAIM,
    SURE,
    UserErrors,
    bootstrap_rmse,
    doubt,
    interval,
    probability_of_best,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A trial that was trained again.

    Attributes:
        number: Of the trial.
        is_baseline: Whether it is the published baseline.
        searched: Validation RMSE that the search saw, and chose by.
        repeats: Validation RMSE on new seeds.
        mean: Of the repeats.
        low: Lower end of its 95 % interval, over users and seeds.
        high: Upper end.
        probability: That it is the best of the candidates.
    """

    number: int
    is_baseline: bool
    searched: float
    repeats: tuple[float, ...]
    mean: float
    low: float
    high: float
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TestScore:
    """A predictor on the sealed test part.

    Attributes:
        name: "winner", "baseline", "global_mean" or "biases".
        rmse: Mean of the repeats, where it has several.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: One-sided, of "the winner has the lower error than this"; None for the winner.
        repeats: RMSE of each repeat.
    """

    __test__ = False  # its name does not make it a test

    name: str
    rmse: float
    low: float
    high: float
    p_value: float | None
    repeats: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The outcome, as it is stored with the study.

    Attributes:
        study: Its name.
        number: The winner's trial.
        tie: Trials that may as well be the best; empty where the winner leads for sure.
        candidates: Best mean first.
        test: Scores on the test part, the winner's first; none while it is being opened.
        seeds: Of the repeats, the same for every candidate.
        opened: When the test part was opened, ISO 8601.
        refitted: Whether the registered model was trained on the validation part too.
        model: Name and version in MLflow's registry, "NAME/VERSION", or None.
        run_id: The MLflow run that holds it all, or None.
        left_out: A line for each candidate that did not train to its end on a new seed.
        folds: Parts of the train part whose mean the search chose by; 0 for the validation part.
    """

    study: str
    number: int
    tie: tuple[int, ...]
    candidates: tuple[Candidate, ...]
    test: tuple[TestScore, ...]
    seeds: tuple[int, ...]
    opened: str
    refitted: bool = False
    model: str | None = None
    run_id: str | None = None
    left_out: tuple[str, ...] = ()
    folds: int = 0

    @property
    def searched_on(self) -> str:
        """Where the value comes from that the search chose by."""
        return f"mean of {self.folds} folds" if self.folds else "validation"

    @property
    def winner(self) -> Candidate:
        """The candidate that won."""
        return next(c for c in self.candidates if c.number == self.number)

    def beats(self, name: str) -> bool | None:
        """Whether the winner beats a predictor on the test part at 1 %; None without such one."""
        for score in self.test:
            if score.name == name and score.p_value is not None:
                return score.p_value < CLAIM
        return None

    @property
    def beats_trivial(self) -> bool:
        """Whether it beats every trivial predictor."""
        return bool(self.beats("global_mean") and self.beats("biases"))

    def to_json(self) -> dict[str, Any]:
        """Plain values, with what follows from them."""
        plain = asdict(self)
        return plain | {
            "beats_baseline": self.beats("baseline"),
            "beats_trivial": self.beats_trivial,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Verdict:
        """From `to_json`'s values."""
        known = {key: value for key, value in plain.items() if not key.startswith("beats_")}
        candidates = tuple(
            Candidate(**{**each, "repeats": tuple(each["repeats"])}) for each in known["candidates"]
        )
        test = tuple(
            TestScore(**{**each, "repeats": tuple(each.get("repeats", ()))})
            for each in known["test"]
        )
        lists = {name: tuple(known.get(name, ())) for name in ("tie", "seeds", "left_out")}
        return cls(**{**known, **lists, "candidates": candidates, "test": test})


def judge(
    trials: list[tuple[int, bool, float]], errors: UserErrors
) -> tuple[tuple[Candidate, ...], tuple[int, ...]]:
    """The candidates, best mean first, and who ties with the first one.

    Args:
        trials: Number, whether it is the baseline, and value in the search, a candidate.
        errors: Theirs on the validation part, in the same order.

    Returns:
        The candidates; the numbers of all that may be best, empty where the first one is with a
        probability of 95 %.
    """
    draws = bootstrap_rmse(errors)
    chances, values = probability_of_best(draws), errors.rmse()
    candidates = []
    for place, (number, is_baseline, searched) in enumerate(trials):
        low, high = interval(draws[:, place])
        candidates.append(
            Candidate(
                number=number,
                is_baseline=is_baseline,
                searched=searched,
                repeats=tuple(float(value) for value in values[place]),
                mean=float(values[place].mean()),
                low=low,
                high=high,
                probability=float(chances[place]),
            )
        )
    candidates.sort(key=lambda each: (each.mean, each.number))
    first = candidates[0]
    if first.probability >= SURE or len(candidates) == 1:
        return tuple(candidates), ()
    near = (1 - SURE) / len(candidates)
    return tuple(candidates), tuple(c.number for c in candidates if c.probability >= near)


def score_test(names: list[str], errors: UserErrors) -> tuple[TestScore, ...]:
    """The predictors on the test part, each held against the first one, the winner.

    Args:
        names: Of the predictors.
        errors: Theirs, in the same order.
    """
    draws, values = bootstrap_rmse(errors), errors.rmse()
    scores = []
    for place, name in enumerate(names):
        low, high = interval(draws[:, place])
        scores.append(
            TestScore(
                name=name,
                rmse=float(values[place].mean()),
                low=low,
                high=high,
                p_value=doubt(draws[:, 0], draws[:, place]) if place else None,
                repeats=tuple(float(value) for value in values[place]),
            )
        )
    return tuple(scores)


def together(parts: list[list[NDArray[np.float64]]], counts: NDArray[np.float64]) -> UserErrors:
    """Errors of several predictors; one that was scored once counts the same in every repeat.

    Args:
        parts: Sums by user, `[user]`, a predictor and a repeat.
        counts: Ratings of each user, `[user]`; users without any are left out.
    """
    repeats = max(len(each) for each in parts)
    full = [each * repeats if len(each) == 1 else each for each in parts]
    present = counts > 0
    return UserErrors(sums=np.asarray(full)[:, :, present], counts=counts[present])
