"""Recognise whole numbers that text writes as floats: "7.0" is 7."""

from __future__ import annotations

import re

_WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))\.0+\Z")


def plain_number(text: str) -> str:
    """Write a whole number without its fraction, and leave any other text as it is.

    Example:
        >>> plain_number("7.00"), plain_number("-0.0"), plain_number("7.5"), plain_number("07.0")
        ('7', '0', '7.5', '07.0')
    """
    number = _WHOLE_FLOAT.match(text)
    return text if number is None else str(int(number[1]))
