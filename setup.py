"""What a package says of the repository that it comes from, which only its owner knows.

`TRIALBOOK_REPOSITORY=https://... make dist` names it: then README's links and pictures, which are
paths within the repository, become addresses, as an index's page needs them. Without it they stay
as they are. All else is in pyproject.toml.
"""

import os
import re
from pathlib import Path

from setuptools import setup

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")
_REPOSITORY = os.environ.get("TRIALBOOK_REPOSITORY", "").rstrip("/")


def _readme() -> str:
    text = Path("README.md").read_text(encoding="utf-8")
    if not _REPOSITORY:
        return text

    def absolute(found: re.Match[str]) -> str:
        picture, words, path = found.groups()
        return f"{picture}[{words}]({_REPOSITORY}/{'raw' if picture else 'blob'}/main/{path})"

    return _LINK.sub(absolute, text)


_PAGES = {"Changelog": "CHANGELOG.md", "Documentation": "docs", "Source": ""}
_URLS = {
    name: f"{_REPOSITORY}/blob/main/{path}" if path else _REPOSITORY
    for name, path in _PAGES.items()
}

setup(
    long_description=_readme(),
    long_description_content_type="text/markdown",
    project_urls=_URLS if _REPOSITORY else {},
)
