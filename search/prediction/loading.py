"""Loads the model of a target, or of a trial of a study that was run or read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.prediction.predictor import load_predictor
from search.errors import SearchError
from search.prediction.target import Target, folder_of
from search.storage.studies import Studies

if TYPE_CHECKING:
    from models.serving import KerasPredictor, RatingPredictor


def load(target: Target, studies: Studies) -> RatingPredictor | KerasPredictor:
    """Load a model; Keras is imported only where the model needs it.

    Args:
        target: The model.
        studies: Where its study is.

    Raises:
        SearchError: It is damaged, or needs code that is not here.
        TrackingError: Its files are gone.
    """
    with folder_of(target, studies) as folder:
        try:
            return load_predictor(folder)
        except ValueError as error:
            raise SearchError(str(error)) from error
