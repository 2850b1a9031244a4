"""The hyperparameter search: Optuna chooses configurations, child processes train them.

Modules that need Optuna or Keras Tuner are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search._own_packages import require_own_packages

require_own_packages()

from search.config.study import StudyConfig  # noqa: E402
from search.errors import USER_ERRORS, SearchError  # noqa: E402
from search.study.run import run_study  # noqa: E402

if TYPE_CHECKING:
    from search.study.result import StudyResult

__all__ = ["USER_ERRORS", "SearchError", "StudyConfig", "StudyResult", "run_study"]


def __getattr__(name: str) -> Any:
    """Import a heavy name when it is first asked for."""
    if name == "StudyResult":
        from search.study.result import StudyResult

        return StudyResult
    raise AttributeError(f"module 'search' has no attribute {name!r}")
