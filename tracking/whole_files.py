"""Writes what a user asked for to a file that is complete, or not there at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: Path, *, error: type[Exception]) -> Iterator[Path]:
    """Give a path beside a file to write to; it takes the file's place once the block has ended.

    Args:
        path: The file; its folder must exist.
        error: What is raised where the file cannot be written, with a line for the user.

    Example:
        >>> with written_whole(Path("table.csv"), error=ValueError) as partial:
        ...     _ = partial.write_text("1,2")
        >>> Path("table.csv").read_text(), partial.exists()
        ('1,2', False)
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as failure:
        raise unwritable(path, failure, error=error) from failure
    finally:
        with contextlib.suppress(OSError):  # a name that no file can have
            partial.unlink(missing_ok=True)


def unwritable(path: Path, failure: OSError, *, error: type[Exception]) -> Exception:
    """The line for a user whose `--output` cannot be written to.

    Args:
        path: What the user named.
        failure: Why it cannot be.
        error: The kind of exception.
    """
    return error(
        f"`--output` must be a file that can be written, but {path} is not "
        f"({failure.strerror or failure})."
    )
