"""What a study would cost, measured on a few epochs of its first trial."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import Any

from search.child.messages import Done, Failed, Task
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.supervisor import ChildDied, Supervisor
from search.space.parameters import Parameter, without_empty_conditions
from search.trial.interruption import make_folder
from tracking import EpochRecord

_EPOCHS = 4
_PLOTS_MB = 25.0
_TRIAL_FILES_MB = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A study's space and its estimated cost.

    Attributes:
        space: A row a parameter: name, kind, min, max, step, values, log, default, when.
        workers: Trials that are trained at once.
        seconds_epoch: An epoch of the first trial, measured alone on its threads.
        seconds: The whole study, if nothing is pruned and nothing stops early.
        memory_mb: Peak of a training process, measured, times the workers, and the study's own
            400 MB.
        disk_mb: Models, files, plots.
        trials: Of the study.
    """

    space: tuple[dict[str, Any], ...]
    workers: int
    seconds_epoch: float
    seconds: float
    memory_mb: float
    disk_mb: float
    trials: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def make_plan(config: StudyConfig) -> Plan:
    """Load the data, train a few epochs of the first trial, and reckon from there.

    Raises:
        SearchError: The data or the model cannot be had, or the first trial fails.
    """
    folder = make_folder()
    supervisor = Supervisor(config)
    try:
        ready = supervisor.ready()
        preset = "baseline" if config.model == "ratings" else config.model
        supervisor.submit(
            Task(
                values=ready.first,
                preset=preset if config.rates else None,
                seed=config.seed,
                epochs=min(_EPOCHS, config.epochs),
                folder=folder,
            )
        )
        done, epochs = _run(supervisor)
        size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
    finally:
        supervisor.close()
        shutil.rmtree(folder, ignore_errors=True)
    later = [e.seconds for e in epochs[1:]] or [e.seconds for e in epochs] or [0.0]
    second = sum(later) / len(later)
    kept = {"all": config.trials, "best": 1, "none": 0}[config.keep_models]
    trial = parts_of(config) * second * config.epochs + 3.0
    return Plan(
        space=tuple(_describe(p, when) for p, when in without_empty_conditions(ready.space)),
        seconds_epoch=second,
        workers=ready.workers,
        seconds=-(-config.trials // ready.workers) * trial + 15.0,
        memory_mb=ready.workers * done.metrics.get("peak_memory_mb", 0.0) + 400.0,
        disk_mb=kept * size + config.trials * _TRIAL_FILES_MB + _PLOTS_MB,
        trials=config.trials,
    )


def _run(supervisor: Supervisor) -> tuple[Done, list[EpochRecord]]:
    epochs: list[EpochRecord] = []
    while True:
        try:
            message = supervisor.poll(1.0)
        except ChildDied as error:
            raise SearchError(f"The first trial must train to be timed, but {error}") from error
        if isinstance(message, EpochRecord):
            epochs.append(message)
        elif isinstance(message, Failed):
            raise SearchError(f"The first trial must train to be timed, but: {message.message}")
        elif isinstance(message, Done):
            return message, epochs


def _describe(parameter: Parameter, when: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "kind": parameter.kind,
        "min": parameter.low,
        "max": parameter.high,
        "values": list(parameter.values) or None,
        "step": parameter.step,
        "log": parameter.log,
        "default": parameter.default,
        "when": when,
    }
