"""Makes the task that tells a child what to train, from a trial's stored plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.child.messages import Task
from search.storage.trial_attributes import TrialPlan


def task_of(plan: TrialPlan, folder: Path, **more: Any) -> Task:
    """Make the child's task from a trial's plan (its configuration, seed and epochs).

    Args:
        plan: The trial's configuration, seed and epochs.
        folder: Where the child writes the trial's files.
        more: Any other field of `Task`.

    Example:
        >>> task = task_of(TrialPlan(values={"units": 8}, seed=3, epochs=5), Path("files"))
        >>> task.values, task.seed, task.epochs, task.keep_model
        ({'units': 8}, 3, 5, True)
    """
    return Task(
        values=plan.values,
        preset=plan.preset,
        seed=plan.seed,
        epochs=plan.epochs,
        folder=folder,
        **more,
    )
