"""Computes what a study's trials cost and how they ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tracking.figures.axes import robust_limits
from tracking.figures.data import Limits, finite
from tracking.figures.style import STATES
from tracking.records import StudyRecord, TrialRecord
from tracking.states import COMPLETE, FAILED, KILLED, EndReason
from tracking.tags import Tag

_REASONS: dict[str, str] = {
    EndReason.EPOCHS: "all epochs trained",
    EndReason.EARLY_STOPPING: "stopped early, no longer improved",
    EndReason.PRUNED: "others were better at the same point",
    EndReason.LIMIT: "beyond a limit of the study",
    EndReason.NAN: "loss or metric is no number",
    EndReason.OUT_OF_MEMORY: "out of memory",
    EndReason.ERROR: "an exception",
    EndReason.CRASH: "its process died",
    EndReason.TIMEOUT: "the study's time was over",
    EndReason.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What one trial cost.

    Attributes:
        number: Number of the trial.
        state: One of `State`.
        seconds: From its proposal to its end; of one that runs, of its epochs so far.
        value: The trial's objective where it ranks, else None.
        weights: Trainable numbers of its model, or None where that is unknown.
        family: Its model's family; "" where it has none.
        is_baseline: Whether it is a baseline.
    """

    number: int
    state: str
    seconds: float
    value: float | None
    weights: float | None
    family: str
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class End:
    """How some trials ended.

    Attributes:
        state: One of `State`.
        reason: One of `EndReason`.
        count: So many trials.
    """

    state: str
    reason: str
    count: int

    @property
    def why(self) -> str:
        """The reason in words, or ""."""
        return _REASONS.get(self.reason, self.reason)

    @property
    def text(self) -> str:
        """The state, and the reason in words."""
        return f"{self.state}: {self.why}" if self.why else str(self.state)


def seconds_of(trial: TrialRecord) -> float | None:
    """The seconds that a trial took; None where that is unknown, 0 for one that reuses a result."""
    if Tag.REUSED in trial.tags:
        return 0.0
    for name in ("seconds_total", "seconds_train"):
        found = finite(trial.metrics.get(name))
        if found is not None:
            return found
    return sum(epoch.seconds for epoch in trial.epochs) if trial.epochs else None


def spent(study: StudyRecord) -> tuple[Spent, ...]:
    """What each trial of a study cost whose seconds are known, by number."""
    placed = {trial.number for trial in study.ranked()}
    found = []
    for trial in sorted(study.trials, key=lambda trial: trial.number):
        seconds = seconds_of(trial)
        if seconds is not None:
            each = Spent(
                number=trial.number,
                state=trial.state,
                seconds=seconds,
                value=finite(trial.value) if trial.number in placed else None,
                weights=finite(trial.metrics.get("parameters")),
                family=str(trial.params.get("family", "")),
                is_baseline=trial.is_baseline,
            )
            found.append(each)
    return tuple(found)


def totals(trials: tuple[Spent, ...]) -> tuple[tuple[str, int, float], ...]:
    """Add up seconds by family, or by state where models have none, most seconds first.

    Returns:
        For each family its name, how many trials it has, and their seconds together.
    """
    by_family = any(each.family for each in trials)
    names = [(each.family or "none") if by_family else str(each.state) for each in trials]
    counts, seconds = Counter(names), Counter[str]()
    for name, each in zip(names, trials, strict=True):
        seconds[name] += each.seconds  # type: ignore[assignment]
    ordered = sorted(seconds.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((name, counts[name], float(total)) for name, total in ordered)


def value_limits(trials: tuple[Spent, ...], *, minimize: bool = True) -> Limits | None:
    """The range of the values' axis, beyond which a few that are far worse lie.

    Args:
        trials: The trials.
        minimize: Whether a lower value is better.
    """
    known = [each.value for each in trials if each.value is not None]
    return robust_limits(known, minimize=minimize)


def frontier_of(trials: tuple[Spent, ...], *, minimize: bool = True) -> tuple[Spent, ...]:
    """Those with a value than which no other is both faster and better, the fastest first.

    Args:
        trials: The trials.
        minimize: Whether a lower value is better.
    """
    sign = 1.0 if minimize else -1.0
    known = [(each.seconds, sign * each.value, each) for each in trials if each.value is not None]
    found: list[Spent] = []
    least = float("inf")
    for _, cost, each in sorted(known, key=lambda one: (one[0], one[1], one[2].number)):
        if cost < least:
            found.append(each)
            least = cost
    return tuple(found)


def unbeaten(trials: tuple[Spent, ...], *, minimize: bool = True) -> tuple[Spent, ...]:
    """Those that no other beats in value, seconds and weights at once, the best value first.

    A trial beats another where it is worse in none of the three, and better in one at least. Trials
    whose weights are not known are left out.

    Args:
        trials: The trials.
        minimize: Whether a lower value is better.
    """
    sign = 1.0 if minimize else -1.0
    known = [
        ((sign * each.value, each.seconds, each.weights), each)
        for each in trials
        if each.value is not None and each.weights is not None
    ]
    found: list[tuple[tuple[float, float, float], Spent]] = []
    for costs, each in sorted(known, key=lambda one: (one[0], one[1].number)):
        # Whoever beats it comes before it in this order.
        if not any(
            kept != costs and all(a <= b for a, b in zip(kept, costs, strict=True))
            for kept, _ in found
        ):
            found.append((costs, each))
    return tuple(each for _, each in found)


def ends(study: StudyRecord) -> tuple[End, ...]:
    """Count a study's trials by state and reason, in the order of the states."""
    counted = Counter((str(t.state), str(t.end_reason)) for t in study.trials)
    places = {str(state): place for place, state in enumerate(STATES)}
    ordered = sorted(counted.items(), key=lambda one: (places.get(one[0][0], 99), one[0][1]))
    return tuple(End(state, reason, count) for (state, reason), count in ordered)


def end_of(trial: TrialRecord) -> str:
    """How a trial ended, in words."""
    text = End(trial.state, trial.end_reason, 1).text
    if trial.end_reason == EndReason.PRUNED and trial.message:
        text = f"{trial.state}: {trial.message}"
    if trial.is_beyond and trial.state == COMPLETE:
        text += "; beyond a limit, so that it does not rank"
    reused = trial.tags.get(Tag.REUSED)
    return f"{text}; the result of trial {reused}, which is the same" if reused else text


def troubles(study: StudyRecord) -> tuple[TrialRecord, ...]:
    """The trials that failed, were killed, or have something to say of their end, by number.

    What a pruner ended comes last.
    """
    told = [t for t in study.trials if t.state in (FAILED, KILLED) or t.message]
    return tuple(sorted(told, key=lambda t: (t.end_reason == EndReason.PRUNED, t.number)))
