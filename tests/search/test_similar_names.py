"""Studies of similar names, and whole searches with names of any kind: each keeps what is its own.

They train, record and delete, so most of them are slow.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hostile import NAMES, SIMILAR
from refusing import answer
from tuner_files import write_named_project

from tracking import Store

NAMED = ("../../escape", "$(touch x)", "<script>alert(1)</script>", "\x1b[31mred", "=1+1", "a|b")


def _files(home: Path) -> set[Path]:
    return {path for path in (home / "artifacts").rglob("*") if path.is_file()}


def _around(folder: Path, home: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_relative_to(home)}


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), SIMILAR, ids=lambda name: name[:12])
def test_deleting_a_study_leaves_the_files_of_one_with_a_similar_name(
    first: str, second: str, tmp_path: Path, home: Path
) -> None:
    write_named_project(tmp_path / "project", ("x",))
    before = _around(tmp_path, home)
    told = ("--home", str(home))
    made: dict[str, set[Path]] = {}
    for name in (first, second):
        earlier = _files(home)
        told_project = ("import", "keras-tuner", str(tmp_path / "project"))
        assert answer(*told_project, "--study", name, *told).code == 0
        made[name] = _files(home) - earlier
        assert made[name]
    for name, other in ((first, second), (second, None)):
        assert answer("delete", name, "--yes", *told).code == 0
        assert _files(home) == (made[other] if other else set())
    assert _around(tmp_path, home) == before
    assert (home / "optuna.db").exists()


@pytest.mark.slow
def test_a_home_without_its_study_default_still_works_where_it_is_moved(
    tmp_path: Path, home: Path
) -> None:
    """MLflow's own experiment has that name; by its folder a home knows that it was moved."""
    write_named_project(tmp_path / "project", ("x",))
    project = ("import", "keras-tuner", str(tmp_path / "project"))
    for name in ("Default", "movies"):
        assert answer(*project, "--study", name, "--home", str(home)).code == 0
    assert answer("delete", "Default", "--yes", "--home", str(home)).code == 0
    moved = home.rename(tmp_path / "moved")
    found = Store(moved).client().get_experiment_by_name("movies")
    assert found.artifact_location == (moved / "artifacts" / "movies").as_uri()


@pytest.mark.slow
def test_a_project_of_any_names_is_recorded_whole(tmp_path: Path, home: Path) -> None:
    write_named_project(tmp_path / "project", NAMES)
    before = _around(tmp_path, home)
    told = ("import", "keras-tuner", str(tmp_path / "project"), "--study", "all")
    done = answer(*told, "--home", str(home))
    assert done.code == 0, done.err
    assert done.err == ""
    assert _around(tmp_path, home) == before
    (run,) = (home / "artifacts" / "all").glob("*/artifacts/leaderboard.csv")
    table = pd.read_csv(run, dtype=str, keep_default_na=False)
    assert all(set(table[name]) == {name, "other"} for name in NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_ratings_whose_file_columns_and_ids_have_such_names_are_searched(
    name: str, ratings_file: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.read_csv(ratings_file)
    frame["userId"] = name + frame["userId"].astype(str)
    frame["movieId"] = name + frame["movieId"].astype(str)
    folder = tmp_path / "cwd"
    file = folder / f"{name.replace('/', '_')}.csv"
    folder.mkdir()
    frame.rename(columns={"userId": name}).to_csv(file, index=False)
    monkeypatch.chdir(folder)
    before = _around(tmp_path, home)
    study = ("search", "--study", "a  b", "--trials", "2", "--epochs", "1", "--workers", "1")
    data = ("--data", file.name, "--user-column", name, "--no-user-filter")
    done = answer(*study, *data, "--home", str(home))
    assert done.code == 0, done.err
    assert all(letter.isprintable() or letter == "\n" for letter in done.out + done.err)
    shown = answer("show", "a  b", "--home", str(home), "--json")
    assert json.loads(shown.out)["data"] == file.name
    assert answer("show", "a  b", "--home", str(home)).code == 0
    assert _around(tmp_path, home) == before
