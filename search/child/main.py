"""The child process of a study: loads the data once, then trains one trial after another.

Forked by `search.child.fork_server` and given one end of a pipe. It is a process of its own so
that the kernel's out-of-memory kill or a crash in native code ends a trial, not a study.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from importlib import import_module
from multiprocessing.connection import Connection
from textwrap import shorten
from typing import Any

from models.cores import available_cores
from search.child.allotment import Allotment, allot
from search.child.memory import peak_memory_mb, reset_peak_memory
from search.child.messages import (
    ALONE,
    KEEPS,
    Done,
    Failed,
    Keep,
    Kept,
    Refused,
    Score,
    Scored,
    Setup,
    Started,
    Task,
)
from search.child.reporter import Reporter, Stopped, StudyGone
from search.child.runner import Keeps, Runner
from search.config.study import StudyConfig
from search.errors import USER_ERRORS, SearchError, in_one_line, is_disk_full
from tracking import EndReason


def main(descriptor: int) -> None:
    """Serve the study at the other end of the pipe until it closes.

    Args:
        descriptor: Our end of the pipe.
    """
    pipe = Connection(descriptor)
    die_with_parent(threading.Event())
    with contextlib.suppress(OSError):  # the kernel should take the trial, never the study
        _write("/proc/self/oom_score_adj", "800")
    try:
        pipe.send(Started(os.getpid()))
        setup: Setup = pipe.recv()
        started = time.perf_counter()
        runner = _start(pipe, setup)
        loading = time.perf_counter() - started
        while runner is not None:
            task: Task | Score | Keep = pipe.recv()
            if isinstance(task, Score | Keep):
                pipe.send(_answer(runner, task))
                continue
            ended = _run(runner, task, Reporter(pipe, task))
            # Of the process's first trial, since the data are loaded for all of them at once.
            pipe.send(replace(ended, metrics={**ended.metrics, "seconds_load": loading}))
            loading = 0.0
            runner.tidy()
            gc.collect()
    except (EOFError, ConnectionError, StudyGone):
        return


def _start(pipe: Connection, setup: Setup) -> Runner | None:
    """Load the data, send `Ready` and return the runner.

    A user's mistake is sent as `Refused` instead, and None is returned.
    """
    os.environ.clear()
    os.environ.update(setup.environment)
    os.chdir(setup.folder)
    if setup.folder not in sys.path:
        sys.path.append(setup.folder)
    try:
        config = StudyConfig.from_dict(setup.config)
        runner, allotment = _made(config, setup.role)
        ready = runner.ready(allotment)
    except USER_ERRORS as error:
        pipe.send(Refused(str(error)))
        return None
    except (EOFError, ConnectionError) as error:  # of a connection that is the user's
        line = in_one_line(error).rstrip(": .")
        pipe.send(Refused(f"The data and the model must load, but loading raised {line}."))
        return None
    pipe.send(ready)
    return runner


def _made(config: StudyConfig, role: str) -> tuple[Runner, Allotment]:
    """Make a child's runner for its role, and decide on its threads."""
    if role == KEEPS:
        allotment = Allotment(1, 1)
        _share(allotment, fast=False)
        return _named("search.child.rating_models.keeper", "Keeper")(), allotment
    if role == ALONE:
        alone = _named("search.child.rating_models.alone", "AloneRunner").load(config)
        return alone, allot(config, rows=alone.rows, cores=available_cores())
    if config.rates:  # how large a trial is says how many threads it gets
        ratings = _named("search.child.rating_models.with_keras", "RatingRunner").load(config)
        allotment = _allot(config, ratings.rows)
        # Every model of ours suits the fast trainer; a user's may be left to Keras' `fit`.
        _share(allotment, fast=config.trainer != "keras")
        return ratings, allotment
    # A user's own model, whose module may well start TensorFlow when it is imported.
    allotment = _allot(config, None)
    _share(allotment, fast=False)
    return _named("search.child.hypermodel", "open_hypermodel")(config), allotment


def _named(module: str, name: str) -> Any:
    """Import a class or function that only children of one role need."""
    return getattr(import_module(module), name)


def _share(allotment: Allotment, *, fast: bool) -> None:
    """Limit this process to its threads and its GPU, before TensorFlow starts."""
    from models import see_one_gpu, set_threads

    set_threads(allotment.threads, fast=fast)
    if allotment.workers > 1:  # the others have a device each; the first one leaves them theirs
        see_one_gpu()


def _allot(config: StudyConfig, rows: int | None) -> Allotment:
    """Decide how many workers train at once, and how many threads each gets, on this machine."""
    from models import device_types

    gpus = device_types().count("GPU")
    return allot(config, rows=rows, cores=available_cores(), gpus=gpus)


def _run(runner: Runner, task: Task, report: Reporter) -> Done | Failed:
    """Train one trial; an exception or a NaN fails the trial, not the child."""
    reset_peak_memory()
    try:
        done = runner.run(task, report)
    except Stopped:
        return Failed(end_reason=EndReason.INTERRUPTED, message="The study ended the trial.")
    except Exception as error:
        return _failure(error)
    if done.end_reason == EndReason.NAN:
        return Failed(
            end_reason=EndReason.NAN,
            message=done.message or "The loss became NaN or infinite.",
            metrics={"peak_memory_mb": peak_memory_mb()},
        )
    return replace(done, metrics={**done.metrics, "peak_memory_mb": peak_memory_mb()})


def _answer(runner: Runner, question: Score | Keep) -> Scored | Kept | Failed:
    """Score a model, or make one of weights; an exception fails that, not the child."""
    try:
        if isinstance(question, Keep):
            assert isinstance(runner, Keeps)
            return runner.keep(question)
        return runner.score(question)
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> Failed:
    """Describe an exception as the end of a trial or of a scoring."""
    text = shorten(str(error), 400, placeholder=" …")
    exhausted = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return Failed(
        end_reason=EndReason.OUT_OF_MEMORY if exhausted else EndReason.ERROR,
        message=text if isinstance(error, SearchError) else f"{type(error).__name__}: {text}",
        detail=traceback.format_exc(),
        metrics={"peak_memory_mb": peak_memory_mb()},
        is_for_all=isinstance(error, SearchError),
        is_disk_full=is_disk_full(error),
    )


def die_with_parent(ended: threading.Event) -> threading.Thread:
    """End this process when its parent ends.

    Args:
        ended: Ends the watching once it is set.

    Returns:
        The thread that watches.
    """
    parent = os.getppid()

    def watch() -> None:
        while not ended.wait(0.5):
            if os.getppid() != parent:
                end_group()
                os._exit(0)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def end_group() -> None:
    """End this process and all that it began, if it leads a process group; else do nothing."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
