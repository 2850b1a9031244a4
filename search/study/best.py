"""The best trial of a study that was run or read, with its model."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from search.errors import SearchError
from tracking import Store, TrialRecord, trial_html

if TYPE_CHECKING:
    from models.serving import KerasPredictor, RatingPredictor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study is.

    Attributes:
        store: The home, and MLflow's address where one was named.
        storage: Optuna's address; None for `optuna.db` in the home.
    """

    store: Store
    storage: str | None = field(default=None, repr=False)  # it may hold a password


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class BestTrial(TrialRecord):
    """The best trial of a study: its record, and the way to its model.

    Attributes:
        place: Where the study is; None where that is not known.
        baseline: The value of the study's baseline; None where it has none that compares.

    Example:
        >>> record = TrialRecord(study="movies", number=3, params={}, value=0.87)
        >>> BestTrial.of(record, None) == record
        True
    """

    place: Place | None = None
    baseline: float | None = None

    @classmethod
    def of(
        cls, record: TrialRecord, place: Place | None, *, baseline: float | None = None
    ) -> BestTrial:
        """Add to a trial's record where its study is, and what it is compared with."""
        known = {each.name: getattr(record, each.name) for each in _FIELDS}
        return cls(**known, place=place, baseline=baseline)

    def _repr_html_(self) -> str:
        """The trial as a table, as a notebook shows the last value of a cell."""
        return trial_html(self, baseline=self.baseline)

    def __eq__(self, other: object) -> bool:
        """Whether another one is a record of the same trial, and says the same."""
        if not isinstance(other, TrialRecord):
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in _FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def model(self) -> RatingPredictor | KerasPredictor:
        """Load the model that the trial kept.

        Returns:
            An object with `predict`. Of a model of ratings it takes a table with the columns `user`
            and `movie` of raw ids, and returns a score a row. Of a model of your own it takes an
            array, and the Keras model itself is the attribute `model`.

        Raises:
            SearchError: No model was kept, or it cannot be loaded.
            TrackingError: MLflow cannot be reached, or the model's files are gone.
        """
        from search.prediction.loading import load
        from search.prediction.target import trial_target
        from search.storage.studies import Studies

        if self.place is None:
            raise SearchError(
                "A model is loaded from the home of its study, but this result does not say where "
                f"that is. `open_study({self.study!r}, HOME)` does."
            )
        studies = Studies(self.place.store, self.place.storage)
        study = studies.get(self.study)
        return load(trial_target(studies, study, self.number, "Model: the best trial"), studies)


_FIELDS = fields(TrialRecord)
