"""The exception for a user's mistake in `search`, and the tuple of all exceptions of that kind."""

from models.errors import ModelsError
from tracking.errors import TrackingError


class SearchError(ValueError):
    """A user's mistake; its message is one line: the rule, the value received, the way out."""


USER_ERRORS = (SearchError, ModelsError, TrackingError)
