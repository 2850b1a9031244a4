"""The pages hang together: each has its place in the site, and no link of theirs is dead."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from pages import LINKING, PAGES, TOP, anchors, links, text_of


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "docs" / "tools")
    return importlib.import_module("site_builder")


def test_every_page_has_one_place_in_the_navigation(site: ModuleType) -> None:
    named = site.in_navigation()
    pages = {page.removeprefix("docs/") for page in PAGES if page != "README.md"}
    assert sorted(named) == sorted(pages | set(site.BESIDE.values()))


@pytest.mark.parametrize("page", LINKING)
def test_every_link_and_anchor_leads_somewhere(page: str) -> None:
    dead = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (TOP / page).parent / path if path else TOP / page
        if not target.exists():
            dead.append(link)
        elif anchor and anchor not in anchors(os.path.relpath(target, TOP)):
            dead.append(f"{link} (it has {sorted(anchors(os.path.relpath(target, TOP)))})")
    assert not dead, f"{page} links to what is not there: {dead}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_and_fences_that_end(page: str) -> None:
    text = text_of(page)
    fences = re.findall(r"(?m)^```", text)
    assert len(fences) % 2 == 0
    outside = re.sub(r"(?ms)^```.*?^```", "", text)
    assert len(re.findall(r"(?m)^# ", outside)) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_list_begins_behind_an_empty_line(page: str) -> None:
    """Else the site shows it as a part of the paragraph above, though code-hosting sites do not."""
    outside = re.sub(r"(?ms)^```.*?^```", "", text_of(page)).splitlines()
    marker = re.compile(r"(- |\d+\. )")
    glued = [
        line
        for before, line in pairwise(outside)
        if marker.match(line) and re.match(r"\w|\[|\*\*|`", before) and not marker.match(before)
    ]
    assert not glued


def test_a_link_out_of_the_pages_leads_to_the_text_of_the_file(
    site: ModuleType, tmp_path: Path
) -> None:
    site.stage(tmp_path / "copy")
    page = (tmp_path / "copy/search.md").read_text(encoding="utf-8")
    assert "](source/search/studies/factors.toml.md)" in page
    shown = (tmp_path / "copy/source/search/studies/factors.toml.md").read_text(encoding="utf-8")
    assert "````toml" in shown
    assert text_of("search/studies/factors.toml").strip() in shown
    assert "](contributing.md)" in (tmp_path / "copy/architecture.md").read_text(encoding="utf-8")
    assert "](architecture.md)" in (tmp_path / "copy/contributing.md").read_text(encoding="utf-8")
    assert "](../settings.md)" in (tmp_path / "copy/reference/commands.md").read_text("utf-8")
    assert not (tmp_path / "copy/tools").exists()
    assert site.not_matched(tmp_path / "copy") == []


def test_a_page_without_a_place_is_told(site: ModuleType, tmp_path: Path) -> None:
    site.stage(tmp_path / "copy")
    (tmp_path / "copy/stray.md").write_text("# Stray\n")
    (tmp_path / "copy/ray.md").unlink()
    assert site.not_matched(tmp_path / "copy") == ["ray.md", "stray.md"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="needs the extra docs")
def test_the_site_is_built_strictly_and_needs_no_network(tmp_path: Path) -> None:
    """In a copy of what it is made of, so that nobody's site/ is touched."""
    shutil.copytree(TOP / "docs", tmp_path / "docs")
    shutil.copy(TOP / "zensical.toml", tmp_path)  # Zensical builds where the file itself is
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "benchmarks", "models", "search", "tests"):
        os.symlink(TOP / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "docs/tools/site_builder.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = tmp_path / "site"
    built = {path.relative_to(made).as_posix() for path in made.rglob("*.html")}
    assert {"index.html", "tutorial.html", "reference/commands.html"} <= built
    loaded = re.compile(r"<(?:script|img|iframe)[^>]*src=\"?https?:|<link[^>]*href=\"?https?:")
    for page in built:
        text = (made / page).read_text(encoding="utf-8")
        without = re.sub(r'<link rel="?canonical"?[^>]*>', "", text)
        assert not loaded.search(without), page
