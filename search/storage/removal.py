"""Delete a study from both stores."""

from __future__ import annotations

import optuna

from search.errors import SearchError
from search.storage.database import open_storage
from search.storage.owner import OWNER, lives, named
from search.storage.studies import get_study
from search.storage.trials import DECIDING, RUN
from tracking import MlflowRecorder, Store


def delete_study(store: Store, storage: str | None, name: str) -> None:
    """Delete a study's runs and models, then the study itself.

    Raises:
        SearchError: There is no such study, or a living process works on it.
    """
    study = get_study(store, storage, name)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        owner = trial.user_attrs.get(OWNER)
        if owner is not None and lives(owner):
            raise SearchError(
                f"A study must be at rest to be deleted, but {named(owner)} runs trial "
                f"{trial.number} of `{name}`. Stop it first."
            )
    chooser = study.user_attrs.get(DECIDING)
    if chooser and lives(chooser):
        raise SearchError(
            f"A study must be at rest to be deleted, but {named(chooser)} chooses the winner of "
            f"`{name}`. Stop it first."
        )
    run = study.user_attrs.get(RUN) or {}
    store.prepare()
    if run.get("experiment_id"):
        MlflowRecorder(store).delete_study(run["experiment_id"])
    optuna.delete_study(study_name=name, storage=open_storage(store, storage))
