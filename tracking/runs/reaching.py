"""Asks a server of MLflow's, or of its database, whether it is there and lets this process in."""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

from tracking.addresses import without_password
from tracking.errors import TrackingError
from tracking.runs.quiet import one_line

_CONNECT_TIMEOUT_S = 5
_UNAUTHENTICATED = 401
_SETTING = "MLFLOW_TRACKING_"
_CREDENTIALS = "~/.mlflow/credentials"
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
    except OSError as error:
        raise unreachable(uri, one_line(error)) from error
    except (ValueError, http.client.HTTPException) as error:
        raise TrackingError(str(unreachable(uri, one_line(error)))) from error
    if refused:
        raise TrackingError(refusal(uri))


def refusal(uri: str) -> str:
    """Say that a server does not know who asks.

    Args:
        uri: The server's address.
    """
    return (
        f"MLflow's server must know who asks, but {without_password(uri)} refuses this name and "
        "password, or wants some. Give them in the address, as NAME:PASSWORD@HOST, or in "
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    )


def _ask(uri: str, what: str) -> int:
    """Ask a server something; return the status of its answer."""
    asked, trusted = _question(uri, what), _trust()
    try:
        with urllib.request.urlopen(asked, timeout=_CONNECT_TIMEOUT_S, context=trusted) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:  # somebody is there
        answer.close()
        return answer.code


def _question(uri: str, what: str) -> urllib.request.Request:
    """Make a question; name and password go in a header, as MLflow's own.

    They are not sent on where the server says to ask another one.
    """
    parts = urllib.parse.urlsplit(uri)
    user, _, host = parts.netloc.rpartition("@")
    path, _, query = what.partition("?")
    request = urllib.request.Request(
        parts._replace(netloc=host, path=f"{parts.path.rstrip('/')}{path}", query=query).geturl()
    )
    if word := _authorization(user):
        request.add_unredirected_header("Authorization", word)
    return request


def _authorization(user: str) -> str:
    """What MLflow sends to say who asks: by the address, else by its environment variables."""
    given = urllib.parse.unquote(user if ":" in user else f"{user}:")
    name, password = os.environ.get(f"{_SETTING}USERNAME"), os.environ.get(f"{_SETTING}PASSWORD")
    token = os.environ.get(f"{_SETTING}TOKEN")
    if not user and name and password:
        user = given = f"{name}:{password}"
    if user:
        return f"Basic {base64.b64encode(given.encode()).decode()}"
    return f"Bearer {token}" if token else ""


def _is_known() -> bool:
    """Whether MLflow says who asks in no other way than those of `_authorization`."""
    others = (f"{_SETTING}AUTH", f"{_SETTING}AWS_SIGV4")
    return not (
        any(map(os.environ.get, others)) or os.path.exists(os.path.expanduser(_CREDENTIALS))
    )


def _trust() -> ssl.SSLContext | None:
    """Which servers' certificates are trusted, by MLflow's environment variables."""
    if os.environ.get(f"{_SETTING}INSECURE_TLS", "").lower() in ("true", "1"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    own = os.environ.get(f"{_SETTING}SERVER_CERT_PATH")
    return ssl.create_default_context(cafile=own) if own else None


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
        "Start the server or correct the address; leave it out to use the folder's own database."
    )
