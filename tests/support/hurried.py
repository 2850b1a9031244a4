"""`trialbook` with leases that run out after six seconds.

python tests/support/hurried.py search --home ...

A process's second proposal takes HURRIED_PROPOSES_S seconds, where that is set.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

    from tracking import Scalar

LEASE_S, RENEWED_S = 6.0, 1.5


def hurry() -> None:
    """Shorten the leases of this process."""
    from search.storage.claims import lease, leases

    leases.LEASE_S, lease.RENEWED_S = LEASE_S, RENEWED_S


def dawdle(seconds: float) -> None:
    """Have this process's second proposal take so long; the first is the baseline's."""
    from optuna.storages import InMemoryStorage

    from search.space.distributions import SpaceAdapter

    usual, numbers = SpaceAdapter.sample, itertools.count()

    def sample(self: SpaceAdapter, trial: optuna.Trial) -> dict[str, Scalar]:
        # Draws by which costs are estimated are of a study that nobody stores.
        if not isinstance(trial.storage, InMemoryStorage) and next(numbers) == 1:
            print(f"Proposes trial {trial.number}.", file=sys.stderr, flush=True)
            time.sleep(seconds)
            print(f"Has proposed trial {trial.number}.", file=sys.stderr, flush=True)
        return usual(self, trial)

    SpaceAdapter.sample = sample


if __name__ == "__main__":
    from search.cli.main import run

    hurry()
    if seconds := os.environ.get("HURRIED_PROPOSES_S"):
        dawdle(float(seconds))
    sys.exit(run(sys.argv[1:]))
