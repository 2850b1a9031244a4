"""Rules that a setting's value must keep, each in the words of its message."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Protocol

from models.checks import is_finite, is_whole, refuse
from search.errors import SearchError


class Rule(Protocol):
    """What a value must be."""

    @property
    def words(self) -> str:
        """The rule as it follows "must" in a message: "be at least 1"."""

    def holds(self, value: Any) -> bool:
        """Whether a value keeps the rule."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of at least `least`.

    Example:
        >>> Whole(1).words
        'be a whole number of at least 1'
        >>> Whole(1).holds(1.5)
        False
    """

    least: int

    @property
    def words(self) -> str:
        """In a message."""
        return f"be a whole number of at least {self.least}"

    def holds(self, value: Any) -> bool:
        """Whether the value is one; true and false are none."""
        return is_whole(value, self.least)


@dataclass(frozen=True, slots=True)
class Within:
    """An integer from `least` to `most`.

    Example:
        >>> Within(2, 100).words, Within(1).words
        ('be from 2 to 100', 'be at least 1')
    """

    least: int
    most: float = math.inf

    @property
    def words(self) -> str:
        """In a message."""
        if self.most == math.inf:
            return f"be at least {self.least}"
        return f"be from {self.least} to {self.most}"

    def holds(self, value: Any) -> bool:
        """Whether the value is one."""
        return is_whole(value, self.least, self.most)


@dataclass(frozen=True, slots=True)
class WithinOr:
    """An integer from `least` to `most`, or one word."""

    least: int
    most: int
    word: str

    @property
    def words(self) -> str:
        """In a message."""
        return f"be from {self.least} to {self.most}, or {self.word}"

    def holds(self, value: Any) -> bool:
        """Whether the value is either."""
        return value == self.word or is_whole(value, self.least, self.most)


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number from `least` to `most`."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def words(self) -> str:
        """In a message."""
        if self.most < math.inf:
            return f"be a number from {self.least:g} to {self.most:g}"
        least = "" if self.least == -math.inf else f" of at least {self.least:g}"
        return f"be a finite number{least}"

    def holds(self, value: Any) -> bool:
        """Whether the value is one; true and false are none."""
        return is_finite(value) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Positive:
    """A finite number above 0, in a unit that the message names."""

    unit: str = ""

    @property
    def words(self) -> str:
        """In a message."""
        return f"be above 0 {self.unit}".rstrip()

    def holds(self, value: Any) -> bool:
        """Whether the value is one."""
        return is_finite(value) and value > 0


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    @property
    def words(self) -> str:
        """In a message."""
        return "be true or false"

    def holds(self, value: Any) -> bool:
        """Whether the value is one."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some texts."""

    known: tuple[str, ...]

    @property
    def words(self) -> str:
        """In a message."""
        return f"be one of {', '.join(self.known)}"

    def holds(self, value: Any) -> bool:
        """Whether the value is one."""
        return value in self.known


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a pattern, described in words; or one of some texts."""

    pattern: str
    words: str
    known: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether the value is one."""
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
