"""The pages of the documentation as the tests read them: blocks of code, commands, links, anchors.

A page is named by its path in the repository, "docs/tutorial.md".
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(p.relative_to(TOP).as_posix() for p in (TOP / "docs").rglob("*.md"))]
LINKING = [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"]
_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The page.
        line: The line of its fence.
        language: The word behind the fence; empty where there is none.
        text: What stands in it.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def lines(self) -> list[str]:
        """Its lines as a shell reads them: joined where one ends in a backslash, no comments."""
        joined = self.text.replace("\\\n", " ")
        lines = [line.strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def text_of(page: str) -> str:
    """The text of a page."""
    return (TOP / page).read_text(encoding="utf-8")


def blocks(page: str, language: str | None = None) -> list[Block]:
    """The fenced blocks of a page, in their order; of one language if one is named."""
    text = text_of(page)
    found = [
        Block(page, text.count("\n", 0, match.start()) + 1, match[2], match[3])
        for match in _FENCE.finditer(text)
    ]
    return [each for each in found if language in (None, each.language)]


def commands(block: Block) -> list[list[str]]:
    """The arguments of each `trialbook` command line of a shell block."""
    found = []
    for line in block.lines:
        words = shlex.split(line, comments=True)
        words = words[1:] if words[:1] == ["exec"] else words
        if words[:1] == ["trialbook"]:
            found.append([word for word in words[1:] if not word.startswith(">")])
    return found


def prose(page: str) -> str:
    """A page without its fenced blocks and its comments."""
    text = _FENCE.sub("", text_of(page))
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def links(page: str) -> list[str]:
    """Where the links and pictures of a page lead, those to other sites left out."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "``", prose(page)))
    return [link for link in found if "://" not in link and not link.startswith("mailto:")]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as code-hosting sites make them."""
    seen: Counter[str] = Counter()
    found = set()
    for title in re.findall(r"(?m)^#+ (.+)$", prose(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found
