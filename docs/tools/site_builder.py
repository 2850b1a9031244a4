"""Builds the documentation site: `make docs`, or `make docs-serve` to look at it.

The pages in docs/ are written to be read where the code is hosted, too. There a link may lead out
of docs/, to a test or a study file. In the site it leads to a page with the text of that file, so
that no link is dead and none needs a network. So what Zensical builds is a copy, in build/docs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

TOP = Path(__file__).resolve().parents[2]
COPY = TOP / "build" / "docs"
BESIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages at the top of the repository that are pages of the site."""
LEFT_OUT = ("tools",)
_LINK = re.compile(r"(?<=\]\()([^)#\s]+)(?=[)#])")
_KINDS = {".py": "python", ".toml": "toml"}


def stage(copy: Path = COPY) -> None:
    """Make the copy of the pages that the site is built from.

    Args:
        copy: The folder; what was in it is removed.
    """
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(TOP / "docs", copy, ignore=shutil.ignore_patterns(*LEFT_OUT, "*.dot"))
    for name, page in BESIDE.items():
        shutil.copy(TOP / name, copy / page)
    places = {copy / page: name for name, page in BESIDE.items()}
    for page in sorted(copy.rglob("*.md")):
        place = places.get(page, f"docs/{page.relative_to(copy).as_posix()}")
        text = page.read_text(encoding="utf-8")
        page.write_text(_LINK.sub(lambda m, at=place: _led(m[1], at, copy), text), encoding="utf-8")


def _led(target: str, page: str, copy: Path) -> str:
    """Where a link of a page leads in the site.

    Args:
        target: The link as it is written.
        page: The page's path in the repository.
        copy: Where pages of the site lie; one is written there for a file outside docs/.
    """
    if "://" in target or target.startswith("mailto:"):
        return target
    path = normpath(PurePosixPath(page).parent / target)
    if not (TOP / path).exists():  # Zensical tells of it
        return target
    if path in BESIDE:
        led = BESIDE[path]
    elif path.startswith("docs/"):
        led = path.removeprefix("docs/")
    else:
        led = _page_of(path, copy)
    return _from(led, page)


def _from(led: str, page: str) -> str:
    """A page of the site as a page links to it, whose path in the repository is given."""
    up = page.removeprefix("docs/").count("/")
    return "../" * up + led


def _page_of(path: str, copy: Path) -> str:
    """Write the page that shows a file or a folder of the repository; returns its place."""
    source, place = TOP / path, f"source/{path}.md"
    if source.is_dir():
        body = "\n".join(f"- `{each.name}`" for each in sorted(source.iterdir()))
    else:
        fence = _KINDS.get(source.suffix, "text")
        body = f"````{fence}\n{source.read_text(encoding='utf-8').rstrip()}\n````"
    (copy / place).parent.mkdir(parents=True, exist_ok=True)
    (copy / place).write_text(f"# {path}\n\n{body}\n", encoding="utf-8")
    return place


def in_navigation() -> list[str]:
    """The pages that the site's navigation names, in its order."""
    config = tomllib.loads((TOP / "zensical.toml").read_text(encoding="utf-8"))
    return list(_pages(config["project"]["nav"]))


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:  # a list of entries, or a title with one
        for each in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(each)


def not_matched(copy: Path = COPY) -> list[str]:
    """Pages that are not in the navigation, and what is there without being a page.

    Zensical tells of neither. Pages that show files of the repository need no place.
    """
    named = in_navigation()
    there = {page.relative_to(copy).as_posix() for page in copy.rglob("*.md")}
    return sorted({page for page in there if not page.startswith("source/")} ^ set(named))


def main() -> None:
    """Build the site into site/, or serve it where the first argument is `serve`."""
    stage()
    if wrong := not_matched():
        sys.exit(f"The navigation in zensical.toml and the pages of docs/ differ: {wrong}")
    serves = sys.argv[1:2] == ["serve"]
    words = ["serve"] if serves else ["build", "--strict", "--clean"]
    sys.exit(subprocess.run([sys.executable, "-m", "zensical", *words], cwd=TOP).returncode)


if __name__ == "__main__":
    main()
