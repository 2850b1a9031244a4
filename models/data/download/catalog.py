"""The data sets that `data fetch` knows, and their terms of use."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import ModelsError

GROUPLENS = "https://files.grouplens.org/datasets/movielens"


@dataclass(frozen=True, slots=True)
class DataSet:
    """A published data set: its archive, the file of ratings in the archive, its terms of use.

    Attributes:
        name: The source's name.
        archive: File name at the publisher; empty for Kaggle's.
        ratings: Path of the ratings inside the archive.
        md5: The publisher's MD5 of the archive, or None where the archive changes in place.
        size: Number of ratings, in words.
        licence: Licence or terms of use, one line.
        columns: The columns of the ratings where the file does not name them, in their order.

    Example:
        >>> DATASETS["movielens-1m"].size, DATASETS["movielens-1m"].ratings
        ('1,000,209', 'ml-1m/ratings.dat')
    """

    name: str
    archive: str
    ratings: str
    md5: str | None
    size: str
    licence: str
    columns: tuple[str, ...] = ()


_COLUMNS = ("user", "movie", "rating", "timestamp")
_TERMS = (
    "GroupLens, University of Minnesota: research use, with citation (Harper and Konstan 2015, "
    "doi:10.1145/2827872); no redistribution, no commercial use without permission."
)
_SHARE_TERMS = (
    "GroupLens, University of Minnesota: research use, with citation (Harper and Konstan 2015, "
    "doi:10.1145/2827872); redistribution under the same terms; no commercial use without "
    "permission."
)
_KAGGLE_TERMS = (
    "MUBI SQLite database by Clement Msika on Kaggle: your own Kaggle account, under the terms "
    "shown on its page, kaggle.com/datasets/clementmsika/mubi-sqlite-database-for-movie-lovers."
)

DATASETS: dict[str, DataSet] = {
    dataset.name: dataset
    for dataset in (
        DataSet(
            "movielens-latest-small",
            "ml-latest-small.zip",
            "ml-latest-small/ratings.csv",
            None,
            "about 100,000",
            _SHARE_TERMS,
        ),
        DataSet(
            "movielens-1m",
            "ml-1m.zip",
            "ml-1m/ratings.dat",
            "c4d9eecfca2ab87c1945afe126590906",
            "1,000,209",
            _TERMS,
            _COLUMNS,
        ),
        DataSet(
            "movielens-10m",
            "ml-10m.zip",
            "ml-10M100K/ratings.dat",
            "ce571fd55effeba0271552578f2648bd",
            "10,000,054",
            _TERMS,
            _COLUMNS,
        ),
        DataSet(
            "movielens-25m",
            "ml-25m.zip",
            "ml-25m/ratings.csv",
            "6b51fb2759a8657d3bfcbfc42b592ada",
            "25,000,095",
            _SHARE_TERMS,
        ),
        DataSet(
            "movielens-32m",
            "ml-32m.zip",
            "ml-32m/ratings.csv",
            "d472be332d4daa821edc399621853b57",
            "32,000,204",
            _SHARE_TERMS,
        ),
        DataSet("mubi", "", "", None, "15,520,005", _KAGGLE_TERMS),
    )
}
_ALIASES = {"latest-small": "movielens-latest-small"}


def find_dataset(name: str) -> DataSet | None:
    """Look a data set up by its name or alias; None where there is none."""
    return DATASETS.get(_ALIASES.get(name, name))


def require_dataset(name: str) -> DataSet:
    """Look a data set up by its name.

    Args:
        name: A name in `DATASETS`, or `latest-small`.

    Returns:
        The data set.

    Raises:
        ModelsError: There is none of that name.

    Example:
        >>> require_dataset("latest-small").name
        'movielens-latest-small'
    """
    dataset = find_dataset(name)
    if dataset is None:
        raise ModelsError(f"`data fetch` knows {', '.join(DATASETS)}, but got {name!r}.")
    return dataset
