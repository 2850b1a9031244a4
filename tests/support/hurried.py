"""`trialbook` with leases that run out after six seconds.

python tests/support/hurried.py search --home ...
"""

from __future__ import annotations

import sys

LEASE_S, RENEWED_S = 6.0, 1.5


def hurry() -> None:
    """Shorten the leases of this process."""
    from search.storage.claims import lease, leases

    leases.LEASE_S, lease.RENEWED_S = LEASE_S, RENEWED_S


if __name__ == "__main__":
    from search.cli.main import run

    hurry()
    sys.exit(run(sys.argv[1:]))
