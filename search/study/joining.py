"""Lets processes join in a study that others run, where all of them would train the same."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import optuna

from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.interrupts import Stop
from search.storage.claims.leases import DOCTOR, SEARCH, Leases, leases_of
from search.storage.claims.owner import boot, named
from search.storage.internals import engine_of
from search.storage.studies import Studies
from search.storage.study_attributes import code_of, config_of, write_code
from tracking import sqlite_path

_ASKS_EVERY_S = 1.0
_PACKAGES = ("tensorflow", "keras", "keras-tuner", "optuna", "numba", "numpy", "scikit-learn")
_OURS = ("models", "search", "tracking")
ON_A_SERVER = (
    "Keep both stores on a PostgreSQL server (the extra `postgres`): "
    "--storage postgresql://USER@HOST/optuna, and --tracking-uri the address of an MLflow server."
)
_TOP = Path(__file__).parents[2]


@functools.cache
def code_of_now() -> Mapping[str, str]:
    """What trials trained by this process depend on, beside the study and its ratings.

    Returns:
        The version of Python, those of the libraries that propose and train, and under "trialbook"
        our version with a hash of our code.

    Example:
        >>> code_of_now()["python"] in platform.python_version()
        True
    """
    found = {"python": ".".join(platform.python_version_tuple()[:2]), "trialbook": _own_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _own_version() -> str:
    """Our version, and the first digits of a hash of our code."""
    text = hashlib.sha256()
    for path in sorted(each for name in _OURS for each in (_TOP / name).rglob("*.py")):
        text.update(path.relative_to(_TOP).as_posix().encode())
        text.update(path.read_bytes())
    try:
        number = version("trialbook")
    except PackageNotFoundError:
        number = "unknown"
    return f"{number}+{text.hexdigest()[:12]}"


def _users_code(config: StudyConfig) -> Mapping[str, str]:
    """Hashes of the modules that a study names: its model's, and that of its data.

    A module that is no file here, say of an installed package, is left out.
    """
    references = (None if config.rates else config.model, config.data_module)
    names = {reference.split(":")[0] for reference in references if reference}
    found = {}
    for name in sorted(names):
        place = Path(*name.split("."))
        files = (
            Path(folder, end)
            for folder in (".", *os.environ.get("PYTHONPATH", "").split(os.pathsep))
            for end in (place.with_suffix(".py"), place / "__init__.py")
        )
        if (path := next((each for each in files if each.is_file()), None)) is not None:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return found


def require_named(config: StudyConfig, studies: Studies, given: Mapping[str, Any]) -> None:
    """Refuse code of a user's own that a database on a server names, and who calls does not.

    Whoever can write to that database could have any module of this machine imported. A file is
    taken to be written by those alone who may run code here anyway.

    Args:
        config: The settings of a stored study.
        studies: Where it is stored.
        given: `model` and `data_module` as the user named them; missing or None where not.

    Raises:
        SearchError: One of them was not named, or another one was.
    """
    address = studies.address
    is_shared = address is not None and sqlite_path(address) is None
    stored = {"model": config.model, "data_module": config.data_module}
    code = stored | ({"model": None} if config.rates else {})
    missing = {key: one for key, one in code.items() if one and given.get(key) != one}
    wrong = {key: given[key] for key in stored if given.get(key) not in (None, stored[key])}
    if wrong and not is_shared:
        raise SearchError(
            f"`{config.name}` trains {config.model}, and its data are "
            f"{config.data_module or 'no code'}, but got {' and '.join(wrong.values())}. Leave "
            "that out."
        )
    if missing and is_shared:
        options = " ".join(f"--{key.replace('_', '-')} {one}" for key, one in missing.items())
        raise SearchError(
            f"`{config.name}` imports {' and '.join(missing.values())}, as its database says, "
            f"which others can write to. If that is the code that you mean, say so: {options}"
        )


def _awaited(studies: Studies, name: str, wait_s: float) -> optuna.Study:
    """Get a study; where it is not there yet, wait for it."""
    latest, is_told = time.monotonic() + wait_s, False
    while (study := studies.find(name)) is None and time.monotonic() < latest:
        if not is_told:
            print(f"Waiting for the study {name!r}, which is not there yet.", file=sys.stderr)
        is_told = True
        _pause()
    return studies.get(name) if study is None else study  # the former says what there is


def _pause() -> None:
    time.sleep(_ASKS_EVERY_S)


def settings_of(
    studies: Studies, name: str, own: Mapping[str, Any], wait_s: float = 0.0
) -> StudyConfig:
    """The settings with which a process joins in a stored study: the study's, and its machine's.

    Args:
        studies: Where it is stored.
        name: Its name.
        own: Settings of this machine; those that are None stay as they are.
        wait_s: Most seconds to wait for a study that is not there yet.

    Raises:
        SearchError: There is no such study, its record is out of this process's reach, or it
            imports code that the user has not named.
    """
    stored = config_of(_awaited(studies, name, wait_s))
    require_named(stored, studies, own)
    usual = StudyConfig()
    config = stored.at(
        storage=None, workers=usual.workers, threads=usual.threads, timeout_s=usual.timeout_s
    ).override(**own)
    if studies.address is not None and config.tracking_uri is None and not studies.store.exists():
        raise SearchError(
            f"The record of `{name}` must be one for all, but it is in the home of the process "
            f"that began the study, and {studies.store.home} is another. Keep it where all reach "
            "it: begin the study with `--tracking-uri`, and name that here too."
        )
    return config


def once_mended(
    studies: Studies,
    name: str,
    begin: Callable[[], optuna.Study],
    stop: Stop,
    say: Callable[[str], None],
) -> optuna.Study:
    """Begin to work on a study, under the storage's lock, once no `doctor --fix` mends it.

    Args:
        studies: Where it is stored.
        name: Its name.
        begin: Takes this process's lease on it.
        stop: Whether someone asked to stop.
        say: Told that this process waits.

    Raises:
        KeyboardInterrupt: Someone asked to stop.
    """
    leases, is_told = leases_of(studies.storage), False

    def begun() -> optuna.Study | None:
        is_mended = any(row.task == DOCTOR for row in leases.living(name))
        return None if is_mended else begin()

    while (study := studies.locked(begun)) is None:
        if stop.asked:
            raise KeyboardInterrupt
        if not is_told:
            say(f"Waiting for `trialbook doctor --fix`, which mends {name!r} now.")
        is_told = True
        _pause()
    return study


def join(study: optuna.Study, config: StudyConfig, *, is_worker: bool) -> None:
    """Let this process train trials of a study, or refuse it; the caller holds the storage's lock.

    A worker must have the code that the study has. A `search` that nobody else takes part in may
    bring new code; then the study goes on with that.

    Args:
        study: The study.
        config: Its settings, as this process has them.
        is_worker: Whether it is a worker that joins in.

    Raises:
        SearchError: The code differs, or the storage is SQLite and another machine uses it.
    """
    leases = leases_of(study)
    _refuse_machines(study, leases)
    others = [row for row in leases.living(study.study_name) if row.task == SEARCH]
    then, now = code_of(study), {**code_of_now(), **_users_code(config)}
    differing = [
        f"{name} is {now[name]} here, and there {then[name]}"
        for name in now
        if name in then and then[name] != now[name]
    ]
    if differing and (is_worker or others):
        whom = f"{named(others[0].owner)} has" if others else "the study was run with"
        raise SearchError(
            f"All who work on a study must have the same code, but {whom} other code: "
            f"{'; '.join(differing)}. Install the same versions on both, or let the others end and "
            "go on with `trialbook search`."
        )
    write_code(study, now)


def _refuse_machines(study: optuna.Study, leases: Leases) -> None:
    """Refuse to share an SQLite file with another machine."""
    engine = engine_of(study)
    if engine is None or engine.dialect.name != "sqlite":
        return
    for row in leases.rows():
        if row.is_alive and row.owner.get("boot") != boot():
            raise SearchError(
                f"SQLite serves the processes of one machine, but {named(row.owner)} works on "
                f"`{row.study}` in this file from another. {ON_A_SERVER}"
            )
