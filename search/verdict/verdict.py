"""The records of a verdict, and the statistics behind them: candidates, winner, test scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.verdict.uncertainty import (
    CLAIM,
    SURE,
    UserErrors,
    doubt,
    drawn_rmse,
    interval,
    probability_of_best,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The scores of a trial that was trained again on new seeds.

    Attributes:
        number: Number of the trial.
        is_baseline: Whether it is the published baseline.
        searched: Validation RMSE that the search saw, and chose by.
        repeats: Validation RMSE on new seeds.
        mean: Mean of the repeats.
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
    """The score of a predictor on the sealed test part.

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
    """The winner of a study, its scores and how sure they are, as stored with the study.

    Attributes:
        study: Its name.
        number: Number of the winner's trial.
        tie: Trials that may as well be the best; empty where the winner leads for sure.
        candidates: Best mean first.
        test: Scores on the test part, the winner's first; none while it is being opened.
        seeds: Of the repeats, the same for every candidate.
        opened: When the test part was opened, ISO 8601.
        refitted: Whether the registered model was trained on the validation part too.
        model: Name and version in MLflow's registry, "NAME/VERSION", or None.
        run_id: The MLflow run that holds it all, or None.
        left_out: A line for each candidate that did not train to its end on a new seed.
        folds: Number of folds whose mean the search ranked by; 0 for the validation part.
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
        """Name the score that the search ranked trials by: "validation", or "mean of 5 folds"."""
        return f"mean of {self.folds} folds" if self.folds else "validation"

    @property
    def winner(self) -> Candidate:
        """The candidate that won."""
        return next(c for c in self.candidates if c.number == self.number)

    def beats(self, name: str) -> bool | None:
        """Whether the winner beats a predictor on the test part, with a p-value below 0.01.

        Args:
            name: Name of the predictor, as in `TestScore.name`.

        Returns:
            None where that predictor has no score beside the winner's.
        """
        for score in self.test:
            if score.name == name and score.p_value is not None:
                return score.p_value < CLAIM
        return None

    @property
    def beats_trivial(self) -> bool:
        """Whether the winner beats both trivial predictors."""
        return bool(self.beats("global_mean") and self.beats("biases"))

    def to_json(self) -> dict[str, Any]:
        """Convert to plain values for JSON, with `beats_baseline` and `beats_trivial` added."""
        plain = asdict(self)
        return plain | {
            "beats_baseline": self.beats("baseline"),
            "beats_trivial": self.beats_trivial,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Verdict:
        """Build a verdict from what `to_json` returned."""
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
    """Rank the candidates by their mean RMSE, and list those that tie with the first one.

    Args:
        trials: Number, whether it is the baseline, and value in the search, a candidate.
        errors: Errors of the candidates on the validation part, in the same order.

    Returns:
        The candidates; the numbers of all that may be best, empty where the first one is with a
        probability of 95 %. Of n candidates these are the ones with a probability of 0.05 / n or
        more: of three, 0.0167. One user or one repeat shows no spread: all candidates tie then.
    """
    draws = drawn_rmse(errors)
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
    candidates.sort(key=lambda candidate: (candidate.mean, candidate.number))
    first = candidates[0]
    if len(candidates) == 1 or (errors.shows_spread and first.probability >= SURE):
        return tuple(candidates), ()
    near = (1 - SURE) / len(candidates) if errors.shows_spread else 0.0
    return tuple(candidates), tuple(c.number for c in candidates if c.probability >= near)


def score_test(names: list[str], errors: UserErrors) -> tuple[TestScore, ...]:
    """Score predictors on the test part, each compared with the first one, the winner.

    Args:
        names: Names of the predictors.
        errors: Errors of the predictors, in the same order.

    Returns:
        A score for each, in the same order.
    """
    draws, values = drawn_rmse(errors), errors.rmse()
    scores = []
    for place, name in enumerate(names):
        low, high = interval(draws[:, place])
        scores.append(
            TestScore(
                name=name,
                rmse=float(values[place].mean()),
                low=low,
                high=high,
                p_value=_p_value(errors, draws, place) if place else None,
                repeats=tuple(float(value) for value in values[place]),
            )
        )
    return tuple(scores)


def _p_value(errors: UserErrors, draws: NDArray[np.float64], place: int) -> float:
    """The doubt that the first predictor beats another; 1 where no spread can be seen."""
    return doubt(draws[:, 0], draws[:, place]) if errors.shows_spread else 1.0


def together(parts: list[list[NDArray[np.float64]]], counts: NDArray[np.float64]) -> UserErrors:
    """Stack the predictors' errors; those of a predictor scored once count for each repeat.

    Args:
        parts: For each predictor and each of its repeats, squared errors summed by user, `[user]`.
        counts: Ratings of each user, `[user]`; users without any are left out.

    Returns:
        Sums `[predictor, repeat, user]` and counts `[user]`.

    Example:
        A model with two repeats beside a predictor that was scored once; the second user has no
        rating in the part.

        >>> model = [np.array([1.0, 0.0, 4.0]), np.array([2.0, 0.0, 3.0])]
        >>> errors = together([model, [np.array([5.0, 0.0, 6.0])]], np.array([1.0, 0.0, 2.0]))
        >>> errors.sums.tolist()
        [[[1.0, 4.0], [2.0, 3.0]], [[5.0, 6.0], [5.0, 6.0]]]
        >>> errors.counts.tolist()
        [1.0, 2.0]
    """
    repeats = max(len(sums) for sums in parts)
    full = [sums * repeats if len(sums) == 1 else sums for sums in parts]
    present = counts > 0
    return UserErrors(sums=np.asarray(full)[:, :, present], counts=counts[present])
