"""The study files that come with the package, known by name."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "studies"
STUDIES = ("factors", "sample")
"""Names of the studies there; `recipes.toml` beside them holds configurations."""


def study_file_of(path: Path) -> Path:
    """The study file that a user means: a file, or a shipped study by its name.

    Args:
        path: What the command was given. A file of that name goes before a shipped study.

    Returns:
        The path of a shipped study if it is the name of one, else the path as it is.

    Example:
        >>> study_file_of(Path("factors")).name, study_file_of(Path("mine.toml")).name
        ('factors.toml', 'mine.toml')
    """
    is_name = str(path) in STUDIES and not path.is_file()
    return SHIPPED / f"{path}.toml" if is_name else path
