"""Every block of code of the pages is right: commands are parsed, commands and Python run.

What cannot run here is listed below, each line with its reason.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import yaml
from pages import PAGES, TOP, Block, blocks, commands, prose, text_of

from search import StudyConfig
from search.cli.main import _COMMANDS, cli

NOTEBOOKS = [str(path.relative_to(TOP)) for path in sorted(TOP.glob("docs/notebooks/*.ipynb"))]
LANGUAGES = ("python", "sh", "text", "toml", "yaml")

_INSTALLS = "changes the installation"
_SERVER = "needs servers"
_SERVES = "serves until Ctrl-C: tests/search/cli/test_pages.py"
_DASHBOARD = "serves until Ctrl-C: tests/search/test_dashboard.py"
_SERVED = "serves until Ctrl-C, or asks who does: tests/search/prediction/test_served.py"
_TELLS = "would tell strangers: tests/search/notify"
_KAGGLE = "needs Kaggle's credentials"
_NETWORK = "needs the network: tests/models/data/download"
_COLUMNS = "needs a file with such columns: tests/models/data/readers"
_OTHER_SHELL = "needs another shell: tests/search/cli/test_help.py"

NOT_RUN = {
    "README.md": {
        "make search": _INSTALLS,
        "make test": _INSTALLS,
        "trialbook reproduce baseline --data mubi:": _KAGGLE,
        "trialbook data fetch movielens-1m": _NETWORK,
        "trialbook ui mine": _SERVES,
        "trialbook dashboard mine": _DASHBOARD,
    },
    "docs/search.md": {
        "export TRIALBOOK_NOTIFY": _TELLS,
        "export MLFLOW_TRACKING_URI": _SERVED,
        "mlflow models serve": _SERVED,
        "curl localhost:5001": _SERVED,
    },
    "docs/tutorial.md": {
        "make venv": _INSTALLS,
        ". .venv/bin/activate": _INSTALLS,
        "pip install": _INSTALLS,
        "trialbook ui first": _SERVES,
    },
    "docs/ratings.md": {
        "trialbook data inspect ratings.csv --user-column customer": _COLUMNS,
    },
    "docs/mlflow-ui.md": {"trialbook ui mine": _SERVES},
    "docs/mubi.md": {
        "pip install": _INSTALLS,
        "trialbook data fetch mubi": _KAGGLE,
        "trialbook data inspect mubi:": _KAGGLE,
        "trialbook reproduce baseline --data mubi:": _KAGGLE,
        "trialbook search --study mubi": _KAGGLE,
    },
    "docs/postgresql.md": {
        "export TRIALBOOK_STORAGE": _SERVER,
        "export TRIALBOOK_TRACKING_URI": _SERVER,
    },
    "docs/machines.md": {
        "pip install": _INSTALLS,
        "export TRIALBOOK_STORAGE": _SERVER,
        "export TRIALBOOK_TRACKING_URI": _SERVER,
        "trialbook search --study movies": _SERVER,
        "trialbook worker movies --data": _SERVER,
    },
    "docs/batch.md": {
        "pip install": _INSTALLS,
        "export TRIALBOOK_STORAGE": _SERVER,
        "export TRIALBOOK_TRACKING_URI": _SERVER,
        '. "$HOME/.trialbook-addresses"': _SERVER,
        "exec trialbook search --study movies": "needs SLURM and a server",
        "exec trialbook worker movies": "needs SLURM and a server",
        "trialbook show movies": _SERVER,
        "trialbook doctor movies": _SERVER,
    },
    "docs/ray.md": {
        "pip install": _INSTALLS,
        "export TRIALBOOK_STORAGE": _SERVER,
        "export TRIALBOOK_TRACKING_URI": _SERVER,
        "trialbook search --study movies": "needs a Ray cluster: tests/search/engine",
    },
    "docs/completion.md": {
        'eval "$(_TRIALBOOK_COMPLETE=zsh_source': _OTHER_SHELL,
        "_TRIALBOOK_COMPLETE=fish_source trialbook": _OTHER_SHELL,
    },
}
"""Lines of shell blocks that are parsed but not run, by how they begin, and why."""

TOGETHER = {"docs/postgresql.md": "docs/tutorial.md"}
"""Pages that go on with what another one has made."""

FIRST = {"README.md": ["trialbook search"]}  # as `make search` does: it makes the study `sample`
"""Commands that a page takes for given."""

SHORTER = {"docs/tutorial.md": "--epochs 3"}  # whose study goes on from 8 trials to 16
"""What is added to each `trialbook search` of a page in place of `--epochs 3 --trials 9`."""


def _left_out(block: Block, line: str) -> bool:
    return any(line.startswith(start) for start in NOT_RUN.get(block.page, {}))


def _all(language: str) -> list[Block]:
    return [each for page in PAGES for each in blocks(page, language)]


def _places(found: list[Block]) -> list[str]:
    return [each.place for each in found]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_names_a_language_that_is_tested(page: str) -> None:
    assert {block.language for block in blocks(page)} <= set(LANGUAGES)


@pytest.mark.parametrize("page", NOT_RUN)
def test_what_is_not_run_is_there(page: str) -> None:
    lines = [line for block in blocks(page, "sh") for line in block.lines]
    for start in NOT_RUN[page]:
        assert any(line.startswith(start) for line in lines), f"Take it out: {page}: {start}"


# Commands.


def _parse(arguments: list[str]) -> None:
    """Have a command's own parser take its arguments, without running it."""
    command: click.Command | None = cli
    rest = arguments
    while isinstance(command, click.Group) and rest:
        name, *rest = rest
        command = command.get_command(click.Context(command), name)
        if command is None:
            raise click.UsageError(f"there is no command {name}")
    assert command is not None
    command.make_context("trialbook", list(rest)).close()


@pytest.mark.parametrize("block", _all("sh"), ids=_places(_all("sh")))
def test_every_command_line_is_one_that_the_command_takes(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRIALBOOK_HOME", raising=False)
    for arguments in commands(block):
        _parse(arguments)


def test_a_wrong_command_line_is_found() -> None:
    for wrong in (["search", "--trails", "3"], ["shwo"], ["search", "--trials", "x"], ["winner"]):
        with pytest.raises(click.UsageError):
            _parse(wrong)


def _options(words: list[str]) -> set[str]:
    """All options of the command that words name."""
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None, f"there is no command {words[0]}"
    if isinstance(command, click.Group) and words[1:2]:
        command = command.commands[words[1]]
    found = {o for p in command.params for o in [*p.opts, *p.secondary_opts]}
    return found | {"--help", "--debug"}


def _told(page: str) -> str:
    """The text of a page, or of the cells of a notebook that are no code."""
    if not page.endswith(".ipynb"):
        return prose(page)
    cells = json.loads(text_of(page))["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_commands_in_the_text_exist_with_their_options(page: str) -> None:
    for code in re.findall(r"`trialbook ([^`\n]+)`", _told(page)):
        words = code.split()
        if words[0] in _COMMANDS:
            named = {word for word in words if word.startswith("--")}
            assert named <= _options(words), f"`trialbook {code}`"
        else:
            assert words[0] in ("NAME", "--help", "--debug", "--version"), f"`trialbook {code}`"


def test_the_command_of_the_cluster_is_one_that_the_command_takes() -> None:
    (block,) = blocks("docs/ray.md", "yaml")
    entrypoint = yaml.safe_load(block.text)["spec"]["entrypoint"]
    program, *arguments = entrypoint.split()
    assert program == "trialbook"
    _parse(arguments)


# Study files.


@pytest.mark.parametrize("block", _all("toml"), ids=_places(_all("toml")))
def test_every_study_file_is_one(block: Block, tmp_path: Path) -> None:
    from search.space.own import declare_own

    path = tmp_path / "study.toml"
    path.write_text(block.text)
    config = StudyConfig.from_toml(path)
    assert config.name in ("mine", "narrow")
    declared = {each.name for each in declare_own(config).parameters}
    assert set(config.space) <= declared


# Python, and what is run.


@pytest.mark.parametrize("block", _all("python"), ids=_places(_all("python")))
def test_every_piece_of_python_can_be_read(block: Block) -> None:
    ast.parse(block.text)


_NEEDED = {
    "README.md": """
import pandas as pd

table = pd.DataFrame({"user": [1, 2], "movie": [3, 4]})
""",
    "docs/keras-tuner.md": """
import keras
import numpy as np

x, y = np.random.default_rng(0).normal(size=(64, 3)), np.zeros(64)

def build(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)),
                              keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model
""",
}
"""What stands before a page's Python: names that it takes for given."""


def _script(page: str) -> str:
    """What a page does, as one script of Bash: its commands and its Python, in their order."""
    parts = ["set -euo pipefail", *FIRST.get(page, [])]
    for number, block in enumerate(blocks(page)):
        if block.language == "python":
            code = _NEEDED.get(page, "") + block.text
            parts.append(f"cat > block{number}.py <<'END'\n{code}\nEND\npython block{number}.py")
        elif block.language == "sh":
            parts += [line for line in block.lines if not _left_out(block, line)]
    return "\n".join(parts)


def _runs(page: str) -> bool:
    return any(
        block.language == "python"
        or (block.language == "sh" and not all(_left_out(block, line) for line in block.lines))
        for block in blocks(page)
    )


RUN = [
    page for page in PAGES
    if _runs(page) and page not in TOGETHER and page != "docs/reference/commands.md"
]  # fmt: skip
"""Pages that are run. The examples of the reference are parsed alone."""


_ENDLESS = (
    "trialbook ui",
    "trialbook dashboard",
    "mlflow models serve",
    "mlflow server",
    "mlflow ui",
)
_OUTSIDE = ("TRIALBOOK_NOTIFY", "--notify", "curl ", "wget ")


@pytest.mark.parametrize("page", RUN)
def test_nothing_is_run_that_never_ends_or_that_strangers_would_hear(page: str) -> None:
    lines = _script(page).splitlines()
    assert [line for line in lines if line.startswith(_ENDLESS)] == []
    assert [line for line in lines if any(word in line for word in _OUTSIDE)] == []


@pytest.fixture(scope="module")
def small_ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 ratings of 60 users and 50 movies, at different times."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(60 * 50, 1500, replace=False)
    columns = zip(pairs // 50, pairs % 50, rng.integers(1, 6, 1500), range(1500), strict=True)
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    rows = (",".join(map(str, row)) for row in columns)
    path.write_text("\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")
    return path


@pytest.fixture
def place(tmp_path: Path, small_ratings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what pages take for given, and `trialbook` with few epochs on the PATH."""
    work, programs = tmp_path / "work", tmp_path / "programs"
    for folder in ("docs/examples", "search/studies"):
        shutil.copytree(TOP / folder, work / folder)
    shutil.copy(small_ratings, work / "ratings.csv")
    (work / "pairs.csv").write_text("user,movie\n1,3\n2,4\n15,nobody's\n")
    (work / "study.toml").write_text(blocks("README.md", "toml")[0].text)
    (work / "narrow.toml").write_text(blocks("docs/ratings.md", "toml")[0].text)
    for name in ("my_dir/my_project", "DIRECTORY/PROJECT"):
        _project(work / name)
    programs.mkdir()
    called = f'exec "{sys.executable}" -P -m search'
    (programs / "trialbook").write_text(
        "#!/bin/sh\n"
        f'if [ "${{1:-}}" = search ]; then {called} "$@" $MORE; fi\n'
        f'if [ "${{1:-}}" = delete ]; then {called} "$@" --yes; fi\n'
        f'{called} "$@"\n'
    )
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TRIALBOOK_HOME", raising=False)
    return work


def _project(folder: Path) -> None:
    """A finished project of Keras Tuner."""
    import tuner_files

    tuner_files.write_named_project(folder, ("units", "rate"))


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_a_page_does_what_it_shows(page: str, place: Path) -> None:
    """Its commands, with few epochs and trials, and its Python, in one folder, in their order."""
    pages = [page, *(other for other, before in TOGETHER.items() if before == page)]
    for each in pages:
        done = subprocess.run(
            ["bash", "-c", _script(each)],
            cwd=place,
            env=os.environ | {"MORE": SHORTER.get(page, "--epochs 3 --trials 9")},
            capture_output=True,
            text=True,
            timeout=800,
        )
        assert done.returncode == 0, f"{each}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert "Traceback" not in done.stderr, done.stderr
