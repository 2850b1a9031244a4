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


def in_one_line(error: BaseException) -> str:
    """An exception's type and message in one line.

    Example:
        >>> in_one_line(RuntimeError("first   second"))
        'RuntimeError: first second'
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


USER_ERRORS = (SearchError, ModelsError, TrackingError)
