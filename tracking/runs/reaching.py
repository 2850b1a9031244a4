"""Asks a server of MLflow's, or of its database, whether it is there and lets this process in."""

from __future__ import annotations

import base64
import os
from importlib.metadata import entry_points

from tracking.addresses import without_password
from tracking.errors import TrackingError
from tracking.runs.quiet import one_line

_CONNECT_TIMEOUT_S = 5
_UNAUTHENTICATED = 401
_SETTING = "MLFLOW_TRACKING_"
_PLUGINS = "mlflow.request_header_provider"
_CREDENTIALS = "~/.mlflow/credentials"
_GIVEN = "Start the server or correct the address; leave it out to use the folder's own database."
_STORED = (
    "The address is stored with the study: start its server, or name another address of the record "
    "with `--tracking-uri`."
)
_QUESTION = "/api/2.0/mlflow/experiments/get?experiment_id=0"


def why_away(uri: str) -> str:
    """Say why a server cannot be reached now, as a sentence; an empty text where it can.

    Args:
        uri: A tracking server's address, or a database's.

    Raises:
        TrackingError: The address names a driver that is not there, or cannot be read.
    """
    try:
        if uri.startswith("http"):
            reach_server(uri)
        else:
            reach_database(uri)
    except _Away as error:
        return f"{str(error).split('. ')[0]}."
    return ""


def reach_database(uri: str) -> None:
    """Connect to a database on a server once.

    Args:
        uri: Its address.

    Raises:
        TrackingError: It does not answer.
    """
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    from tracking.runs.home.steps import engine_for_a_look

    try:
        with engine_for_a_look(uri).connect():
            pass
    except DBAPIError as error:
        raise unreachable(uri, one_line(error)) from error
    except (SQLAlchemyError, ValueError, ImportError) as error:  # a driver, or the address itself
        raise TrackingError(str(unreachable(uri, one_line(error)))) from error


def reach_server(uri: str) -> None:
    """Check that a tracking server answers, and that it knows who asks.

    Args:
        uri: The server's address.

    Raises:
        TrackingError: If nothing answers within five seconds, or the server refuses the name and
            password, or that there are none.
    """
    try:
        _ask(uri, "/health")  # anybody may ask this
        refused = _is_known() and _ask(uri, _QUESTION) == _UNAUTHENTICATED
    except (OSError, ValueError) as error:  # all failures of requests are the former
        away = unreachable(uri, _reason(error))
        if isinstance(error, ValueError):  # the address itself
            raise TrackingError(str(away)) from error
        raise away from error
    if refused:
        raise TrackingError(
            f"MLflow's server must know who asks, but {without_password(uri)} refuses this name "
            "and password, or wants some. Give them in the address, as NAME:PASSWORD@HOST, or in "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
        )


def _ask(uri: str, what: str) -> int:
    """Ask a server something as MLflow asks it; return the status of its answer.

    What MLflow's own library for HTTP does is done alike: name and password of the address or of a
    file `.netrc`, redirections, proxies, certificates.
    """
    import requests

    answer = requests.get(
        f"{uri.rstrip('/')}{what}",
        headers=_authorization(),
        timeout=_CONNECT_TIMEOUT_S,
        verify=_trusted(uri),
        cert=os.environ.get(f"{_SETTING}CLIENT_CERT_PATH"),
    )
    return answer.status_code


def _authorization() -> dict[str, str]:
    """What MLflow sends to say who asks, by its environment variables."""
    name, password = os.environ.get(f"{_SETTING}USERNAME"), os.environ.get(f"{_SETTING}PASSWORD")
    token = os.environ.get(f"{_SETTING}TOKEN")
    if name and password:
        word = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _is_known() -> bool:
    """Whether MLflow says who asks in no other way than those of `_ask`."""
    others = (f"{_SETTING}AUTH", f"{_SETTING}AWS_SIGV4")
    has_file = os.path.exists(os.path.expanduser(_CREDENTIALS))
    return not (has_file or any(map(os.environ.get, others)) or entry_points(group=_PLUGINS))


def _trusted(uri: str) -> bool | str:
    """Which servers' certificates are trusted, by MLflow's environment variables.

    Raises:
        TrackingError: There are no certificates where a variable says so.
    """
    own = os.environ.get(f"{_SETTING}SERVER_CERT_PATH")
    if own and uri.startswith("https") and not os.path.exists(own):
        raise TrackingError(
            f"{_SETTING}SERVER_CERT_PATH must name a file of certificates, or a folder of them, "
            f"but there is no {own}."
        )
    return own or os.environ.get(f"{_SETTING}INSECURE_TLS", "").lower() not in ("true", "1")


def _reason(error: BaseException) -> str:
    """Why a server does not answer: what the operating system says, where it says something."""
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
        each = each.__cause__ or each.__context__
    return one_line(error)


class _Away(TrackingError):
    """Nobody answers at an address now."""


def unreachable(uri: str, why: str) -> _Away:
    """Say that nobody answers at an address.

    Args:
        uri: The address.
        why: What was said of it.
    """
    return _Away(
        f"The tracking address must be reachable, but {without_password(uri)} is not ({why}). "
        f"{_GIVEN}"
    )


def of_stored(error: TrackingError) -> TrackingError:
    """Say of an address that cannot be reached that a study has it, and that nobody gave it now.

    Args:
        error: From what looks for a server; another one stays as it is.
    """
    return TrackingError(str(error).replace(_GIVEN, _STORED))
