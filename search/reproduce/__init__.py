"""A recorded trial trained again and compared with its record."""

from search.reproduce.run import reproduce

__all__ = ["reproduce"]
