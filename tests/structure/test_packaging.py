"""What is built of this repository: whole, and enough to work without it."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://code.example/team/trialbook"
_BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"

pytestmark = pytest.mark.slow


def _files() -> list[str]:
    """The files that are under version control, or will be."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def _build(what: str, source: Path, target: Path) -> Path:
    """Build one archive of a source folder, as pip does it, and return its path."""
    environment = os.environ | {"TRIALBOOK_REPOSITORY": REPOSITORY}
    environment.pop("PYTHONPATH", None)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _BUILD, what, str(target)],
        cwd=source, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for name in _files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    return _build("build_sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of what the source distribution holds."""
    folder = tmp_path_factory.mktemp("unpacked")
    shutil.unpack_archive(sdist, folder)  # `filter` is not known to every Python 3.11
    (source,) = folder.iterdir()
    return _build("build_wheel", source, tmp_path_factory.mktemp("wheel"))


def test_the_source_distribution_holds_every_file(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert set(_files()) - held == set()


def test_the_wheel_says_what_it_is_and_where_it_comes_from(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        told = email.message_from_bytes(archive.read(name))
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert told["Name"] == "trialbook"
    assert told["License-Expression"] == "Apache-2.0"
    assert "Programming Language :: Python :: 3.13" in told.get_all("Classifier")
    assert f"Source, {REPOSITORY}" in told.get_all("Project-URL")
    page = told.get_payload()
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)
    assert pictures
    assert all(each.startswith(f"{REPOSITORY}/raw/main/docs/images/") for each in pictures)
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", page)
    assert all(each.startswith(("https://", "http://", "#")) for each in links)
    assert tops == {"models", "search", "tracking", f"trialbook-{told['Version']}.dist-info"}


def test_the_wheel_says_that_its_packages_have_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {"models/py.typed", "search/py.typed", "tracking/py.typed"} <= held


def test_the_wheel_alone_runs_a_study(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has the libraries, and nothing of this repository."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    libraries = Path(numpy.__file__).parents[1]
    (packages / "libraries.pth").write_text(f"{libraries}\n")  # its own .pth files are not read
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(packages), str(wheel)], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()

    def call(*words: str) -> object:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [str(python), "-m", "search", *words, "--json"],
            cwd=nowhere, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    where = subprocess.run(
        [str(python), "-c", "import search, models, tracking; print(search.__file__)"],
        cwd=nowhere, capture_output=True, text=True, check=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(packages)
    small = ("--data", "synthetic:0.002", "--epochs", "2", "--home", "home")
    result = call("search", "factors", *small, "--trials", "3")
    assert result["n_complete"] + result["n_pruned"] == 3
    shown = call("show", "factors", "--home", "home")
    assert len(shown["trials"]) == 3
    assert call("report", "factors", "--home", "home")["studies"] == ["factors"]
    assert (nowhere / "factors.html").is_file()
