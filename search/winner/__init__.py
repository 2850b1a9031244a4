"""The best trial, decided on new seeds and scored once on the sealed test part."""

from search.winner.decide import find_winner

__all__ = ["find_winner"]
