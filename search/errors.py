"""The exception for a user's mistake in `search`, and the tuple of all exceptions of that kind."""

from models.errors import ModelsError
from tracking.errors import TrackingError


class SearchError(ValueError):
    """A user's mistake; its message is one line: the rule, the value received, the way out.

    Example:
        >>> from search import StudyConfig
        >>> try:
        ...     StudyConfig(epochs=0)
        ... except SearchError as error:
        ...     print(error)
        `epochs` must be at least 1, but got 0.
    """


USER_ERRORS = (SearchError, ModelsError, TrackingError)
