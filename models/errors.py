"""The exception that `models` raises for a user's mistake."""


class ModelsError(ValueError):
    """A user's mistake, in one line: the rule, the value received, the way out."""
