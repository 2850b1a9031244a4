"""The option of `trialbook search` that tells a person far away what happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from search.cli.common import console
from search.cli.help import OUTPUT, option

if TYPE_CHECKING:
    from search.notify.addresses import Address
    from search.study.result import StudyResult
    from search.trial.progress import Progress

VARIABLE = "TRIALBOOK_NOTIFY"
"""Holds addresses: they are secrets, and stand among no process's arguments there."""


def notify_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--notify URL`, which may be repeated."""
    return option(
        "--notify",
        "notify",
        group=OUTPUT,
        multiple=True,
        metavar="URL",
        envvar=VARIABLE,
        callback=_taken,
        help="Address, in Apprise's form, that is notified of a new best trial, of failures and of "
        f"the end; may be repeated. It is a secret: better give it in {VARIABLE}.",
    )(command)


def _taken(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Take addresses out of the environment, which child processes would inherit."""
    os.environ.pop(VARIABLE, None)
    source = context.get_parameter_source(parameter.name or "")
    is_secret = any("://" in each for each in given)  # else it is no address, and is refused
    if is_secret and source == ParameterSource.COMMANDLINE:
        console(True).print(
            "Everybody on this machine can read the address in `--notify` while this runs. Give it "
            f"in the variable {VARIABLE} instead."
        )
    return given


def notified(urls: tuple[str, ...]) -> list[Address]:
    """Check the addresses that a user gave, before anything is begun.

    Raises:
        SearchError: Apprise is not installed, or does not know one of them.
    """
    if not urls:
        return []
    from search.notify.addresses import addresses

    return addresses(urls)


@contextmanager
def telling(
    places: list[Address], study: str, progress: Progress
) -> Iterator[tuple[Progress, Callable[[StudyResult], None]]]:
    """Notify of what happens in a study while the block runs.

    Args:
        places: Where notifications go; none changes nothing.
        study: The study's name.
        progress: Hears everything.

    Yields:
        What hears everything in its place, and a function that is told the result.
    """
    if not places:
        yield progress, lambda result: None
        return
    from search.notify.hearing import Hearing, told_of_failure
    from search.notify.notifier import Notifier

    notifier = Notifier(f"Trialbook: {study}", places, progress.message)
    hearing = Hearing(progress, notifier)
    with told_of_failure(hearing, notifier):
        yield (
            hearing,
            lambda result: notifier.close(hearing.over(result) if hearing.has_begun else None),
        )
