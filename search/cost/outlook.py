"""What a study still costs, and which proposals would take too much of its time."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import optuna

from search.child.messages import Ready
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.cost.epochs import EpochCost
from search.cost.memory import MemoryCost
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
    """What configurations drawn from a space take: seconds of an epoch, or memory.

    Attributes:
        mean: Of all draws.
        low: Nineteen in twenty take more.
        high: One in twenty takes more.
    """

    mean: float
    low: float
    high: float


def size_of(config: StudyConfig, ready: Ready) -> Size | None:
    """How much a study's trials train on; None where the compiled trainer does not train them.

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
    return Size(**rows, threads=ready.threads)


def cost_of(config: StudyConfig, ready: Ready) -> EpochCost | None:
    """Make the estimate of a study's epochs; None where there is none (`size_of`).

    Args:
        config: The study.
        ready: What its first child said of ratings, threads and devices.
    """
    size = size_of(config, ready)
    return None if size is None else EpochCost(size)


def spread(
    estimate: Callable[[Mapping[str, Scalar]], float], space: Sequence[Parameter], seed: int = 0
) -> Spread:
    """Estimate 64 configurations, drawn uniformly from a space.

    Args:
        estimate: Estimates one, from its values by name.
        space: Every parameter, parents first.
        seed: Of the draws.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would tell of a study in memory
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    adapter = SpaceAdapter(space)
    found = sorted(estimate(adapter.sample(study.ask())) for _ in range(_DRAWS))
    twentieth = _DRAWS // 20
    return Spread(mean=statistics.fmean(found), low=found[twentieth], high=found[-1 - twentieth])


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
        size = size_of(config, ready)
        self._cost = None if size is None else EpochCost(size)
        self._memory = None if size is None else MemoryCost(size)
        self._spread = None if self._cost is None else spread(self._cost.seconds, ready.space)
        self._ended = 0
        self._epochs = 0
        self._seconds = 0.0
        self._began = time.monotonic()
        self._most = self._left = 0
        self._lock = threading.Lock()

    def ended(self, record: TrialRecord) -> None:
        """Learn from a trial that ended.

        Args:
            record: The trial.
        """
        if not record.epochs or Tag.REUSED in record.tags:
            return
        with self._lock:
            self._ended += 1
            self._epochs += len(record.epochs)
            self._seconds += record.metrics.get("seconds_total", 0.0)
        if record.tags.get(Tag.TRAINER) != "compiled":
            return
        if self._memory is not None and (peak_mb := record.metrics.get("peak_memory_mb")):
            self._memory.learn(record.params, peak_mb)
        if self._cost is not None:
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
            self._left, self._most = trials, max(self._most, trials)
            ended, epochs, seconds = self._ended, self._epochs, self._seconds
        if self._cost is not None and self._spread is not None:
            run = epochs / ended if ended else self._config.epochs
            factor = self._cost.factor
            each = run * factor * self._spread.mean * parts_of(self._config) + BESIDE_S
        elif ended:
            each = seconds / ended
        else:
            return None
        left = trials * each / self._workers
        return left if self._deadline is None else max(0.0, min(left, self._until(self._deadline)))

    @property
    def is_half_over(self) -> bool:
        """Whether half of the trials that were left at first are done, or half of the time over."""
        now = time.monotonic()
        is_late = self._deadline is not None and now - self._began >= self._deadline - now
        return is_late or 2 * self._left <= self._most

    @staticmethod
    def _until(deadline: float) -> float:
        return deadline - time.monotonic()

    def refusal(self, values: Mapping[str, Scalar]) -> str:
        """Say why a proposal is not trained, where its time or memory is limited; else nothing.

        Its first epoch may take no longer than a trial's share of the time: the time by the
        number of trials, or by 50 where there are more.

        Args:
            values: All active parameters' values, by name.
        """
        most_mb = self._config.max_memory_mb
        peak_mb = self._memory.peak_mb(values) if self._memory and most_mb else None
        if peak_mb is not None and most_mb is not None and peak_mb > most_mb:
            return f"about {peak_mb:,.0f} MB of memory, where {most_mb:,g} MB may be"
        return self._too_long(values)

    def _too_long(self, values: Mapping[str, Scalar]) -> str:
        """Say why a proposal takes too long."""
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
