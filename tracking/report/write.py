"""Writes a report to a file, whole or not at all, and over no file that is something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracking.errors import TrackingError
from tracking.report.chapter import Chapter
from tracking.report.page import MARK, page
from tracking.whole_files import unwritable, written_whole

_BEGINNING = 4096


def write_report(chapters: Sequence[Chapter], path: Path) -> int:
    """Write a report of studies as one HTML page that needs no other file and no network.

    Args:
        chapters: The studies, in their order; one at least.
        path: The file; its folder must exist. An earlier report there is replaced.

    Returns:
        The size of the file in bytes.

    Raises:
        TrackingError: There is something else at the path, or it cannot be written to.

    Example:
        >>> from tracking import StudyRecord
        >>> chapter = Chapter(study=StudyRecord(name="movies"))
        >>> 4_000_000 < write_report([chapter], Path("movies.html")) < 7_000_000
        True
    """
    assert chapters, "a report is of one study at least"
    _check(path)
    with written_whole(path, error=TrackingError) as partial:
        partial.write_text(page(chapters), encoding="utf-8", errors="backslashreplace")
        return partial.stat().st_size


def _check(path: Path) -> None:
    """Refuse what is no file name, and a file that no report is in."""
    try:
        if not path.name or path.is_dir():
            raise TrackingError(
                f"`--output` must name a file, but {path} is a folder. Say which file in it."
            )
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(path, error, error=TrackingError) from error
    if f'content="{MARK}"'.encode() not in beginning:
        raise TrackingError(
            f"`--output` must be a new file or an earlier report, but {path} is another file. Name "
            "another one, or take it away."
        )
