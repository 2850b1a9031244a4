"""What a study still costs, and which proposals would take too much of its time."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna

from search.child.messages import Ready
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.cost.epochs import EpochCost
from search.cost.work import Size
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from tracking import Scalar, Tag, TrialRecord

BESIDE_S = 3.0
"""Seconds of a trial beside its epochs: building, saving, storing."""
_DRAWS = 64
_MOST_SHARES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Seconds of an epoch over configurations drawn from a space.

    Attributes:
        mean: Of all draws.
        low: Nineteen in twenty take longer.
        high: One in twenty takes longer.
    """

    mean: float
    low: float
    high: float


def cost_of(config: StudyConfig, ready: Ready) -> EpochCost | None:
    """Make the estimate of a study's epochs; None where the compiled trainer does not train them.

    A study that searches nothing (`model` "baseline") has no configurations to estimate.

    Args:
        config: The study.
        ready: What its first child said of ratings, threads and devices.
    """
    compiled = config.trainer in ("auto", "compiled") and "GPU" not in ready.devices
    profile = {} if ready.dataset is None else ready.dataset.profile
    rows = {name: int(profile.get(name) or 0) for name in Size.__slots__ if name != "threads"}
    if not (config.model == "ratings" and compiled and all(rows.values())):
        return None
    return EpochCost(Size(**rows, threads=ready.threads))


def spread(cost: EpochCost, space: Sequence[Parameter], seed: int = 0) -> Spread:
    """Estimate an epoch over 64 configurations, drawn uniformly from a space.

    Args:
        cost: Estimates one.
        space: Every parameter, parents first.
        seed: Of the draws.
    """
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    adapter = SpaceAdapter(space)
    seconds = sorted(cost.seconds(adapter.sample(study.ask())) for _ in range(_DRAWS))
    twentieth = _DRAWS // 20
    return Spread(
        mean=statistics.fmean(seconds), low=seconds[twentieth], high=seconds[-1 - twentieth]
    )


class Outlook:
    """Estimates what is left of one run of a study, from its trials so far and the cost of epochs.

    Threads: the workers of a study share one.
    """

    def __init__(self, config: StudyConfig, ready: Ready, deadline: float | None) -> None:
        """Begin without any trial.

        Args:
            config: The study.
            ready: What its first child said.
            deadline: Monotonic time at which the run ends; None where none is set.
        """
        self._config = config
        self._deadline = deadline
        self._workers = ready.workers
        self._cost = cost_of(config, ready)
        self._spread = None if self._cost is None else spread(self._cost, ready.space)
        self._epochs: list[int] = []
        self._seconds: list[float] = []
        self._lock = threading.Lock()

    def ended(self, record: TrialRecord) -> None:
        """Learn from a trial that ended.

        Args:
            record: The trial.
        """
        if not record.epochs or Tag.REUSED in record.tags:
            return
        with self._lock:
            self._epochs.append(len(record.epochs))
            self._seconds.append(record.metrics.get("seconds_total", 0.0))
        if self._cost is not None and record.tags.get(Tag.TRAINER) == "compiled":
            whole = [epoch.seconds for epoch in record.epochs[self._grown :]]
            if whole:
                self._cost.learn(record.params, statistics.median(whole) / parts_of(self._config))

    @property
    def _grown(self) -> int:
        """Epochs over samples of the rows, before those over all."""
        return sum(int(epochs) for _, epochs in self._config.growth)

    def left_s(self, trials: int) -> float | None:
        """Estimate the seconds that some more trials take; None where nothing is known.

        Before a trial has ended, all of its epochs count: it is the most that they take.

        Args:
            trials: Those that are still to be trained, the running ones included.
        """
        with self._lock:
            epochs, seconds = list(self._epochs), list(self._seconds)
        if self._cost is not None and self._spread is not None:
            run = statistics.fmean(epochs) if epochs else self._config.epochs
            factor = self._cost.factor
            each = run * factor * self._spread.mean * parts_of(self._config) + BESIDE_S
        elif seconds:
            each = statistics.fmean(seconds)
        else:
            return None
        left = trials * each / self._workers
        return left if self._deadline is None else max(0.0, min(left, self._until(self._deadline)))

    @staticmethod
    def _until(deadline: float) -> float:
        return deadline - time.monotonic()

    def refusal(self, values: Mapping[str, Scalar]) -> str:
        """Say why a proposal is not trained, where the run's time is limited; else an empty text.

        Its first epoch may take no longer than a trial's share of the time: the time by the
        number of trials, or by 50 where there are more.

        Args:
            values: All active parameters' values, by name.
        """
        time_s = self._config.timeout_s
        if self._cost is None or self._deadline is None or not time_s:
            return ""
        growth = self._config.growth
        first = self._cost.seconds(values, float(growth[0][0]) if growth else 1.0)
        parts = min(self._config.trials, _MOST_SHARES)
        share = time_s * self._workers / parts
        if first > share:
            return (
                f"about {first:,.3g} s for its first epoch, where a trial's share of the time is "
                f"{share:,.3g} s"
            )
        if first > (left_s := self._until(self._deadline)):
            return f"about {first:,.3g} s for its first epoch, where {left_s:,.3g} s are left"
        return ""
