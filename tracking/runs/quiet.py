"""MLflow without its chatter: what every late import of it goes through first."""

from __future__ import annotations

import functools
import logging
import os
import warnings


@functools.cache
def quiet() -> None:
    """Import MLflow with it and Alembic kept to warnings, and its usage reports at home.

    All are defaults: a user who sets the variables keeps what they set. MLflow's tables use
    an option that newer SQLAlchemys call deprecated; that is for MLflow to mend, and is not
    told to whoever imports it here. Calling it again costs nothing.
    """
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def one_line(error: BaseException, limit: int = 200) -> str:
    """The first line of an error's text, shortened: what fits into a message of ours."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= limit else lines[0][: limit - 3] + "..."


def is_missing(error: Exception) -> bool:
    """Whether an `MlflowException` says that there is no such thing, not that asking failed."""
    code = getattr(error, "error_code", "")
    return code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
