"""Addresses that notifications go to, by way of Apprise; an address is a secret."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Protocol

from search.errors import SearchError


class Address(Protocol):
    """Where notifications go."""

    def send(self, title: str, text: str) -> bool:
        """Send a notification, however long that takes; the answer says whether it was sent."""
        ...


def addresses(urls: Sequence[str]) -> list[Address]:
    """Read addresses as Apprise knows them: `slack://…`, `mailto://…`, `json://host/path`.

    Args:
        urls: The addresses. None of them is shown, here or later: they hold passwords.

    Raises:
        SearchError: Apprise is not installed, or does not know an address.
    """
    try:
        import apprise
    except ImportError:
        raise SearchError(
            "`--notify` needs Apprise, but it is not installed. Install the extra `notify`: "
            "pip install 'trialbook[notify]'"
        ) from None
    # It tells of addresses in what it logs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    made: list[Address] = []
    for place, url in enumerate(urls, 1):
        one = apprise.Apprise()
        is_known = False
        with contextlib.suppress(Exception):  # whose words may hold the address
            is_known = bool(one.add(url))
        if not is_known:
            which = "the one given" if len(urls) == 1 else f"number {place} of {len(urls)}"
            raise SearchError(
                f"`--notify` must be an address that Apprise knows, say ntfy://TOPIC, but {which} "
                "is none. It is not shown, since addresses hold secrets."
            )
        made.append(_Known(one, apprise.NotifyFormat.TEXT))
    return made


class _Known:
    """An address as Apprise keeps it."""

    def __init__(self, one: object, kind: object) -> None:
        self._one = one
        self._kind = kind

    def send(self, title: str, text: str) -> bool:
        """Send a notification as plain text, whatever characters names in it have."""
        return bool(self._one.notify(body=text, title=title, body_format=self._kind))  # type: ignore[attr-defined]
