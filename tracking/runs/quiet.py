"""Imports MLflow quietly and reads its errors; call `quiet` before any other MLflow import."""

from __future__ import annotations

import functools
import logging
import os
import re
import warnings

from tracking.addresses import without_password


def _ignore_warnings() -> None:
    """Ignore what MLflow's import warns of, which is for MLflow to mend, in the whole process.

    Filters that are set for a while only would be those of every thread, and MLflow is imported in
    the background. As an error, the first would leave MLflow's tables unusable in this process.
    """
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy")
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")


_ignore_warnings()  # here too: what another thread sets for a while begins with these


@functools.cache
def quiet() -> None:
    """Import MLflow so that it logs warnings only and sends no usage reports.

    The environment variables are defaults: a user who has set them keeps what they set. Calling
    the function again costs nothing.
    """
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Who is away is asked again by the record itself; MLflow alone would go on for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # also in log files
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it raises that too
    _ignore_warnings()
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def one_line(error: BaseException, limit: int = 200) -> str:
    """The first line of an error's text without a password, at most `limit` characters long."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = without_password(lines[0])
    return line if len(line) <= limit else line[: limit - 3] + "..."


def is_missing(error: Exception) -> bool:
    """Whether an `MlflowException` says that the run, model or experiment asked for is missing."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


def can_name_run(run_id: str) -> bool:
    """Whether a text can be a run's identifier; MLflow refuses to look for any other.

    Example:
        >>> can_name_run("0a1b2c"), can_name_run("movies:7"), can_name_run("")
        (True, False, False)
    """
    return re.fullmatch(r"[a-zA-Z0-9][\w-]{0,255}", run_id, re.ASCII) is not None
