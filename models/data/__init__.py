"""Ratings: where they come from, what they must be, and how they are split."""

from models.data.description import describe
from models.data.fetching import DATASETS, DataSet, fetch
from models.data.options import SourceOptions
from models.data.published import check_published
from models.data.ratings import Check, Ratings
from models.data.sources import load_ratings
from models.data.splits import SPLITS, Part, Split, split_ratings
from models.data.vocabulary import Vocabulary

__all__ = [
    "DATASETS",
    "SPLITS",
    "Check",
    "DataSet",
    "Part",
    "Ratings",
    "SourceOptions",
    "Split",
    "Vocabulary",
    "check_published",
    "describe",
    "fetch",
    "load_ratings",
    "split_ratings",
]
