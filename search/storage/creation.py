"""Creates a study in Optuna's storage with Trialbook's mark, or loads the one of that name."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from models.checks import count_of
from search.errors import SearchError
from search.storage.study_attributes import has_our_attributes, is_ours, write_mark


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
        sampler, pruner: As of `optuna.create_study`.
        way_out: What the message of the error tells to do.

    Raises:
        SearchError: Another program made a study of that name.
    """
    is_new = name not in optuna.get_all_study_names(storage)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=[StudyDirection[each.upper()] for each in directions],
        sampler=sampler,
        pruner=pruner,
        load_if_exists=True,
    )
    if is_new:
        write_mark(study)
    if not is_ours(study) and not _is_begun(study, directions):
        trials = count_of(len(study.get_trials(deepcopy=False)), "trial")
        raise SearchError(
            "A study must be Trialbook's own to go on with it, but another program made "
            f"{name!r} in this storage, with {trials}. {way_out}"
        )
    return study


def _is_begun(study: optuna.Study, directions: Sequence[str]) -> bool:
    """Whether a study is ours and has these directions; a stop kept it from its settings."""
    same = [direction.name.lower() for direction in study.directions] == list(directions)
    return same and has_our_attributes(study)
