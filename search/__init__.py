"""The hyperparameter search: Optuna chooses configurations, child processes train them.

A name is imported when it is first used, so that the command line answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from search._own_packages import require_own_packages

require_own_packages()

if TYPE_CHECKING:
    from search.config.study import StudyConfig
    from search.errors import USER_ERRORS, SearchError
    from search.study.result import StudyResult, open_study
    from search.study.run import run_study
    from search.trial.progress import Silent

__all__ = [
    "USER_ERRORS",
    "SearchError",
    "Silent",
    "StudyConfig",
    "StudyResult",
    "open_study",
    "run_study",
]

_PLACES = {
    "USER_ERRORS": "search.errors",
    "SearchError": "search.errors",
    "Silent": "search.trial.progress",
    "StudyConfig": "search.config.study",
    "StudyResult": "search.study.result",
    "open_study": "search.study.result",
    "run_study": "search.study.run",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
