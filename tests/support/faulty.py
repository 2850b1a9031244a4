"""`trialbook` in a process that kills itself before or after a write to one of the stores.

    python tests/support/faulty.py WHERE WHEN NTH search --home ...

WHERE is one of `SEAMS`, WHEN "before" or "after"; at the NTH such write the process gets SIGKILL.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

SEAMS = {
    "new study": ("search.storage.writes", "new_study", "create_with"),
    "study attribute": ("optuna.storages", "RDBStorage", "set_study_user_attr"),
    "queued": ("optuna.storages", "RDBStorage", "_create_new_trial"),
    "ask": ("search.study", "asking", "begin_at_once"),
    "state": ("optuna.storages", "RDBStorage", "set_trial_state_values"),
    "attribute": ("optuna.storages", "RDBStorage", "set_trial_user_attr"),
    "rung": ("optuna.storages", "RDBStorage", "set_trial_system_attr"),
    "given": ("search.storage.writes", "statements", "_store"),
    "reports": ("search.trial", "judge", "write_reports"),
    "told an end": ("search.storage", "trial_attributes", "end_running"),
    "closed another's": ("search.storage", "trial_attributes", "fail_running"),
    "queued again": ("search.storage", "queue", "_queue_again"),
    "run's identifier": ("search.storage", "trial_attributes", "set_late_attribute"),
    "told": ("search.storage.run_identifiers", "RunIdentifiers", "trial"),
    "table of leases": ("search.storage.claims", "leases", "make_table"),
    "lease": ("search.storage.claims.leases", "Leases", "take"),
    "lease renewed": ("search.storage.claims.leases", "Leases", "renew"),
    "lease given back": ("search.storage.claims.leases", "Leases", "release"),
    "leases ended": ("search.storage.claims.leases", "Leases", "end_dead"),
    "put": ("tracking.spool.box", "Box", "put"),
    "confirm": ("tracking.spool.box", "Slip", "confirm"),
    "remove": ("tracking.spool.box", "Slip", "remove"),
    "run": ("mlflow.tracking", "MlflowClient", "create_run"),
    "experiment": ("mlflow.tracking", "MlflowClient", "create_experiment"),
    "view": ("mlflow.tracking", "MlflowClient", "set_experiment_tag"),
    "study file": ("mlflow.tracking", "MlflowClient", "log_text"),
    "inputs": ("mlflow.tracking", "MlflowClient", "log_inputs"),
    "outputs": ("mlflow.tracking", "MlflowClient", "log_outputs"),
    "results": ("mlflow.tracking", "MlflowClient", "log_artifacts"),
    "renamed": ("mlflow.tracking", "MlflowClient", "update_run"),
    "files": (
        "mlflow.store.artifact.local_artifact_repo",
        "LocalArtifactRepository",
        "log_artifacts",
    ),
    "batch": ("mlflow.tracking", "MlflowClient", "log_batch"),
    "end": ("mlflow.tracking", "MlflowClient", "set_terminated"),
    "model": ("mlflow.tracking", "MlflowClient", "create_logged_model"),
    "model's files": ("mlflow.tracking", "MlflowClient", "log_model_artifacts"),
    "model is ready": ("mlflow.tracking", "MlflowClient", "finalize_logged_model"),
}
"""Places in the study's process at which a store is written: module, class, method; or package,
module, function."""

NOT_IN_A_SEARCH = (
    "create_model_version", "create_registered_model", "delete_experiment", "delete_logged_model",
    "delete_model_version", "delete_registered_model", "delete_run", "log_artifact",
    "rename_experiment", "restore_experiment", "restore_run", "set_registered_model_alias",
)  # fmt: skip
"""Writes to MLflow of other commands, or of what a person did to the record by hand."""

NEVER_IN_A_SEARCH = {
    "_delete_record": "`trialbook delete`",
    "_upgrade": "a file of an earlier Optuna, of which there is a backup by then",
    "add_parameter": "a value that no sampler chose: of Keras Tuner, or of a model of the user's",
    "begin_given": "a trial that Keras Tuner began",
    "delete_study": "`trialbook delete`",
    "write_owner": "a trial that Keras Tuner began",
    "write_slot": "a trial that Keras Tuner began",
    "write_tuner_trial": "a trial that Keras Tuner began",
}
"""Functions that write to Optuna's storage, but not in a search of the scenarios, and when else."""


def owner_of(module: str, owner: str) -> Any:
    """The class or module that has a seam."""
    try:
        return importlib.import_module(f"{module}.{owner}")
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), owner)


def die_at(where: str, when: str, nth: int) -> None:
    """Have this process killed at a write.

    Args:
        where: One of `SEAMS`.
        when: "before" or "after".
        nth: Which of these writes, 1 for the first.
    """
    module, owner, method = SEAMS[where]
    # It takes methods from Optuna's storage when it is imported, so that it must come later.
    assert "search.storage.patience" not in sys.modules or not module.startswith("optuna")
    kind = owner_of(module, owner)
    original: Callable[..., Any] = getattr(kind, method)
    calls = itertools.count(1)

    @functools.wraps(original)
    def faulty(*args: Any, **given: Any) -> Any:
        is_it = next(calls) == nth
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*args, **given)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(kind, method, faulty)


if __name__ == "__main__":
    from search.cli.main import run

    die_at(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(run(sys.argv[4:]))
