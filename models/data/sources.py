"""Where ratings come from: one name, one way to load."""

from __future__ import annotations

import os
from pathlib import Path

from models.data.download.catalog import DATASETS, find_dataset
from models.data.download.fetch import fetched_path, mubi_file
from models.data.download.sample import movielens_table
from models.data.encoding import build_ratings
from models.data.options import SourceOptions
from models.data.published import unfiltered_checks
from models.data.ratings import Progress, Ratings
from models.data.readers.file import read_file
from models.data.synthetic.ratings import synthetic_table
from models.errors import ModelsError
from models.published_figures import load_published

DEFAULT_SOURCE = "movielens"
_DEFAULTS = SourceOptions()


def load_ratings(
    source: str, options: SourceOptions = _DEFAULTS, *, progress: Progress | None = None
) -> Ratings:
    """Load ratings.

    Args:
        source: `movielens`, `mubi:PATH`, `synthetic[:SCALE]`, the name of a fetched data set, or
            the path of a CSV, TSV, `::`-separated, Parquet or SQLite file.
        options: How to read it, and which users to keep.
        progress: Is told what happens, one line each.

    Returns:
        The ratings after the user filter.

    Raises:
        ModelsError: The source is unknown, or breaks a rule.
    """
    tell = progress or (lambda _: None)
    if not source.strip():
        known = ", ".join(known_sources())
        raise ModelsError(f"The source must be one of {known}, or a file, but got {source!r}.")
    kind, colon, rest = source.partition(":")
    tell(f"Loading {source}")
    if kind == "mubi":
        found = _mubi(source, rest, options)
    elif kind == "synthetic":
        table = synthetic_table(_scale(rest) if colon else 1.0, seed=options.seed)
        found = build_ratings(table, options, source=source, synthetic=True)
    elif source == DEFAULT_SOURCE:
        found = build_ratings(movielens_table(), options, source=source)
    else:
        table = read_file(_path(source), options)
        found = build_ratings(table, options, source=source)
    tell(f"{len(found):,} ratings by {found.n_users:,} users of {found.n_movies:,} movies")
    return found


def known_sources() -> tuple[str, ...]:
    """The names that `load_ratings` takes, beside a path."""
    fetched = [name for name in DATASETS if name != "mubi"]
    return (DEFAULT_SOURCE, "mubi:PATH", "synthetic[:SCALE]", *fetched)


def _mubi(source: str, rest: str, options: SourceOptions) -> Ratings:
    if not rest:
        raise ModelsError(
            "The source `mubi` needs the file's path, as mubi:PATH. "
            "`trialbook data fetch mubi` fetches it from Kaggle."
        )
    table = read_file(mubi_file(Path(rest).expanduser()), options, gaps=True)
    limits = load_published()["dataset"]["user_filter"]
    return build_ratings(
        table,
        options,
        source=source,
        limits=(limits["min_ratings"], limits["max_ratings"]),
        checks=unfiltered_checks(table),
    )


def _scale(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ModelsError(
            "The scale of `synthetic` must be a number, as in synthetic:0.1, "
            f"but got {text[:60]!r}."
        ) from None


def _path(source: str) -> Path:
    dataset = find_dataset(source)
    if dataset is not None:
        path = fetched_path(dataset)
        if not path.is_file():
            raise ModelsError(
                f"The source {source!r} must be fetched first, but there is no {path}. "
                f"Run: trialbook data fetch {source}"
            )
        return path
    path = Path(source).expanduser()
    looks_like_a_path = "/" in source or "\\" in source or path.suffix
    if not os.path.exists(path) and not looks_like_a_path:
        known = ", ".join(known_sources())
        raise ModelsError(
            f"The source must be one of {known}, or a file, "
            f"but got {source[:60]!r}, which is neither."
        )
    return path
