"""Trains a few epochs of a study's first trial, to estimate what the whole study costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from search.child.messages import ALONE, Failed, Ready
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.cost.estimate import Plan, Rehearsal, plan_from
from search.cost.memory import MemoryCost
from search.cost.outlook import Spread, cost_of, size_of, spread
from search.errors import SearchError
from search.executor.death import ChildDied
from search.executor.supervisor import Supervisor
from search.executor.training import Listener, train
from search.storage.studies import Studies
from search.storage.trial_attributes import TrialPlan
from search.study.choice import Chosen, choose
from search.study.opening import settled
from search.study.request import Request
from search.trial.task import task_of
from tracking import EpochRecord
from tracking.scratch import scratch_folder

_EPOCHS = 4


Chooser = Callable[[Ready], Chosen]


def make_plan(config: StudyConfig, studies: Studies, request: Request) -> Plan:
    """Load the data, train a few epochs of the first trial, and estimate the study's cost.

    What the study itself would refuse is refused; nothing is stored.

    Args:
        config: The study.
        studies: Where it may be stored already, and an earlier one that it learns from.
        request: What the user asks of the call.

    Raises:
        SearchError: The data or the model cannot be had, a setting does not fit, or the first trial
            fails.
        TrackingError: The record can be in no such place.
    """
    config = settled(config, studies, request.unnamed)
    studies.store.check()
    with scratch_folder("trial") as folder:
        chooser = partial(choose, config, studies, request=request)
        return plan_from(config, _rehearse(config, folder, chooser))


def _rehearse(config: StudyConfig, folder: Path, chooser: Chooser) -> Rehearsal:
    """Train the first trial for a few epochs, and measure time, memory and files."""
    supervisor, epochs = Supervisor(config, role=ALONE), _Seconds()
    try:
        ready = supervisor.ready()
        chosen = chooser(ready)
        ready = replace(ready, space=chosen.space.parameters)
        preset = "baseline" if config.model == "ratings" else config.model
        plan = TrialPlan(
            values=ready.first,
            preset=preset if config.rates else None,
            seed=config.seed,
            epochs=min(_EPOCHS, config.epochs),
        )
        ended = train(supervisor, task_of(plan, folder), epochs)
        if ended is None or isinstance(ended, Failed):
            why = ended.message if ended else "it was stopped"
            raise SearchError(f"The first trial must train to be timed, but: {why}")
        return Rehearsal(
            seconds=epochs.seconds,
            memory_mb=ended.metrics.get("peak_memory_mb", 0.0),
            files_mb=sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6,
            space=ready.space,
            workers=ready.workers,
            grows=ready.grows,
            warnings=(*chosen.lines(), *ready.warnings),
            others=_others(config, ready, epochs.seconds),
            others_mb=_others_mb(config, ready, ended.metrics.get("peak_memory_mb")),
        )
    except ChildDied as error:
        raise SearchError(f"The first trial must train to be timed, but {error}") from error
    finally:
        supervisor.close()


def _others(config: StudyConfig, ready: Ready, seconds: Sequence[float]) -> Spread | None:
    """Estimate an epoch of the trials after the first, given what the first one's took."""
    cost = cost_of(config, ready)
    if cost is None or not ready.first or not seconds:
        return None
    cost.learn(ready.first, statistics.median(seconds) / parts_of(config))
    return spread(cost.seconds, ready.space)


def _others_mb(config: StudyConfig, ready: Ready, peak_mb: float | None) -> Spread | None:
    """Estimate the memory of the trials after the first, given what the first one needed."""
    size = size_of(config, ready)
    if size is None or not ready.first or not peak_mb:
        return None
    memory = MemoryCost(size)
    memory.learn(ready.first, peak_mb)
    return spread(lambda values: memory.peak_mb(values) or 0.0, ready.space)


class _Seconds(Listener):
    """Lists the seconds that each epoch took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Add the seconds of an epoch to the list, and let the trial go on."""
        self.seconds.append(record.seconds)
        return True
