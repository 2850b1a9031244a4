"""Checks that Python imports Trialbook's own `models` and `tracking`, not another project's."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

_OURS = Path(__file__).resolve().parent.parent


def require_own_packages() -> None:
    """Refuse to start where Python finds another project's `models` or `tracking`.

    Raises:
        ImportError: Python finds another package under the name; the command line says so in one
            line and exits with 2.
    """
    for name in ("models", "tracking"):
        spec = find_spec(name)
        places: list[str] = []
        if spec is not None:
            places = list(spec.submodule_search_locations or [str(spec.origin)])
        if any(Path(place).resolve() == _OURS / name for place in places):
            continue
        place = places[0] if places else "nothing"
        line = (
            f"`{name}` must be Trialbook's own package, but Python finds {place}. Use the command "
            "`trialbook`, start from another folder, or rename that one."
        )
        # While `python -m` looks for its module, it has not yet put a path there.
        if sys.argv[0] == "-m" or Path(sys.argv[0]).stem == "trialbook":
            sys.stderr.write(f"trialbook: {line}\n")
            sys.exit(2)
        raise ImportError(line)
