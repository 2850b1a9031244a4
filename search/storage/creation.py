"""Creates a study in Optuna's storage with Trialbook's mark, or loads the one of that name."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from models.checks import count_of
from search.errors import SearchError
from search.storage.study_attributes import has_our_attributes, is_ours, marks
from search.storage.writes.new_study import create_with

_MANY = 1000


def create_or_load(
    storage: BaseStorage,
    name: str,
    directions: Sequence[str],
    *,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
    way_out: str = "Use another name with `--study`.",
) -> optuna.Study:
    """Create a study and mark it as Trialbook's own, or load the marked study of that name.

    Args:
        storage: Optuna's storage; the caller holds the lock of the home folder (mlruns).
        name: The study's name.
        directions: "minimize" or "maximize" for each goal.
        sampler, pruner: As of `optuna.load_study`.
        way_out: What the message of the error tells to do.

    Raises:
        SearchError: Another program made a study of that name.
    """
    if name not in optuna.get_all_study_names(storage):
        create_with(storage, name, [StudyDirection[each.upper()] for each in directions], marks())
    study = optuna.load_study(storage=storage, study_name=name, sampler=sampler, pruner=pruner)
    if not is_ours(study) and not _is_begun(study, directions):
        trials = count_of(len(study.get_trials(deepcopy=False)), "trial")
        raise SearchError(
            "A study must be Trialbook's own to go on with it, but another program made "
            f"{name!r} in this storage, with {trials}. {way_out}"
        )
    return study


def read_ahead(storage: BaseStorage, name: str, *, owns_process: bool) -> BaseStorage:
    """Read a study of many trials before a lock is taken, since that takes seconds.

    Args:
        storage: Optuna's storage.
        name: The study's name; where there is none, nothing is read.
        owns_process: Whether Python's garbage collector may wait meanwhile, and pass over all that
            is held by then: tens of thousands of trials keep it busy for half of the time.

    Returns:
        The storage with what was read: a study that is loaded from it reads only what is new.
    """
    kept: BaseStorage = optuna.storages.get_storage(storage)
    if name in optuna.get_all_study_names(kept):
        with suppress(KeyError), _no_collections() if owns_process else nullcontext():
            study = optuna.load_study(study_name=name, storage=kept)  # unless it is deleted now
            is_large = is_ours(study) and len(study.get_trials(deepcopy=False)) >= _MANY
            if owns_process and is_large:
                gc.collect()
                gc.freeze()
    return kept


@contextmanager
def _no_collections() -> Iterator[None]:
    """In the block Python collects no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_begun(study: optuna.Study, directions: Sequence[str]) -> bool:
    """Whether a study is ours and has these directions; a stop kept it from its settings."""
    same = [direction.name.lower() for direction in study.directions] == list(directions)
    return same and has_our_attributes(study)
