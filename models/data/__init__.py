"""Ratings: where they come from, how they are split, what they look like."""

from models.data.datasets import DATASETS, DataSet, require_dataset
from models.data.describing import describe
from models.data.fetching import fetch
from models.data.folds import fold_of
from models.data.hashing import ContentHasher
from models.data.locations import cache_folder
from models.data.options import SourceOptions
from models.data.parts import Part, Split
from models.data.published import load_published
from models.data.published_checks import check_published, verdict
from models.data.ratings import Check, Ratings
from models.data.sources import DEFAULT_SOURCE, known_sources, load_ratings
from models.data.splits import SPLITS, split_ratings
from models.data.vocabulary import Vocabulary

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
    "describe",
    "fetch",
    "fold_of",
    "known_sources",
    "load_published",
    "load_ratings",
    "require_dataset",
    "split_ratings",
    "verdict",
]
