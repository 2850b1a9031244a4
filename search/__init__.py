"""Which configuration next, and who runs it.

Names that need Optuna or Keras Tuner are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search.names import require_own_packages

require_own_packages()

from search.config import StudyConfig  # noqa: E402
from search.errors import USER_ERRORS, SearchError  # noqa: E402

if TYPE_CHECKING:
    from search.results import StudyResult
    from search.study import run_study

__all__ = ["USER_ERRORS", "SearchError", "StudyConfig", "StudyResult", "run_study"]


def __getattr__(name: str) -> Any:
    """Import a heavy name when it is first asked for."""
    if name in ("StudyResult", "run_study"):
        from search.quiet import import_keras_tuner

        import_keras_tuner()
    if name == "run_study":
        from search.study import run_study

        return run_study
    if name == "StudyResult":
        from search.results import StudyResult

        return StudyResult
    raise AttributeError(f"module 'search' has no attribute {name!r}")
