"""The result of a run of a study."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checks import count_of
from search.config.home import home_folder
from search.study.best import BestTrial, Place
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    REFUSED,
    Store,
    StudyRecord,
    study_figure,
    study_html,
    study_page,
    to_read,
    without_password,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyResult:
    """A study's record after a run, and how the run itself ended.

    Attributes:
        record: The study with all its trials.
        tracking_uri: MLflow's address of the record.
        interrupted: Whether it was stopped before its target.
        timed_out: Whether its time was over before its target.
        new_trials: Trials that this run finished.
        waiting: Writes of the record that MLflow has not got yet; they are kept on disk.
        reasons: Why the study ends before its target of trials, one line a reason.
        warnings: What a user should know of the ratings, one line each.
        place: Where the study is, so that its best model can be loaded; None where not known.

    Example:
        >>> from tracking import TrialRecord
        >>> first = TrialRecord(study="tiny", number=0, params={}, state=COMPLETE, value=0.92)
        >>> second = TrialRecord(study="tiny", number=1, params={}, state=COMPLETE, value=0.87)
        >>> third = TrialRecord(study="tiny", number=2, params={}, state=PRUNED, value=0.99)
        >>> record = StudyRecord(name="tiny", trials=(first, second, third))
        >>> result = StudyResult(record=record, tracking_uri="sqlite:///mlruns/mlflow.db")
        >>> result.best.number, result.best.value
        (1, 0.87)
        >>> result.count(PRUNED)
        1
        >>> result
        StudyResult('tiny', 3 trials: 2 complete, 1 pruned; best_val_rmse 0.8700 of trial 1)
        >>> list(result.trials["value"])
        [0.92, 0.87, 0.99]
    """

    record: StudyRecord
    tracking_uri: str
    interrupted: bool = False
    timed_out: bool = False
    new_trials: int = 0
    waiting: int = 0
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    place: Place | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        """The study in a line: its trials by state, and the best."""
        counted = Counter(trial.state for trial in self.record.trials)
        ends = ", ".join(f"{count} {state}" for state, count in counted.items())
        told = f"{count_of(len(self.record.trials), 'trial')}{': ' if ends else ''}{ends}"
        if self.best is not None and self.best.value is not None:
            value = f"{self.record.objective} {self.best.value:.4f}"
            told += f"; {value} of trial {self.best.number}"
        return f"{type(self).__name__}({self.record.name!r}, {told})"

    def _repr_html_(self) -> str:
        """The best trials and their curves, as a notebook shows the last value of a cell."""
        return study_html(self.record)

    @property
    def trials(self) -> pd.DataFrame:
        """A table of the trials, a row each, as `search.export.trials_table` makes it."""
        from search.export import trials_table

        return trials_table(self.record)

    def plot_history(self) -> Any:
        """Draw each trial's value, the best so far and the baseline: a plotly `Figure`."""
        return study_figure(self.record, "history")

    def plot_curves(self) -> Any:
        """Draw the learning curves of the best trials: a plotly `Figure`."""
        return study_figure(self.record, "learning_curves")

    def plot(self, name: str) -> Any:
        """Draw a figure by its name, say "importances": a plotly `Figure`.

        Args:
            name: See `tracking.study_figure`.

        Raises:
            TrackingError: There is no such figure.
        """
        return study_figure(self.record, name)

    @property
    def best(self) -> BestTrial | None:
        """The best complete trial within the study's limits, or None; its `model()` predicts."""
        best, base = self.record.best, self.record.baseline
        fits = base is not None and not self.record.baseline_misfit
        value = base.value if base is not None and fits else None
        return None if best is None else BestTrial.of(best, self.place, baseline=value)

    @property
    def url(self) -> str | None:
        """The address of the study's page in MLflow; None where no server has the record."""
        return study_page(self.tracking_uri, self.record.experiment_id)

    @property
    def beats_trivial(self) -> bool | None:
        """Whether the best trial is below biases and global mean alone; None where not known.

        Folds have other values than the validation part, so that they are not compared.
        """
        best, trivial = self.best, self.record.trivial
        if best is None or best.value is None or trivial is None or best.is_of_folds:
            return None
        return best.value < trivial[1]

    def count(self, state: str) -> int:
        """Count the trials in a state, say "complete"."""
        return sum(trial.state == state for trial in self.record.trials)

    def to_json(self) -> dict[str, Any]:
        """Make the dict that `trialbook search --json` prints: best trial, counts, addresses."""
        best = self.best
        return {
            "study": self.record.name,
            "best_trial": best.number if best else None,
            "best_value": best.value if best else None,
            "n_complete": self.count(COMPLETE),
            "n_pruned": self.count(PRUNED),
            "n_refused": self.count(REFUSED),
            "n_failed": self.count(FAILED),
            "n_interrupted": self.count(KILLED),
            "tracking_uri": without_password(self.tracking_uri),
            "url": self.url,
            "experiment_id": self.record.experiment_id,
            "parent_run_id": self.record.parent_run_id,
            "new_trials": self.new_trials,
            "interrupted": self.interrupted,
            "timed_out": self.timed_out,
            "waiting": self.waiting,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
            "beats_trivial": self.beats_trivial,
            **self._frontier(),
        }

    def _frontier(self) -> dict[str, Any]:
        """The trials on the Pareto frontier of a study with several goals; empty with one goal."""
        if len(self.record.goals) < 2:
            return {}
        names = self.record.goals[1:]
        frontier = [
            {"trial": t.number, self.record.objective: t.value}
            | {name: t.metrics.get(name) for name in names}
            for t in self.record.frontier()
        ]
        return {"frontier": frontier}


def open_study(
    name: str,
    home: str | Path | None = None,
    *,
    storage: str | None = None,
    tracking_uri: str | None = None,
) -> StudyResult:
    """Read a stored study: with its trials as they stand now, also while another process runs it.

    Args:
        name: The study's name.
        home: The home folder; None for the one that `TRIALBOOK_HOME` names, else `mlruns`.
        storage: Optuna's address; None for `optuna.db` in the home folder.
        tracking_uri: MLflow's address; None for that in the study's settings.

    Raises:
        SearchError: There is no such study.

    Example:
        >>> open_study("never begun")
        Traceback (most recent call last):
        search.errors.SearchError: A study must exist, but got 'never begun'. Known: ...
    """
    from search.storage.studies import Studies
    from search.storage.study_attributes import config_of

    store = to_read(Store(home_folder(home), tracking_uri), elsewhere=storage is not None)
    place = Place(store, storage)
    studies = Studies(place.store, place.storage)
    record = studies.record_now(name)
    shown = studies.store_of(config_of(studies.get(name))).tracking_uri
    return StudyResult(record=record, tracking_uri=shown, place=place)
