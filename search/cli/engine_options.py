"""Options of `trialbook search` that say where trials run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from search.cli.common import with_options
from search.cli.help import option
from search.config.sections import RUNNING
from search.errors import SearchError

if TYPE_CHECKING:
    from search.engine.options import RayOptions
    from search.study.crew import Crew

_OF_RAY = ("address", "trial_memory", "trial_gpus", "worker_home", "worker_data")


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where trials run, and what each gets there."""
    of_running = partial(option, group=RUNNING)
    options = [
        of_running(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="Where trials run: in this machine's processes, or on a Ray cluster.",
        ),
        of_running(
            "--address",
            shown="RAY_ADDRESS, else a new one on this machine",
            help="Address of the Ray cluster: auto or HOST:6379.",
        ),
        of_running(
            "--trial-memory",
            type=click.FloatRange(0, min_open=True),
            metavar="MB",
            help="Memory that a trial reserves in Ray.",
        ),
        of_running(
            "--trial-gpus",
            type=click.FloatRange(0),
            help="GPUs that a trial reserves in Ray; 0.5 lets two trials share a GPU.",
        ),
        of_running("--worker-home", shown="that of --home", help="Home folder of Ray's workers."),
        of_running("--worker-data", shown="--data", help="Where Ray's workers find the ratings."),
    ]
    return with_options(command, options)


def ray_options(flags: dict[str, Any]) -> RayOptions | None:
    """Take the options of the engine out of the flags of a command.

    Args:
        flags: All flags; those of the engine are removed.

    Returns:
        What was chosen of Ray; None where trials run in this machine's processes.

    Raises:
        SearchError: Options of Ray were given without `--engine ray`.
    """
    engine = flags.pop("engine")
    given = {name: flags.pop(name) for name in _OF_RAY}
    if engine != "ray":
        for name, value in given.items():
            if value is not None:
                raise SearchError(
                    f"`--{name.replace('_', '-')}` is of a Ray cluster, but trials run on this "
                    "machine. Add `--engine ray`, or leave it away."
                )
        return None
    from search.engine.options import RayOptions

    workers = flags.get("workers")
    return RayOptions(
        address=given["address"],
        workers=workers if isinstance(workers, int) else None,
        cores=flags.get("threads") or 1,
        memory_mb=given["trial_memory"],
        gpus=given["trial_gpus"] or 0.0,
        home=given["worker_home"],
        data=given["worker_data"],
    )


@contextmanager
def crew_of(options: RayOptions | None) -> Iterator[Crew | None]:
    """Connect to a Ray cluster, where one was asked for, while the block runs.

    Args:
        options: What was chosen of Ray; None for none.
    """
    if options is None:
        yield None
        return
    from search.engine.cluster import connected
    from search.engine.ray_crew import RayCrew

    with connected(options) as ray:
        yield RayCrew(ray, options)
