"""Frozen records of studies and of the ratings that they read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tracking.records.space import ParameterRecord
from tracking.records.trial import EpochRecord, Scalar, TrialRecord
from tracking.states import State

ENOUGH = 20
"""Complete trials from which the importances of parameters say something."""
ALWAYS = ("family", "optimizer", "learning_rate", "batch_size")
"""Parameters of our own models that a table of trials always has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRecord:
    """Describes the ratings that a study reads: their source, hash and counts.

    Attributes:
        name: The source as the user named it, say "movielens".
        content_hash: SHA-256 over the rows, 64 hexadecimal digits.
        synthetic: Whether the ratings are made up, not measured.
        profile: Counts and options worth showing: rows, users, movies, split sizes, filters.
        checks: For MUBI, one line for each published figure: the figure, and what was counted.

    Example:
        >>> made_up = DatasetRecord(name="sample", content_hash="0" * 64, synthetic=True)
        >>> (made_up.synthetic, len(made_up.content_hash))
        (True, 64)
    """

    name: str
    content_hash: str
    synthetic: bool = False
    profile: Mapping[str, Scalar] = field(default_factory=dict)
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyRecord:
    """One study and its trials.

    Attributes:
        name: Name of the study.
        direction: "minimize" or "maximize".
        objective: Name of the number that is optimised.
        monitor: Name of the per-epoch metric behind the objective, say "val_rmse".
        goals: Names of the metrics that are optimised together. The objective comes first;
            of all others less is better. Empty where there is only the objective.
        description: Readable text (Markdown) of what is searched, on what, how.
        study_file: The study as TOML text.
        dataset: The ratings, or None for a user's own model with its own data.
        tags: By name, those of `Tag` among them.
        trials: In the order of their numbers.
        space: Every parameter that is searched, as it was declared, parents first; empty where
            unknown.
        importances: Share of each parameter in the objective's variance, from 0 to 1, the most
            important one first; empty where unknown.
        published: The published trial's epochs, where the ratings are those it was trained on.
        experiment_id: Its MLflow experiment, where it has one.
        parent_run_id: Its MLflow run, where it has one.

    Example:
        >>> done = {"study": "movies", "state": "complete"}
        >>> first = TrialRecord(number=0, params={"size": 8}, value=1.0, **done)
        >>> second = TrialRecord(number=1, params={"size": 16}, value=0.75, **done)
        >>> study = StudyRecord(name="movies", trials=(first, second))
        >>> [trial.number for trial in study.ranked()]
        [1, 0]
        >>> (study.best == second, study.trial(0) == first, study.trial(2))
        (True, True, None)
        >>> (study.gain(0.75, over=1.0), study.varied())
        (0.25, ('size',))
    """

    name: str
    direction: str = "minimize"
    objective: str = "best_val_rmse"
    monitor: str = "val_rmse"
    goals: tuple[str, ...] = ()
    description: str = ""
    study_file: str = ""
    dataset: DatasetRecord | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[TrialRecord, ...] = ()
    space: tuple[ParameterRecord, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    published: tuple[EpochRecord, ...] = ()
    experiment_id: str | None = None
    parent_run_id: str | None = None

    @property
    def minimize(self) -> bool:
        """Whether a lower value of the objective is better."""
        return self.direction == "minimize"

    @property
    def sign(self) -> float:
        """The factor by which values are multiplied so that lower is better: 1 or -1."""
        return sign_of(minimize=self.minimize)

    def better(self, value: float, than: float) -> bool:
        """Whether `value` is strictly better than `than`: 0.9 than 1.0 when minimising."""
        return self.sign * value < self.sign * than

    def gain(self, value: float, over: float) -> float:
        """By how much `value` is better than `over`: when minimising, 0.9 over 1.0 gains 0.1.

        Args:
            value: The value.
            over: What it is compared with.

        Returns:
            The difference, below 0 where the value is worse.
        """
        return over - value if self.minimize else value - over

    @property
    def baseline_misfit(self) -> str:
        """Why the published baseline does not fit the scores; an empty text where it does."""
        return str(self.dataset.profile.get("baseline_misfit", "")) if self.dataset else ""

    @property
    def baseline(self) -> TrialRecord | None:
        """The first baseline trial that has an objective, or None.

        There are two baseline trials where the first one was interrupted and trained again.
        """
        trials = sorted(self.trials, key=lambda trial: trial.number)
        return next((t for t in trials if t.is_baseline and t.value is not None), None)

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial within the study's limits, or None."""
        return next(iter(self.ranked()), None)

    @property
    def trivials(self) -> dict[str, float]:
        """The validation RMSE of the predictors without a network, the lower one first.

        They are "biases" (of users and movies) and "global_mean"; empty where the ratings' profile
        has neither, as for a user's own model.
        """
        profile = {} if self.dataset is None else self.dataset.profile
        known = {
            name: float(value)
            for name in ("biases", "global_mean")
            if isinstance(value := profile.get(f"{name}_val_rmse"), int | float)
        }
        return dict(sorted(known.items(), key=lambda each: each[1]))

    @property
    def trivial(self) -> tuple[str, float] | None:
        """The better of `trivials`, by name and value; None where there is none."""
        return next(iter(self.trivials.items()), None)

    @property
    def tells_importances(self) -> bool:
        """Whether importances say something: they are known, of 20 complete trials or more."""
        return bool(self.importances) and len(self.ranked()) >= ENOUGH

    @property
    def split_rules(self) -> tuple[Scalar, ...]:
        """What decides which ratings are the validation part, beside the ratings themselves.

        The rules of repeated ratings decide only where there are some: by the rules 1 the last in
        the file is kept.
        """
        profile = self.dataset.profile if self.dataset else {}
        by_file = profile.get("rules", 1) == 1 and bool(profile.get("duplicates_dropped"))
        return profile.get("split"), profile.get("validation_by"), by_file

    @property
    def no_best(self) -> str:
        """Why there is no best trial, as a clause: "no trial is complete"; empty where there is."""
        if self.best is not None:
            return ""
        complete = sum(trial.state == State.COMPLETE for trial in self.trials)
        if not complete:
            return "no trial is complete"
        one = "the only complete trial is beyond a limit"
        return one if complete == 1 else f"all {complete} complete trials are beyond a limit"

    def trial(self, number: int) -> TrialRecord | None:
        """The trial with a number, or None where the record holds none."""
        return next((trial for trial in self.trials if trial.number == number), None)

    def varied(self, trials: Iterable[TrialRecord] | None = None) -> tuple[str, ...]:
        """Names of the parameters that differ among trials, the most important ones first.

        Where too few trials are complete to tell, those that most of the trials have are first, and
        then they are in their declared order. A parameter that only some of them have differs too.
        A parameter that the study's space fixes was not searched: it is left out, although a
        baseline may have another value.

        Args:
            trials: The trials to compare; all of the study's unless given.
        """
        compared = tuple(self.trials if trials is None else trials)
        declared = [parameter.name for parameter in self.space]
        tried = [name for trial in compared for name in trial.params]
        searched = {parameter.name for parameter in self.space if parameter.kind != "fixed"}
        fixed = set(declared) - searched
        names = dict.fromkeys([name for name in declared if name in tried] + tried)
        several = [
            name
            for name in names
            if name not in fixed and len({str(t.params.get(name)) for t in compared}) > 1
        ]
        shares = self.importances if self.tells_importances else {}
        counts = {name: sum(name in trial.params for trial in compared) for name in several}
        return tuple(sorted(several, key=lambda n: (-shares.get(n, 0.0), -counts[n])))

    def columns(
        self, trials: Iterable[TrialRecord] | None = None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the parameters that a table of trials shows.

        Args:
            trials: The trials in the table; all of the study's unless given.

        Returns:
            Those that a table of our own models always has, and the others that differ.
        """
        shown = tuple(self.trials if trials is None else trials)
        always = tuple(name for name in ALWAYS if any(name in trial.params for trial in shown))
        return always, tuple(name for name in self.varied(shown) if name not in always)

    def ranked(self) -> tuple[TrialRecord, ...]:
        """The complete trials within the study's limits, best first, equal ones by number.

        A trial whose value is no finite number ranks nowhere.
        """
        done = [t for t in self.trials if t.state == State.COMPLETE and not t.is_beyond]
        within = [t for t in done if t.value is not None and math.isfinite(t.value)]
        return tuple(sorted(within, key=lambda t: (self.sign * _value(t), t.number)))

    def ranked_first(self) -> tuple[TrialRecord, ...]:
        """All trials: the ranked ones, best first, then the others by number."""
        ranked = self.ranked()
        placed = {trial.number for trial in ranked}
        others = sorted((t for t in self.trials if t.number not in placed), key=lambda t: t.number)
        return (*ranked, *others)

    def frontier(self) -> tuple[TrialRecord, ...]:
        """The Pareto frontier of the complete trials within the study's limits, best first.

        One trial dominates another if it is nowhere worse and in one goal better: an RMSE of
        0.9 with 10 parameters dominates 0.9 with 20, but not 0.8 with 20. Without
        several goals the frontier is empty.
        """
        if len(self.goals) < 2:
            return ()
        ranked = self.ranked()
        points = [self._costs(trial) for trial in ranked]
        return tuple(
            trial
            for trial, point in zip(ranked, points, strict=True)
            if not any(_dominates(other, point) for other in points)
        )

    def _costs(self, trial: TrialRecord) -> tuple[float, ...]:
        """A trial's values for the study's goals, with signs such that lower is better."""
        others = (float(trial.metrics.get(name, math.inf)) for name in self.goals[1:])
        return (self.sign * _value(trial), *others)


def _value(trial: TrialRecord) -> float:
    """The objective of a trial that is known to have one."""
    assert trial.value is not None, f"trial {trial.number} has no value"
    return trial.value


def sign_of(*, minimize: bool) -> float:
    """The factor by which values are multiplied so that lower is better.

    Everything that ranks values does so through this function.

    Args:
        minimize: Whether a lower value is better.

    Returns:
        1 to minimise, -1 to maximise. To maximise, 0.9 is better than 0.8, as -0.9 is lower than
        -0.8.
    """
    return 1.0 if minimize else -1.0


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether point `one` dominates point `other`: it is nowhere higher, and somewhere lower."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
