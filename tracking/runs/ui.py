"""The command that shows a record in a browser."""

from __future__ import annotations

import os
import socket
import sys
from ipaddress import ip_address

from tracking.addresses import without_password
from tracking.errors import TrackingError
from tracking.runs.store import Store

_PRIVATE = ("10.*", "192.168.*", *(f"172.{number}.*" for number in range(16, 32)))
"""Addresses within a network of one's own, which MLflow serves unless told otherwise."""
_ALWAYS = {
    "PYTHONSAFEPATH": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_AI_GATEWAY": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def ui_command(store: Store, port: int, host: str = "127.0.0.1") -> list[str]:
    """Compose the command that shows the store in a browser; it needs `ui_environment`.

    Args:
        store: The store; `prepare` it before the command runs.
        port: Port to listen on.
        host: Interface to listen on.

    Returns:
        The command's arguments, for `subprocess` or `os.execv`.

    Raises:
        TrackingError: If a tracking server serves the record already.

    Example:
        >>> from pathlib import Path
        >>> command = ui_command(Store(Path("mlruns")), port=5000)
        >>> command[1:5], command[-6:-2]
        (['-P', '-m', 'mlflow', 'server'], ['--host', '127.0.0.1', '--port', '5000'])
    """
    if store.served:
        raise TrackingError(
            "Only a record in a database can be served from here, but this one is on "
            f"{without_password(store.tracking_uri)}. Open that address in a browser."
        )
    artifacts = ["--artifacts-destination", store.artifacts.as_uri()]
    listen = ["--host", host, "--port", str(port), "--workers", "1"]
    ours = ["--app-name", "trialbook"]  # see `tracking.runs.view.pages`
    return [sys.executable, "-P", "-m", "mlflow", "server", *ours, *artifacts, *listen]


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach what listens at a name or an address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def ui_environment(store: Store, host: str = "127.0.0.1", port: int = 5000) -> dict[str, str]:
    """The environment variables of `ui_command`: this process's, and the address of the database.

    It may hold a password, which everybody could read among a process's arguments. For another host
    than loopback it names those that a browser may call the server by, since MLflow refuses others.
    No module is taken from the working directory, and what MLflow serves beside the record is off.

    Args:
        store: The store.
        host: Interface to listen on.
        port: Port to listen on.

    Example:
        >>> from pathlib import Path
        >>> ui_environment(Store(Path("/runs")))["MLFLOW_BACKEND_STORE_URI"]
        'sqlite:////runs/mlflow.db'
    """
    told = {"MLFLOW_BACKEND_STORE_URI": store.tracking_uri}
    if not is_loopback(host):
        names = sorted({"localhost", "127.0.0.1", *_names(host)})
        hosts = [*names, *(f"{name}:{port}" for name in names)]
        told["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join([*hosts, *_PRIVATE])
        told["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(f"http://{name}" for name in hosts)
    return told | os.environ | _ALWAYS | {"MLFLOW_BACKEND_STORE_URI": store.tracking_uri}


def _names(host: str) -> set[str]:
    """The names and addresses of this machine, and a given one, as browsers may send them."""
    import psutil

    cards = psutil.net_if_addrs().values()
    own = {each.address for card in cards for each in card if each.family == socket.AF_INET}
    names = {host, socket.gethostname(), socket.getfqdn(), *own}
    return names | {name.lower() for name in names}
