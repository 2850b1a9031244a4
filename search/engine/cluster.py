"""Connects to a Ray cluster, and says what it has."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten
from typing import Any

from search.engine.options import RayOptions
from search.errors import SearchError, in_one_line

_ANSWERS_WITHIN_S = 10.0
_STORE_BYTES = 100 * 2**20
"""Ray's store of objects on this machine: nothing large goes through it."""


def ray_module() -> Any:
    """Import Ray; late, since that takes a second.

    Raises:
        SearchError: It is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise SearchError(
            "`--engine ray` needs Ray, which is not installed. Install the extra: "
            "pip install 'trialbook[ray]'."
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # CUDA_VISIBLE_DEVICES stays
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
    return ray


@contextmanager
def connected(options: RayOptions) -> Iterator[Any]:
    """Connect to a Ray cluster, or start one on this machine, while the block runs.

    Args:
        options: Where it is.

    Yields:
        The module `ray`, connected.

    Raises:
        SearchError: Ray is not installed, or no cluster answers there.
    """
    ray = ray_module()
    # Ray has a handler of its own, which would end this process at once.
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    address = options.address or os.environ.get("RAY_ADDRESS")
    if address:
        _must_answer(address, ray.__version__)
    own: dict[str, Any] = {"object_store_memory": _STORE_BYTES, "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(
                address=address or "local",
                namespace="trialbook",
                log_to_driver=False,
                logging_level="ERROR",
                ignore_reinit_error=True,
                **({} if address else own),
            )
    except Exception as error:
        raise _unanswered(address, ray.__version__, error) from error
    try:
        for number, handler in kept.items():
            signal.signal(number, handler)
        yield ray
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.shutdown()


def _must_answer(address: str, version: str) -> None:
    """Refuse an address where nothing listens, which Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # a name, say "auto", that Ray knows to find
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise _unanswered(address, version, error) from error


def _unanswered(address: str | None, version: str, error: Exception) -> SearchError:
    where = f"`{address}`" if address else "this machine"
    why = shorten(in_one_line(error), 300, placeholder=" …").rstrip(".")
    return SearchError(
        f"`--address` must name a Ray cluster that answers, of Ray {version} and of this version "
        f"of Python, but {where} gave {why}. Start one with `ray start --head`, or leave the "
        "address away."
    )


def machines(ray: Any) -> set[str]:
    """Addresses of the machines of a cluster that live."""
    return {str(node["NodeManagerAddress"]) for node in ray.nodes() if node["Alive"]}


def room(ray: Any, options: RayOptions) -> int:
    """How many trials a cluster can run at once, by what each of its nodes has.

    Args:
        ray: The module, connected.
        options: What a trial gets.
    """
    return sum(_fits(node["Resources"], options) for node in ray.nodes() if node["Alive"])


def _fits(has: dict[str, float], options: RayOptions) -> int:
    """How many trials fit on a node.

    Example:
        >>> _fits({"CPU": 8.0, "memory": 4e9}, RayOptions(cores=2, memory_mb=1500))
        2
    """
    needed = {
        "CPU": float(options.cores),
        "GPU": options.gpus,
        "memory": (options.memory_mb or 0.0) * 1e6,
    }
    shares = (has.get(name, 0.0) / much for name, much in needed.items() if much)
    return math.floor(min(shares) + 1e-9)
