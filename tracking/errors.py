"""The one exception that `tracking` raises for a user's mistake."""


class TrackingError(ValueError):
    """A user's mistake, stated in one line: the rule, the value received, the way out."""
