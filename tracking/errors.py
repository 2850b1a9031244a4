"""The exceptions of `tracking`: for a user's mistake, and for a trial that is no longer ours."""


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


class Withdrawn(Exception):
    """The end of a trial must not be recorded, since another process has taken the trial over.

    Whoever tells a trial's end raises it; what was kept for the record is dropped then.

    Example:
        >>> try:
        ...     raise Withdrawn("Trial 3 was taken over.")
        ... except Withdrawn as error:
        ...     print(error)
        Trial 3 was taken over.
    """
