"""`SearchError` for a user's mistake, and a tuple of all exceptions that mean a user's mistake."""

from models.errors import ModelsError
from tracking.errors import TrackingError


class SearchError(ValueError):
    """Raised for a user's mistake; the one-line message tells the rule, the value and the remedy.

    Example:
        >>> from search import StudyConfig
        >>> try:
        ...     StudyConfig(epochs=0)
        ... except SearchError as error:
        ...     print(error)
        `epochs` must be at least 1, but got 0.
    """


USER_ERRORS = (SearchError, ModelsError, TrackingError)
