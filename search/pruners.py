"""Pruners by name. What they compare is each trial's best so far at the same epoch.

An epoch passes over all train rows once whatever the batch size, so equal epochs are equal
budgets; the warm-up outlasts the transient of an output bias of 7.
"""

from __future__ import annotations

import optuna

WARM_UP_EPOCHS = 15


def make_pruner(name: str) -> optuna.pruners.BasePruner:
    """The named pruner: "none", or "median" after 4 trials and 15 epochs."""
    if name == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=WARM_UP_EPOCHS)
