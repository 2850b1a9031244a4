"""Fetch a published data set from its publisher."""

from __future__ import annotations

import logging
import re
import tempfile
import zipfile
from pathlib import Path
from textwrap import shorten

from models.data.download.cache import cache_folder
from models.data.download.catalog import GROUPLENS, DataSet, require_dataset
from models.data.ratings import Progress
from models.errors import ModelsError

_KAGGLE_HANDLE = "clementmsika/mubi-sqlite-database-for-movie-lovers"
_KAGGLE_FILES = ("*.sqlite", "*.sqlite3", "*.db", "*ratings_data.csv")
_TIMEOUT_S = 30
_BLOCK_BYTES = 1 << 20


def fetch(
    name: str,
    *,
    destination: Path | None = None,
    base_url: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch a data set from its publisher, unless its ratings are on this machine already.

    Args:
        name: A name in `DATASETS`, or `latest-small`.
        destination: Folder for the ratings; None is the cache, where sources look for them.
        base_url: Address of the folder that holds the archive; None is the publisher's, whose
            checksum is known here. Another one is held to the `.md5` file beside its archive.
        progress: Called with the terms of use and each step, one line each.

    Returns:
        Path of the ratings file.

    Raises:
        ModelsError: The name is unknown, the address cannot be reached, or what came is not the
            published archive. Nothing half-written is left.

    Example:
        >>> fetch("movielens-1m", destination=Path("sets")).as_posix()  # it is there already
        'sets/ml-1m/ratings.dat'
    """
    dataset = require_dataset(name)
    report = progress or (lambda _: None)
    if dataset.name == "mubi":
        return _from_kaggle(dataset, destination, report)
    report(_terms(dataset))
    target = (destination or cache_folder() / dataset.name) / dataset.ratings
    if target.is_file():
        report(f"Already there: {target}")
    else:
        _from_grouplens(dataset, target, base_url, report)
    return target


def _terms(dataset: DataSet) -> str:
    return f"Terms: {dataset.licence}"


def _from_grouplens(dataset: DataSet, target: Path, base_url: str | None, report: Progress) -> None:
    """Download an archive and put its ratings at `target`."""
    folder = target.parent.parent
    address = f"{(base_url or GROUPLENS).rstrip('/')}/{dataset.archive}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
            report(f"Fetching {address} ({dataset.size} ratings)")
            unpacked = _download(dataset, address, Path(scratch), pinned=base_url is None)
            target.parent.mkdir(exist_ok=True)
            unpacked.replace(target)
    except OSError as error:
        raise ModelsError(f"{target} cannot be written: {error.strerror or error}.") from None
    report(f"Wrote {target}")


def fetched_path(dataset: DataSet) -> Path:
    """Return where `fetch` puts the ratings of a data set when it gets no destination."""
    return cache_folder() / dataset.name / dataset.ratings


def _download(dataset: DataSet, address: str, scratch: Path, *, pinned: bool) -> Path:
    """Download, check and unpack an archive into a scratch folder; return its file of ratings."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    md5 = dataset.md5 if pinned and dataset.md5 else _md5_beside(address)
    try:
        pooch.retrieve(
            address,
            known_hash=None if md5 is None else f"md5:{md5}",
            fname=dataset.archive,
            path=scratch,
            downloader=_stream,
            processor=pooch.Unzip(members=[dataset.ratings], extract_dir="."),
        )
    except (requests.RequestException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelsError(_failure(dataset, address, md5, error)) from None
    ratings = scratch / dataset.ratings
    if not ratings.is_file():
        raise ModelsError(f"{address} must hold {dataset.ratings}, but does not.")
    return ratings


def _stream(address: str, path: str, _pooch: object) -> None:
    """Download a URL to a path; close the connection even if the server answers with an error."""
    import requests

    with requests.get(address, stream=True, timeout=_TIMEOUT_S) as answer:
        answer.raise_for_status()
        with Path(path).open("wb") as file:
            for block in answer.iter_content(_BLOCK_BYTES):
                file.write(block)


def _md5_beside(address: str) -> str | None:
    """Read an archive's MD5 from `ARCHIVE.md5` beside the archive; None where there is no MD5."""
    import requests

    try:
        answer = requests.get(f"{address}.md5", timeout=_TIMEOUT_S)
    except requests.RequestException:
        return None  # the archive itself will tell what is wrong with the network
    md5 = re.search(r"\b[0-9a-f]{32}\b", answer.text.lower()) if answer.ok else None
    return None if md5 is None else md5[0]


def _failure(dataset: DataSet, address: str, md5: str | None, error: Exception) -> str:
    """Say what went wrong with a download, and what can be done."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{address} must be there, but the server answers {error.response.status_code}."
    if isinstance(error, requests.RequestException):
        return (
            f"{address} must be reachable, but is not ({type(error).__name__}). Check the network, "
            "or fetch the file yourself and name its path as the source."
        )
    if isinstance(error, ValueError) and "hash" in str(error):
        return f"{address} must have the MD5 {md5}, but has another. Nothing was kept."
    return f"{address} must be a zip archive that holds {dataset.ratings}, but is not."


def _from_kaggle(dataset: DataSet, destination: Path | None, report: Progress) -> Path:
    """Download MUBI's data through kagglehub; return the path of the ratings."""
    try:
        import kagglehub
    except ImportError:
        raise ModelsError(
            "`data fetch mubi` needs the package kagglehub, which is not installed. "
            'Install it with: pip install "trialbook[kaggle]"'
        ) from None
    report(_terms(dataset))
    report("Fetching from Kaggle with your own credentials (some 2 GB)")
    try:
        output = None if destination is None else str(destination)
        folder = Path(kagglehub.dataset_download(_KAGGLE_HANDLE, output_dir=output))
    except Exception as error:  # kagglehub raises whatever its HTTP layer raises
        raise ModelsError(_kaggle_failure(error)) from None
    ratings = mubi_file(folder)
    report(f"Use it as mubi:{ratings}")
    return ratings


def _kaggle_failure(error: Exception) -> str:
    """Say what went wrong with a download from Kaggle, and what can be done."""
    import requests

    by_hand = "download it by hand and use `mubi:PATH`."
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return (
            f"Kaggle must be reachable, but is not ({type(error).__name__}). Check the network, "
            f"or {by_hand}"
        )
    reason = shorten(str(error), 200, placeholder=" …").rstrip(".") or type(error).__name__
    return (
        f"Kaggle must hand over {_KAGGLE_HANDLE}, but does not: {reason}. Set up your Kaggle "
        f"token, or {by_hand}"
    )


def mubi_file(path: Path) -> Path:
    """Find MUBI's file of ratings, given its path or that of its folder.

    Args:
        path: A file, or the folder that Kaggle's download makes.

    Returns:
        The SQLite file, else the ratings as CSV.

    Raises:
        ModelsError: The folder has neither.
    """
    if not path.is_dir():
        return path
    for pattern in _KAGGLE_FILES:
        for found in sorted(path.rglob(pattern)):
            return found
    raise ModelsError(
        "`mubi` must be a SQLite file or mubi_ratings_data.csv, but "
        f"{path} is a folder that has neither."
    )
