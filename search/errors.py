"""The exception for a user's mistake in `search`, and all of its kind."""

from models.errors import ModelsError
from tracking.errors import TrackingError


class SearchError(ValueError):
    """A user's mistake, told in one line: the rule, the value received, the way out."""


USER_ERRORS = (SearchError, ModelsError, TrackingError)
