"""Rules for the values of settings; each rule has words for an error message."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Protocol

from models.checks import is_finite, is_whole, refuse
from search.errors import SearchError


class Rule(Protocol):
    """A rule for a value: whether the value keeps the rule, and the words of the error message."""

    @property
    def words(self) -> str:
        """The words after "must" in an error message: "be at least 1"."""

    def holds(self, value: Any) -> bool:
        """Whether a value keeps the rule."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Requires an integer of at least `least`.

    Example:
        >>> Whole(1).words
        'be a whole number of at least 1'
        >>> Whole(1).holds(1.5)
        False
    """

    least: int

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        return f"be a whole number of at least {self.least}"

    def holds(self, value: Any) -> bool:
        """Whether the value is an integer of at least `least`; true and false do not count."""
        return is_whole(value, self.least)


@dataclass(frozen=True, slots=True)
class Within:
    """Requires an integer from `least` to `most`.

    Example:
        >>> Within(2, 100).words, Within(1).words
        ('be from 2 to 100', 'be at least 1')
    """

    least: int
    most: float = math.inf

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        if self.most == math.inf:
            return f"be at least {self.least}"
        return f"be from {self.least} to {self.most}"

    def holds(self, value: Any) -> bool:
        """Whether the value is an integer from `least` to `most`; true and false do not count."""
        return is_whole(value, self.least, self.most)


@dataclass(frozen=True, slots=True)
class WithinOr:
    """Requires an integer from `least` to `most`, or the text `word`."""

    least: int
    most: int
    word: str

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        return f"be from {self.least} to {self.most}, or {self.word}"

    def holds(self, value: Any) -> bool:
        """Whether the value is an integer from `least` to `most`, or the word `word`."""
        return value == self.word or is_whole(value, self.least, self.most)


@dataclass(frozen=True, slots=True)
class Real:
    """Requires a finite number from `least` to `most`."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        if self.most < math.inf:
            return f"be a number from {self.least:g} to {self.most:g}"
        least = "" if self.least == -math.inf else f" of at least {self.least:g}"
        return f"be a finite number{least}"

    def holds(self, value: Any) -> bool:
        """Whether the value is such a number; true and false are not."""
        return is_finite(value) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Positive:
    """Requires a finite number above 0; the error message names its `unit`."""

    unit: str = ""

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        return f"be above 0 {self.unit}".rstrip()

    def holds(self, value: Any) -> bool:
        """Whether the value is such a number; true and false are not."""
        return is_finite(value) and value > 0


@dataclass(frozen=True, slots=True)
class Flag:
    """Requires true or false."""

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        return "be true or false"

    def holds(self, value: Any) -> bool:
        """Whether the value is true or false."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class OneOf:
    """Requires one of the texts in `known`."""

    known: tuple[str, ...]

    @property
    def words(self) -> str:
        """The words after "must" in an error message."""
        return f"be one of {', '.join(self.known)}"

    def holds(self, value: Any) -> bool:
        """Whether the value is one of those texts."""
        return value in self.known


@dataclass(frozen=True, slots=True)
class Text:
    """Requires a text that matches `pattern` or is in `known`; `words` describes both."""

    pattern: str
    words: str
    known: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether the value is such a text."""
        return value in self.known or re.fullmatch(self.pattern, str(value)) is not None


def check(name: str, value: Any, rule: Rule) -> None:
    """Refuse a value that breaks its rule.

    Args:
        name: What a user calls the value.
        value: What was received.
        rule: What must hold.

    Raises:
        SearchError: "`name` must RULE, but got VALUE."
    """
    if not rule.holds(value):
        refuse(name, rule.words, value, error=SearchError)
