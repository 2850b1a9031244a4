"""The map is true: docs/architecture.md, its picture, and every path that a page names."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("models", "search", "tracking")
MAP = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "images" / "rooms.dot"
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"])

_UNDRAWN = {"search.__main__", "search._own_packages"}  # one line each, at the start-up


def _folders() -> list[str]:
    found = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    return sorted(f"{folder.relative_to(ROOT).as_posix()}/" for folder in found)


def _section(page: str, folder: str) -> str:
    """What stands below a folder's heading, up to the next heading."""
    found = re.search(rf"^### {re.escape(folder)}\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("folder", _folders())
def test_the_map_names_every_module_of_a_room_and_no_other(folder: str) -> None:
    section = _section(MAP.read_text(encoding="utf-8"), folder)
    assert section, f"Give docs/architecture.md a heading `### {folder}` with its modules below."
    named = set(re.findall(r"`(\w+\.py)`", section))
    there = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
    lacking, gone = sorted(there - named), sorted(named - there - {"__init__.py"})
    assert not lacking, f"Name them below `### {folder}` of docs/architecture.md: {lacking}"
    assert not gone, f"Take them out below `### {folder}` of docs/architecture.md: {gone}"


# The picture.


def _nodes(dot: str) -> dict[str, str]:
    """The node that stands for each room or module: `models.blocks` by `models.builder`."""
    found = {}
    for name, rest in re.findall(r'^ *"([\w.]+)" \[(.*)\]$', dot, re.MULTILINE):
        comment = re.search(r'comment="([^"]+)"', rest)
        package = name.split(".")[0]
        holds = [f"{package}.{each}" for each in comment[1].split()] if comment else [name]
        found |= dict.fromkeys(holds, name)
    return found


def _arrows(dot: str) -> set[tuple[str, str]]:
    """Every arrow between two rooms of one package."""
    arrows = set()
    for line in dot.splitlines():
        if "->" in line and "lhead" not in line:
            left, right = (re.findall(r'"([\w.]+)"', side) for side in line.split("->"))
            arrows |= {(one, other) for one in left for other in right}
    return arrows


def _imports() -> Iterator[tuple[str, str, str]]:
    """Each import of a room of the same package: both rooms, and where it stands."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[1:] == ("__init__",):
                continue
            importer = ".".join(parts[:2])
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.ImportFrom) and node.module == package:
                    names = [f"{package}.{each.name}" for each in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                elif isinstance(node, ast.Import):
                    names = [each.name for each in node.names]
                for name in names:
                    imported = ".".join(name.split(".")[:2])
                    if name.startswith(f"{package}.") and imported != importer:
                        yield importer, imported, f"{'/'.join(parts)}.py:{node.lineno}"


def _reached(arrows: set[tuple[str, str]], start: str) -> set[str]:
    """All that follows from the arrows of a node, itself too."""
    nexts = defaultdict(set)
    for one, other in arrows:
        nexts[one].add(other)
    found, waiting = {start}, [start]
    while waiting:
        new = nexts[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_the_picture_has_every_room() -> None:
    rooms = set()
    for package in PACKAGES:
        for path in (ROOT / package).iterdir():
            is_room = path.suffix == ".py" or (path / "__init__.py").exists()
            if is_room and path.stem != "__init__":
                rooms.add(f"{package}.{path.stem}")
    drawn = set(_nodes(PICTURE.read_text(encoding="utf-8")))
    assert rooms - _UNDRAWN == drawn, "Draw in docs/images/rooms.dot what the packages have."


def test_every_import_between_rooms_follows_from_the_arrows() -> None:
    dot = PICTURE.read_text(encoding="utf-8")
    nodes, arrows = _nodes(dot), _arrows(dot)
    breaches = [
        f"{where}: {one} imports {other}: draw the arrow in docs/images/rooms.dot."
        for one, other, where in _imports()
        if not {one, other} & _UNDRAWN and nodes[other] not in _reached(arrows, nodes[one])
    ]
    assert not breaches, "\n" + "\n".join(breaches)


def test_every_arrow_is_an_import_and_none_follows_from_the_others() -> None:
    dot = PICTURE.read_text(encoding="utf-8")
    nodes, arrows = _nodes(dot), _arrows(dot)
    real = {(nodes.get(one), nodes.get(other)) for one, other, _ in _imports()}
    assert arrows <= real, f"No import stands behind {sorted(arrows - real)}: take them out."
    needless = [(a, b) for a, b in arrows if b in _reached(arrows - {(a, b)}, a)]
    assert not needless, f"These follow from others, take them out: {needless}"


def test_the_picture_was_drawn_from_its_text() -> None:
    """By its words: another version of Graphviz may place things elsewhere."""
    dot = PICTURE.read_text(encoding="utf-8")
    drawn = PICTURE.with_suffix(".svg").read_text(encoding="utf-8")
    titles = re.findall(r"<title>(.+?)</title>", drawn)
    nodes, edges = set(_nodes(dot).values()), set(_arrows(dot))
    again = "Run: dot -Tsvg docs/images/rooms.dot -o docs/images/rooms.svg"
    assert nodes <= set(titles), again
    assert {tuple(t.split("&#45;&gt;")) for t in titles if "&gt;" in t} >= edges, again


# What pages name.

_TO_COME = ("models/compiled", "search/worker", "search/engine", "search/doctor", "tracking/spool",
            "tracking/report")  # fmt: skip
_FOLDERS = "models|search|tracking|tests|docs|benchmarks"


def _paths(page: str) -> set[str]:
    """Paths of the repository that a page names; `NAME` in one stands for a name to choose."""
    found = re.findall(rf"(?<![\w/.-])(?:\.\./)?((?:{_FOLDERS})/[\w./-]*\w/?)", page)
    return {each.rstrip("/.") for each in found if "NAME" not in each}


def _dotted(page: str) -> set[str]:
    """Dotted names of ours that a page uses: modules, and what is in them."""
    found = re.findall(r"(?<![\w/.-])((?:models|search|tracking)(?:\.\w+)+)", page)
    return {each for each in found if not each.endswith((".py", ".md"))}


def _is_there(dotted: str) -> bool:
    """Whether modules lead to the name, and the last one says it."""
    parts = dotted.split(".")
    place = ROOT
    while parts and (place / parts[0]).is_dir():
        place = place / parts.pop(0)
    if parts and (place / f"{parts[0]}.py").exists():
        place = place / f"{parts.pop(0)}.py"
    text = (place / "__init__.py" if place.is_dir() else place).read_text(encoding="utf-8")
    return not parts or bool(re.search(rf"\b{parts[0]}\b", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_names_only_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    gone = [p for p in _paths(text) if p not in _TO_COME and not (ROOT / p).exists()]
    gone += [name for name in _dotted(text) if not _is_there(name)]
    assert not gone, f"{page.name} names what is not there (any more): {sorted(gone)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    gone = [x for x in links if "://" not in x and not (page.parent / x).exists()]
    assert not gone, f"{page.name} links to what is not there: {gone}"


def test_a_name_that_is_gone_is_told() -> None:
    assert _paths("See `search/trial/gone.py`, [it](../models/data/).") == {
        "search/trial/gone.py",
        "models/data",
    }
    assert _paths("Make `search/samplers/NAME.py`.") == set()
    assert not _is_there("search.trial.gone")
    assert not _is_there("search.winner.find_nothing")
    assert _is_there("search.winner.find_winner")
    assert _section("### a/\n\n- `x.py`\n\n### b/\n", "a/") == "\n- `x.py`\n\n"
    arrows = {("a", "b"), ("b", "c")}
    assert _reached(arrows, "a") == {"a", "b", "c"}
    assert _arrows('{"a.b" "a.c"} -> "a.d"') == {("a.b", "a.d"), ("a.c", "a.d")}
