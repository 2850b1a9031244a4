"""Hears in a tuner what Keras Tuner does not tell its oracles: epochs, and fatal faults."""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner

EpochHeard = Callable[[str, int, float, Mapping[str, Any]], None]
"""Is called with a trial's identifier, the epoch's number from 1, its seconds and its metrics."""
FaultHeard = Callable[[str, BaseException], None]
"""Is called with a trial's identifier and what is raised through the tuner's `search`."""

_STEPS = ("on_trial_begin", "_try_run_and_update_trial", "on_trial_end")
"""The steps of a trial in `search`; what they raise, `search` raises."""


def is_client() -> bool:
    """Whether this process is a client of Keras Tuner's distributed search, not its chief.

    Keras Tuner says so by `KERASTUNER_ORACLE_IP` and `KERASTUNER_TUNER_ID` in the environment.
    """
    if "KERASTUNER_ORACLE_IP" not in os.environ or "KERASTUNER_TUNER_ID" not in os.environ:
        return False
    return "chief" not in os.environ["KERASTUNER_TUNER_ID"]


def asking_tuner(oracle: keras_tuner.Oracle) -> Any:
    """The tuner whose `search` is asking an oracle for a trial now; None where none is.

    Keras Tuner hands its oracles no tuner. The one that asks is found among the calls under way.

    Args:
        oracle: The oracle that is asked.
    """
    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, base_tuner.BaseTuner) and caller.oracle is oracle:
            return caller
        frame = frame.f_back
    return None


def hear_epochs(tuner: Any, heard: EpochHeard) -> None:
    """Wrap a tuner's `on_epoch_begin` and `on_epoch_end`; one without them is left as it is.

    Args:
        tuner: A `keras_tuner` tuner.
        heard: Hears of each epoch.
    """
    begin = getattr(tuner, "on_epoch_begin", None)
    end = getattr(tuner, "on_epoch_end", None)
    if begin is None or end is None:
        return
    started: dict[str, float] = {}

    def on_epoch_begin(trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        started[trial.trial_id] = time.monotonic()
        begin(trial, model, epoch, logs=logs)

    def on_epoch_end(trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        end(trial, model, epoch, logs=logs)
        seconds = time.monotonic() - started.get(trial.trial_id, time.monotonic())
        heard(trial.trial_id, epoch + 1, seconds, logs or {})

    tuner.on_epoch_begin, tuner.on_epoch_end = on_epoch_begin, on_epoch_end


def hear_faults(tuner: Any, heard: FaultHeard) -> None:
    """Wrap the steps of a tuner's trials, so that what ends the whole search is heard.

    Ordinary exceptions of a training are Keras Tuner's to handle: it fails the trial, or tries it
    again. `keras_tuner.errors.FatalError`, Ctrl-C and the like go through, and end the search.

    Args:
        tuner: A `keras_tuner` tuner.
        heard: Hears of what is raised; it is raised again.
    """
    for name in _STEPS:
        step = getattr(tuner, name, None)
        if step is not None:
            setattr(tuner, name, _guarded(step, heard))


def _guarded(step: Callable[..., Any], heard: FaultHeard) -> Callable[..., Any]:
    """Make a function that calls a step, and tells what it raises."""

    @functools.wraps(step)
    def guarded(trial: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return step(trial, *arguments, **options)
        except BaseException as error:
            heard(trial.trial_id, error)
            raise

    return guarded
