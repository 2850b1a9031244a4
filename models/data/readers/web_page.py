"""Tell a web page that was saved in place of a file of ratings."""

from __future__ import annotations

import codecs
import re

from models.errors import ModelsError

# What may stand above a page: spaces, comments (a browser's `saved from url`), `<?xml ... ?>`.
_ABOVE = rb"(?:\s|<!--.*?-->|<\?.*?\?>)*+"
# A tag before a separator is the first field of a row: some rate tags.
_NO_FIELD = rb"(?![^<>]*>[ \"]*(?:[,;|\t]|::))"
_PAGE = re.compile(_ABOVE + rb"<(?:!doctype|html)(?=[\s>])" + _NO_FIELD, re.IGNORECASE | re.DOTALL)
_PART = re.compile(
    _ABOVE + rb"</?(?:a|article|b|base|body|br|center|div|font|footer|form|frameset|h[1-6]|head"
    rb"|header|hr|i|iframe|img|input|li|link|main|meta|nav|noscript|ol|p|pre|script|section|span"
    rb"|strong|style|svg|table|tbody|td|th|thead|title|tr|ul)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)


def refuse_page(head: bytes, where: str) -> None:
    """Refuse a file that begins as a whole web page does.

    Args:
        head: The file's first bytes.
        where: The file, for messages.

    Raises:
        ModelsError: It is one.
    """
    if _PAGE.match(head.removeprefix(codecs.BOM_UTF8)):
        raise _refusal(where)


def refuse_part_of_page(head: bytes, where: str) -> None:
    """Refuse a file that begins with a tag of a web page, and was not read as ratings.

    Args:
        head: The file's first bytes.
        where: The file, for messages.

    Raises:
        ModelsError: It is a piece of a page.
    """
    if _PART.match(head.removeprefix(codecs.BOM_UTF8)):
        raise _refusal(where)


def _refusal(where: str) -> ModelsError:
    return ModelsError(
        f"{where} must hold ratings, but is a web page. Download the file itself; a browser "
        "may have saved the page around it."
    )
