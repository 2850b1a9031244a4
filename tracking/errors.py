"""The one exception that `tracking` raises for a user's mistake."""


class TrackingError(ValueError):
    """A user's mistake, stated in one line: the rule, the value received, the way out.

    Example:
        >>> from pathlib import Path
        >>> from tracking import Store
        >>> try:
        ...     Store(Path("home"), "mlflow.db")
        ... except TrackingError as error:
        ...     print(str(error)[:32])
        The record must be in a database
    """
