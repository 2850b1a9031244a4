"""Decides a study's best trial on new seeds, and scores it once on the sealed test part."""

from search.winner.decide import find_winner
from search.winner.trainer import Steps

__all__ = ["Steps", "find_winner"]
