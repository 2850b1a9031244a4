"""The exception that `models` raises for a user's mistake."""


class ModelsError(ValueError):
    """A user's mistake, in one line: the rule, the value received, the way out.

    Example:
        >>> from models import ModelConfig
        >>> try:
        ...     ModelConfig(embedding_size=0)
        ... except ModelsError as error:
        ...     print(error)
        `embedding_size` must be a whole number from 1 to 65536, but got 0.
    """
