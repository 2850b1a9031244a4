"""Load ratings from a source: a file's path or a name such as "movielens"."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from models.data.download.catalog import DATASETS, find_dataset
from models.data.download.fetch import fetched_path, mubi_file
from models.data.download.sample import movielens_table
from models.data.encoding import Origin, build_ratings
from models.data.joined import joined
from models.data.options import SourceOptions
from models.data.published import unfiltered_checks
from models.data.ratings import Progress, Ratings
from models.data.readers.file import read_file
from models.data.synthetic.ratings import synthetic_table
from models.data.table import RatingTable
from models.errors import ModelsError
from models.published_figures import load_published

DEFAULT_SOURCE = "movielens"
_DEFAULTS = SourceOptions()


def load_ratings(
    source: str, options: SourceOptions = _DEFAULTS, *, progress: Progress | None = None
) -> Ratings:
    """Load ratings from a source.

    Args:
        source: `movielens`, `mubi:PATH`, `synthetic[:SCALE]`, the name of a fetched data set, or
            the path of a CSV, TSV, `::`-separated, JSON, Parquet, Feather or SQLite file.
        options: How to read it, and which users to keep.
        progress: Called with each message of progress, one line.

    Returns:
        The ratings after the user filter.

    Raises:
        ModelsError: The source is unknown, or breaks a rule.

    Example:
        >>> ratings = load_ratings("ratings.csv")  # columns user, movie, rating; 10 rows
        >>> len(ratings), ratings.n_users, ratings.n_movies
        (10, 3, 4)
    """
    report = progress or (lambda _: None)
    if not source.strip():
        known = ", ".join(known_sources())
        raise ModelsError(f"The source must be one of {known}, or a file, but got {source!r}.")
    report(f"Loading {source}")
    ratings = _load(source, options)
    report(f"{len(ratings):,} ratings by {ratings.n_users:,} users of {ratings.n_movies:,} movies")
    return ratings


def known_sources() -> tuple[str, ...]:
    """List the sources that `load_ratings` accepts, apart from the path of a file.

    Example:
        >>> known_sources()[:3]
        ('movielens', 'mubi:PATH', 'synthetic[:SCALE]')
    """
    fetched = [name for name in DATASETS if name != "mubi"]
    return (DEFAULT_SOURCE, "mubi:PATH", "synthetic[:SCALE]", *fetched)


def _load(source: str, options: SourceOptions) -> Ratings:
    """Load ratings from a source of any kind."""
    kind, colon, rest = source.partition(":")
    if options.test is not None and (kind in ("mubi", "synthetic") or source == DEFAULT_SOURCE):
        raise ModelsError(
            f"`test` must stand beside a file with the train part, but the source is {source}. "
            "Name a file, or leave `test` out."
        )
    if kind == "mubi":
        return _mubi(source, rest, options)
    if kind == "synthetic":
        table = synthetic_table(_scale(rest) if colon else 1.0, seed=options.seed)
        return build_ratings(table, options, Origin(source=source, synthetic=True))
    if source == DEFAULT_SOURCE:
        return build_ratings(movielens_table(), options, Origin(source=source))
    return build_ratings(_table(source, options), options, Origin(source=source))


def _table(source: str, options: SourceOptions) -> RatingTable:
    """Read a file, and beside it those of the other parts, where the ratings came split already."""
    train = read_file(_path(source), _as_published(source, options))
    if options.test is None:
        return train
    others = {"valid": options.valid, "test": options.test}
    tables = {
        name: read_file(Path(os.path.expanduser(path)), options)
        for name, path in others.items()
        if path is not None
    }
    return joined({"train": train, **tables})


def _as_published(source: str, options: SourceOptions) -> SourceOptions:
    """Name the columns of a fetched data set whose file does not: their order is published."""
    dataset = find_dataset(source)
    if dataset is None or not dataset.columns or options.columns is not None:
        return options
    return replace(options, columns=dataset.columns)


def _mubi(source: str, path: str, options: SourceOptions) -> Ratings:
    """Load MUBI's file, with the published limits of the user filter."""
    if not path:
        raise ModelsError(
            "The source `mubi` needs the file's path, as mubi:PATH. "
            "`trialbook data fetch mubi` fetches it from Kaggle."
        )
    table = read_file(mubi_file(Path(os.path.expanduser(path))), options, gaps=True)
    limits = load_published()["dataset"]["user_filter"]
    origin = Origin(
        source=source,
        limits=(limits["min_ratings"], limits["max_ratings"]),
        checks=unfiltered_checks(table),
    )
    return build_ratings(table, options, origin)


def _scale(text: str) -> float:
    """Read the scale, the text after `synthetic:`, as a number."""
    try:
        return float(text)
    except ValueError:
        raise ModelsError(
            "The scale of `synthetic` must be a number, as in synthetic:0.1, "
            f"but got {text[:60]!r}."
        ) from None


def _path(source: str) -> Path:
    """Find the file of ratings, given its path or the name of a fetched data set."""
    dataset = find_dataset(source)
    if dataset is not None:
        path = fetched_path(dataset)
        if not path.is_file():
            raise ModelsError(
                f"The source {source!r} must be fetched first, but there is no {path}. "
                f"Run: trialbook data fetch {source}"
            )
        return path
    path = Path(os.path.expanduser(source))
    looks_like_a_path = "/" in source or "\\" in source or path.suffix
    if not os.path.exists(path) and not looks_like_a_path:
        known = ", ".join(known_sources())
        raise ModelsError(
            f"The source must be one of {known}, or a file, "
            f"but got {source[:60]!r}, which is neither."
        )
    return path
