"""Writes what a user named, and numbers, as plain text: on a terminal, for a shell, in Markdown."""

from __future__ import annotations

import re
import shlex

_DOT = r"(?<=\d)\.(?=\d)"
_HARMLESS = re.compile(rf"[^\W_](?:(?:[\w ,+%-]|{_DOT})*[^\W_])?")
"""Letters and digits, and between them what means nothing to Markdown."""
_LONG = 1e15
"""From here on a whole number has too many digits to be read, and floats are not exact."""
_LOOSE = re.compile(r"\W_|_\W")
"""An underline at a word's edge, which begins or ends slanted text."""


def visible(text: str, keep: str = "") -> str:
    r"""A text in which every character that cannot be seen is written as Python writes it.

    These are control characters, characters that turn the direction of what follows, those of no
    width, spaces other than the usual one, and bytes of a path that are not UTF-8.

    Args:
        text: The text.
        keep: Characters that stay as they are, say a line feed.

    Example:
        >>> print(visible("a\x1b[31mb\u202ec\nd"))
        a\x1b[31mb\u202ec\nd
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in keep
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def short_number(value: float) -> str:
    """A number in few characters: whole ones whole, others with four digits.

    Args:
        value: The number.

    Example:
        >>> [short_number(value) for value in (74228.0, 0.00012345, 12.0, 3e20)]
        ['74,228', '0.0001234', '12', '3e+20']
    """
    is_whole = abs(value) < _LONG and value == int(value)
    return f"{value:,.0f}" if is_whole else f"{value:.4g}"


def shell_line(*words: str) -> str:
    r"""A command line that a shell reads as exactly these words, in characters that are seen.

    A word with characters that cannot be seen is written as `$'...'`, as GNU `ls` writes it: bash,
    zsh, ksh and every shell of POSIX 2024 read that. All else is for any shell.

    Args:
        words: The command and its arguments.

    Example:
        >>> print(shell_line("trialbook", "show", "a b", "x\ny"))
        trialbook show 'a b' $'x\012y'
    """
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_shell_letter, word))}'"


def _shell_letter(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    # What stands for a byte of a path that is not UTF-8 becomes that byte again.
    coding = "surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", coding))


def markdown(text: str) -> str:
    """A name in Markdown, where it is neither a link nor an image, HTML or anything but text.

    Usual names stay as they are. Any other one becomes code, in which Markdown knows no marks.

    Args:
        text: The name.

    Example:
        >>> markdown("learning_rate"), markdown("[link](https://example.com/)")
        ('learning_rate', '`[link](https://example.com/)`')
    """
    usual = _HARMLESS.fullmatch(text) is not None and _LOOSE.search(text) is None
    return text if usual or not text else code(text)


def cell(text: str) -> str:
    """A name in a cell of a Markdown table, as `markdown` writes it elsewhere.

    Args:
        text: The name.

    Example:
        >>> cell("a|b")
        '`a\\\\|b`'
    """
    return markdown(text).replace("|", "\\|")


def code(text: str) -> str:
    """A text as code in Markdown, whatever it holds.

    Args:
        text: The text.

    Example:
        >>> code("a`b")
        '``a`b``'
    """
    shown = visible(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # One space at both ends is taken off again, but for what is spaces alone.
    edges = shown[:1] + shown[-1:]
    room = " " if shown.strip(" ") and ("`" in edges or " " in edges) else ""
    return f"{fence}{room}{shown}{room}{fence}"
