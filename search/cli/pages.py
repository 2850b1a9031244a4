"""What the commands share that serve pages for a browser."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import click

from search.errors import SearchError

HOST = "127.0.0.1"
"""Where pages are served unless a user says otherwise: for this machine alone."""
EVERYWHERE = "0.0.0.0"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def page_options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--host`, `--port` and `--no-browser`.

    Args:
        port: Where pages are served unless a user says otherwise.
    """

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(_page_options(port)):
            command = each(command)
        return command

    return added


def _page_options(port: int) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    return [
        click.option(
            "--host",
            default=HOST,
            show_default=True,
            metavar="NAME",
            help="Name or address of this machine to serve at; 0.0.0.0 for all its addresses.",
        ),
        click.option(
            "--port",
            type=click.IntRange(1, 65535),
            default=port,
            show_default=True,
            help="Port to serve at; it must be free.",
        ),
        click.option("--no-browser", is_flag=True, help="Print the address, and open no browser."),
    ]


def has_browser() -> bool:
    """Whether a window would open: a text browser would take the terminal."""
    has_windows = sys.platform in ("darwin", "win32") or any(map(os.environ.get, _DISPLAYS))
    return sys.stdout.isatty() and has_windows


def reachable_at(host: str, address: str) -> str:
    """Where other machines reach this one, in words.

    Args:
        host: What the user named.
        address: The address that it stands for.
    """
    return "any of its addresses" if address == EVERYWHERE else host


def served_url(host: str, address: str, port: int) -> str:
    """The address of a page's server, as a browser takes it.

    Args:
        host: What the user named.
        address: The address that it stands for; all of a machine's are called by its name.
        port: The port.
    """
    name = socket.gethostname().lower() if address == EVERYWHERE else host
    return f"http://{name}:{port}"


def free_address(host: str, port: int) -> str:
    """The address that a name or a shorter way to write it stands for, once its port is free.

    Args:
        host: What the user named.
        port: Likewise.

    Raises:
        SearchError: It is no name of this machine, or the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if not host:  # the system takes it for all addresses
                raise UnicodeError("it is empty")
            probe.bind((host.encode("idna"), port))
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            is_unknown = isinstance(error, (socket.gaierror, UnicodeError))
            if is_unknown or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
                raise SearchError(
                    f"`host` must be a name or IPv4 address of this machine, but {host!r} is "
                    f"not ({why})."
                ) from None
            raise SearchError(
                f"`port` must be free on {host}, but {port} is not ({why}). Choose another with "
                "`--port`."
            ) from None
        return str(probe.getsockname()[0])
