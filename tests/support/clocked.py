"""`trialbook` with a time of day that is set while it runs.

    python tests/support/clocked.py FILE search --home ...

FILE holds how far the time of day is off, in seconds; it is read ten times a second.
"""

from __future__ import annotations

import datetime
import sys
import threading
import time
from pathlib import Path

import time_machine

_READ_EVERY_S = 0.1


def follow(path: Path) -> None:
    """Set this process's time of day as a file says, from now on."""

    def keep() -> None:
        now_s, travel = 0.0, None
        while True:
            wanted_s = float(path.read_text(encoding="ascii") or now_s)
            if wanted_s != now_s:
                if travel is not None:
                    travel.stop()
                shift = datetime.timedelta(seconds=wanted_s)
                travel = time_machine.travel(datetime.datetime.now(datetime.UTC) + shift, tick=True)
                travel.start()
                now_s = wanted_s
            time.sleep(_READ_EVERY_S)

    threading.Thread(target=keep, daemon=True).start()


if __name__ == "__main__":
    from search.cli.main import run

    follow(Path(sys.argv[1]))
    sys.exit(run(sys.argv[2:]))
