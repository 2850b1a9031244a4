"""Holds the uses of Optuna's private members, but for `reading`, `patience`, `writes`.

`views` imitates some of them. The connections of its engine are looked after here too.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from search.storage.reading.trials import PlainStorage
from search.storage.views import StorageView, snapshot_of, view_of

_IDLE_S = 1.0
_USED = "used"


class UnitCube:
    """Turns a space's numbers into a point of the unit cube and back, as Optuna's samplers do.

    Attributes:
        space: The space's distributions, by name.
    """

    def __init__(self, space: Mapping[str, BaseDistribution]) -> None:
        """Keep the space.

        Args:
            space: Numbers alone, none of them with a single value.
        """
        self.space = dict(space)
        self._transform = _SearchSpaceTransform(self.space, transform_0_1=True)

    def point_of(self, trial: FrozenTrial) -> NDArray[np.float64]:
        """The point of a trial that has all parameters, `[parameters]`."""
        return self._transform.transform(trial.params)

    def params_at(self, point: NDArray[np.float64]) -> dict[str, Any]:
        """The parameters at a point, `[parameters]`."""
        return self._transform.untransform(point)


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """A running trial as a `FrozenTrial`, as samplers see it; changes to it are not stored."""
    return trial._cached_frozen_trial


def set_attribute(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Store an attribute of a trial that another process began.

    Args:
        study: The study.
        trial: The trial as it was read; its copy here does not change.
        key: Name of the attribute.
        value: What JSON holds.
    """
    study._storage.set_trial_user_attr(trial._trial_id, key, value)


def set_system_attribute(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Store an attribute of a trial where Optuna's samplers keep theirs.

    Args:
        study: The study.
        trial: The trial as it was read; its copy here does not change.
        key: Name of the attribute.
        value: What JSON holds.
    """
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


def add_parameter(
    trial: optuna.Trial, name: str, value: Any, distribution: BaseDistribution
) -> None:
    """Store a parameter of a running trial whose value no sampler chose.

    Args:
        trial: The trial.
        name: Optuna's name of the parameter.
        value: The value, which the distribution holds.
        distribution: Optuna's distribution of it.
    """
    inner = distribution.to_internal_repr(value)
    trial.storage.set_trial_param(trial._trial_id, name, inner, distribution)


def take_queued(study: optuna.Study, queued: FrozenTrial) -> optuna.Trial | None:
    """Begin a queued trial; None where another process began it just now.

    Args:
        study: The study.
        queued: A trial of it that waits.
    """
    identifier = run_queued(study, queued)
    return None if identifier is None else optuna.Trial(study, identifier)


def create_running(study: optuna.Study, attributes: Mapping[str, Any]) -> int:
    """Create a running trial that has attributes from its first moment on.

    Args:
        study: The study.
        attributes: User attributes, by name.

    Returns:
        Its identifier, for `trial_of`.
    """
    study._thread_local.cached_all_trials = None
    template = create_trial(state=TrialState.RUNNING, user_attrs=dict(attributes))
    template.datetime_start = datetime.now()
    return study._storage.create_new_trial(study._study_id, template)


def run_queued(study: optuna.Study, queued: FrozenTrial) -> int | None:
    """Set a queued trial running; None where another process did so just now.

    Args:
        study: The study.
        queued: A trial of it that waits.

    Returns:
        Its identifier, for `trial_of`.
    """
    study._thread_local.cached_all_trials = None
    number = queued._trial_id
    try:
        started = study._storage.set_trial_state_values(number, state=TrialState.RUNNING)
    except UpdateFinishedTrialError:  # it ran, and has ended by now
        return None
    return number if started else None


def trial_of(study: optuna.Study, identifier: int) -> optuna.Trial:
    """A running trial by its identifier, as the end of `Study.ask` makes it."""
    database = database_of(study)
    new = database.take_new(identifier) if isinstance(database, PlainStorage) else None
    if new is None:
        return optuna.Trial(study, identifier)
    known = StorageView(study._storage, get_trial=lambda _: new)
    trial = optuna.Trial(
        view_of(study, lambda: study.get_trials(deepcopy=False), known), identifier
    )
    trial.study, trial.storage = study, study._storage
    return trial


def read_together(study: optuna.Study) -> optuna.Study:
    """Make a study that shows the trials as they are now, like `snapshot_of`.

    Threads that do so at the same time read once, and get the same.

    Args:
        study: The study; what is written goes to it.
    """
    database = database_of(study)
    if not isinstance(database, PlainStorage):
        return snapshot_of(study)
    return database.shared[study._study_id].get(lambda: snapshot_of(study))


def draft_of(study: optuna.Study, trial: optuna.Trial) -> optuna.Trial:
    """Make a copy of a running trial that asks the study's sampler anew, and stores no parameter.

    Args:
        study: The study; its present sampler is asked.
        trial: A trial of it without parameters.
    """
    draft = optuna.Trial(study, trial._trial_id)
    draft._cached_frozen_trial = copy.deepcopy(draft._cached_frozen_trial)
    storage = StorageView(trial.storage, set_trial_param=lambda *_: None)
    draft.storage = cast("BaseStorage", storage)
    return draft


def begin_given(study: optuna.Study, values: Mapping[str, Any]) -> optuna.Trial:
    """Begin a new trial with given parameters, whatever else is queued.

    Args:
        study: The study.
        values: Optuna's parameters, as `enqueue_trial` takes them.
    """
    while True:
        study.enqueue_trial(dict(values))
        waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        begun = take_queued(study, waiting[-1])
        if begun is not None:  # else another process began it just now
            return begun


def storage_that_updates(study: optuna.Study, trial: FrozenTrial) -> StorageView:
    """Make a storage that writes each system attribute to Optuna and to a trial's copy in memory.

    Successive halving stores the rungs that a trial reached as system attributes, and reads them
    from the `FrozenTrial` that it is given. That copy would lack all that was stored since it was
    read.

    Args:
        study: The study.
        trial: The copy in memory of the trial that is judged; it is changed.
    """
    storage = study._storage

    def set_trial_system_attr(trial_id: int, key: str, value: Any) -> None:
        storage.set_trial_system_attr(trial_id, key, value)
        trial.system_attrs[key] = value

    return StorageView(storage, set_trial_system_attr=set_trial_system_attr)


def as_last_read(study: optuna.Study) -> optuna.Study:
    """Make a study that shows its trials as `read_together` read them last.

    Args:
        study: The study.
    """
    database = database_of(study)
    shared = database.shared[study._study_id] if isinstance(database, PlainStorage) else None
    latest = None if shared is None else shared.latest
    return read_together(study) if latest is None else cast("optuna.Study", latest)


def engine_of(storage: BaseStorage | optuna.Study) -> Engine | None:
    """The database engine of a storage; None where the storage is no database.

    Args:
        storage: Optuna's storage, or a study in it.
    """
    database = database_of(storage)
    return None if database is None else database.engine


def database_of(storage: Any) -> RDBStorage | None:
    """The database behind a storage; None where the storage is no database.

    Args:
        storage: Optuna's storage, a view of one, or a study in it.
    """
    storage = getattr(storage, "_storage", storage)
    storage = getattr(storage, "_viewed", storage)
    backend = getattr(storage, "_backend", storage)
    return backend if isinstance(backend, RDBStorage) else None


def ping_idle(engine: Engine) -> None:
    """Have a connection that was not used for a while asked whether it lives, before it is used.

    SQLAlchemy's own pings come before every use, which is a message and its answer each time.

    Args:
        engine: The engine; it is asked to do so from now on.
    """

    @event.listens_for(engine, "connect")
    @event.listens_for(engine, "checkin")
    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(driver: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get(_USED, -math.inf) > _IDLE_S:
            try:
                engine.dialect.do_ping(driver)
            except engine.dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error  # the pool then makes others
