"""Load ratings, split them into train, validation and test part, and describe them."""

from models.data.concerns import concerns
from models.data.content_hash import ContentHasher
from models.data.description import describe
from models.data.download.cache import cache_folder
from models.data.download.catalog import DATASETS, DataSet, require_dataset
from models.data.download.fetch import fetch
from models.data.folds import fold_of
from models.data.options import SourceOptions
from models.data.protocols import SPLITS, split_ratings
from models.data.published import check_published, is_published, verdict
from models.data.ratings import Check, Ratings
from models.data.sources import DEFAULT_SOURCE, known_sources, load_ratings
from models.data.split import Part, Split
from models.data.vocabulary import Vocabulary
from models.published_figures import load_published

__all__ = [
    "DATASETS",
    "DEFAULT_SOURCE",
    "SPLITS",
    "Check",
    "ContentHasher",
    "DataSet",
    "Part",
    "Ratings",
    "SourceOptions",
    "Split",
    "Vocabulary",
    "cache_folder",
    "check_published",
    "concerns",
    "describe",
    "fetch",
    "fold_of",
    "is_published",
    "known_sources",
    "load_published",
    "load_ratings",
    "require_dataset",
    "split_ratings",
    "verdict",
]
