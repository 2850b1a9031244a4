"""The few signs beyond ASCII that Trialbook prints, and what stands for them elsewhere."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

IN_ASCII = "trialbook-signs"
"""Name of the error handler of a stream that lacks such signs: see `encodable`."""
_ASCII = {"•": "-", "…": "...", "≠": "!="}


def encodable(text: str, encoding: str) -> str:
    """A text in the letters that an encoding has.

    Signs of Trialbook's own that it lacks are written in ASCII. Other letters that it lacks, say
    of a user's name for something, are written as Python writes them.

    Args:
        text: The text.
        encoding: Of the terminal or file; one that Python does not know is taken for ASCII.

    Example:
        >>> encodable("• caf\xe9 …", "ascii"), encodable("• caf\xe9", "latin-1")
        ('- caf\\\\xe9 ...', '- café')
    """
    if text.isascii():
        return text
    try:
        return text.encode(encoding, IN_ASCII).decode(encoding)
    except LookupError:
        return text.encode("ascii", IN_ASCII).decode("ascii")


def has_signs(encoding: str, signs: str) -> bool:
    """Whether an encoding has all of some signs.

    Example:
        >>> has_signs("utf-8", "▁█"), has_signs("latin-1", "·"), has_signs("ascii", "·")
        (True, True, False)
    """
    try:
        signs.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def asks_for_ascii(environment: Mapping[str, str]) -> bool:
    """Whether a user's locale is expressly that of ASCII, "C" or "POSIX".

    Python then writes UTF-8 all the same. Without any locale, as in a container, the terminal most
    often has UTF-8.

    Args:
        environment: The environment variables.

    Example:
        >>> asks_for_ascii({"LC_ALL": "C"}), asks_for_ascii({"LANG": "C", "LC_ALL": "C.UTF-8"})
        (True, False)
        >>> asks_for_ascii({}), asks_for_ascii({"LC_ALL": "C", "PYTHONUTF8": "1"})
        (False, False)
    """
    if environment.get("PYTHONUTF8") == "1" or environment.get("PYTHONIOENCODING"):
        return False
    named = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, named), "") in ("C", "POSIX")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """The error handler: what is written for letters that a stream's encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = (_ASCII.get(each) or each.encode("unicode_escape").decode() for each in lacking)
    return "".join(written), error.end


codecs.register_error(IN_ASCII, _in_ascii)
