"""Download data sets from their publishers, whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.data.locations import cache_folder
from models.data.ratings import Progress
from models.errors import ModelsError

MUBI = "mubi"
_KAGGLE = "clementmsika/mubi-sqlite-database-for-movie-lovers"
_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
_TERMS = (
    "GroupLens' terms: free for research, no commercial use without permission, "
    "no redistribution without permission, and a citation"
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that can be downloaded.

    Attributes:
        archive: Name of the publisher's archive; empty for one that comes from Kaggle.
        ratings: The ratings' path inside it.
        licence: Its terms in a line.
        checksum: As pooch takes it, "md5:…"; None reads the publisher's `ARCHIVE.md5`.
    """

    archive: str
    ratings: str
    licence: str
    checksum: str | None = None


DATASETS = {
    "movielens-1m": DataSet("ml-1m.zip", "ml-1m/ratings.dat", _TERMS),
    "movielens-10m": DataSet("ml-10m.zip", "ml-10M100K/ratings.dat", _TERMS),
    "movielens-25m": DataSet("ml-25m.zip", "ml-25m/ratings.csv", _TERMS),
    "movielens-32m": DataSet("ml-32m.zip", "ml-32m/ratings.csv", _TERMS),
    "movielens-latest-small": DataSet("ml-latest-small.zip", "ml-latest-small/ratings.csv", _TERMS),
    MUBI: DataSet("", "", "as stated on its Kaggle page; your own Kaggle credentials are used"),
}


def canonical_name(name: str) -> str | None:
    """The registered name that `name` stands for, or None."""
    full = "movielens-latest-small" if name == "latest-small" else name
    return full if full in DATASETS and full != MUBI else None


def fetched_ratings(name: str) -> Path:
    """Where a fetched data set keeps its ratings.

    Raises:
        ModelsError: It was not fetched yet.
    """
    path = cache_folder() / name / DATASETS[name].ratings
    if not path.exists():
        raise ModelsError(
            f"The source `{name}` must be fetched first, but {path} is not there. "
            f"Run: trialbook data fetch {name}."
        )
    return path


def fetch(
    name: str,
    *,
    destination: Path | None = None,
    base_url: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download a data set; what is there already is kept.

    Args:
        name: One of `DATASETS`.
        destination: Folder to put it in; None for the user's cache.
        base_url: Another address of the publisher's files.
        progress: Hears a line before each step.

    Returns:
        The file of ratings (of MUBI: its SQLite file).

    Raises:
        ModelsError: The name is unknown, the network fails, or the checksum does not match.
    """
    tell = progress or (lambda text: None)
    known = name if name == MUBI else canonical_name(name)
    if known is None:
        raise ModelsError(f"`fetch` takes one of {', '.join(DATASETS)}, but got {name!r}.")
    dataset = DATASETS[known]
    tell(f"{known}: {dataset.licence}.")
    if known == MUBI:
        return _fetch_mubi()
    folder = destination or cache_folder() / known
    target = folder / dataset.ratings
    if target.exists():
        tell(f"Already there: {target}")
        return target
    address = (base_url or _GROUPLENS).rstrip("/") + "/" + dataset.archive
    tell(f"Downloading {address}")
    try:
        return _download(dataset, address, folder, target)
    except ModelsError:
        raise
    except Exception as error:  # pooch raises whatever its transport does
        reason = " ".join(str(error).split())[:200]
        raise ModelsError(
            f"{known} must be downloaded whole from {address}, but: {reason}. Nothing was kept."
        ) from None


def _download(dataset: DataSet, address: str, folder: Path, target: Path) -> Path:
    import pooch  # type: ignore[import-untyped]

    pooch.get_logger().setLevel("ERROR")
    part = folder / ".part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        checksum = dataset.checksum or _published_checksum(address, part)
        pooch.retrieve(
            address,
            known_hash=checksum,
            fname=dataset.archive,
            path=part,
            processor=pooch.Unzip(members=[dataset.ratings], extract_dir="."),
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        (part / dataset.ratings).replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _published_checksum(address: str, folder: Path) -> str | None:
    """GroupLens publishes `ARCHIVE.md5` beside most archives; where it does not, None."""
    import pooch

    try:
        path = pooch.retrieve(address + ".md5", known_hash=None, fname="md5", path=folder)
    except Exception:  # not published, or not reachable: the download itself will tell
        return None
    words = Path(path).read_text(encoding="ascii", errors="replace").replace("=", " ").split()
    digests = [w for w in words if len(w) == 32 and all(c in "0123456789abcdef" for c in w.lower())]
    return f"md5:{digests[0].lower()}" if digests else None


def _fetch_mubi() -> Path:
    try:
        import kagglehub
    except ImportError:
        raise ModelsError(
            "`fetch mubi` needs the extra `kaggle`, which is not installed. "
            'Install it: pip install "trialbook[kaggle]".'
        ) from None
    try:
        folder: Any = kagglehub.dataset_download(_KAGGLE)
    except Exception as error:  # kagglehub raises whatever its transport does
        reason = " ".join(str(error).split())[:200]
        raise ModelsError(
            f"Kaggle must hand out {_KAGGLE}, but: {reason}. Check your Kaggle credentials."
        ) from None
    return mubi_file(Path(folder))


def mubi_file(path: Path) -> Path:
    """The ratings' file of MUBI: the path itself, or the one file in a folder that fits."""
    if not path.is_dir():
        return path
    found = sorted(path.rglob("*.sqlite")) + sorted(path.rglob("mubi_ratings_data.csv"))
    if not found:
        raise ModelsError(
            f"`mubi` must be a SQLite file or mubi_ratings_data.csv, but the folder {path} has "
            "neither."
        )
    return found[0]
