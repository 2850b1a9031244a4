"""Names that users give, in MLflow's keys, folders, filters and texts."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile import NAMES, NO_TEXT, NUL, OF_STUDIES, SIMILAR
from markdown_it import MarkdownIt
from mlflow.utils.validation import _validate_metric_name, _validate_param, _validate_tag

from tracking import MlflowRecorder, Store, StudyRecord, TrackingError, TrialRecord
from tracking.runs.context import artifact_folder, dataset_input, find_context
from tracking.runs.leaderboard import study_note, write_leaderboard
from tracking.runs.payloads import clean_key, params_of, tags_of

Make = Callable[..., TrialRecord]


@pytest.mark.parametrize("name", [*NAMES, NO_TEXT, NUL, "...", "a/./b", "a/..", " / ", "x/" * 200])
def test_mlflow_takes_every_name_as_a_key(name: str) -> None:
    key = clean_key(name)
    assert len(key) <= 250
    _validate_param(key, "1")
    _validate_tag(key, "1")
    _validate_metric_name(key)


def test_names_that_a_key_cannot_tell_apart_keep_their_values() -> None:
    names = ["a(b)", "a[b]", "a_b_", "x" * 300, "x" * 300 + "y", "..", "__"]
    found = params_of({name: place for place, name in enumerate(names)})
    assert sorted(found.values()) == [str(place) for place in range(len(names))]
    assert found["a_b_"] == "0"
    assert max(map(len, found)) <= 250
    for key, value in found.items():
        _validate_param(key, value)


def test_a_value_that_is_not_unicode_is_written_as_its_escape() -> None:
    assert params_of({"a": "b\ud800"}) == tags_of({"a": "b\ud800"}) == {"a": "b\\ud800"}


@pytest.mark.parametrize("name", [*NAMES, *OF_STUDIES, "", "...", "a/../.."])
def test_the_folder_of_a_study_is_one_below_the_artifacts(name: str) -> None:
    folder = artifact_folder(name)
    assert Path(folder).name == folder
    assert folder not in ("", ".", "..")
    assert not folder.isdecimal()
    assert len(os.fsencode(folder)) <= 100


def test_no_two_studies_share_a_folder_on_any_disk() -> None:
    names = {*NAMES, *OF_STUDIES, *(name for pair in SIMILAR for name in pair)}
    folders = {artifact_folder(name).lower() for name in names}
    assert len(folders) == len(names)


def test_the_name_of_ratings_is_text_in_json(study: StudyRecord) -> None:
    assert study.dataset is not None
    for name in NAMES:
        given = dataset_input(replace(study.dataset, name=name)).dataset
        assert json.loads(given.source) == {"name": name}
        assert len(given.name) <= 500


def test_each_study_finds_its_own_run_and_no_other(recorder: MlflowRecorder, store: Store) -> None:
    names = ["' OR '1'='1", "`touch x`", "%", "_", "a b", "a_b", "A B", "0", "Default", "default"]
    runs = {name: recorder.start_study(StudyRecord(name=name)).parent_run_id for name in names}
    assert len(set(runs.values())) == len(names)
    client = store.client()
    for name in names:
        context = find_context(client, name)
        assert context is not None
        assert context.parent_run_id == runs[name]
    assert find_context(client, "' OR 1=1") is None


@pytest.mark.parametrize("name", [*NAMES, "a%2fb", "#1", "a?b=c"])
def test_a_home_of_any_name_holds_all_that_is_written(
    name: str, tmp_path: Path, store: Store, make_trial: Make
) -> None:
    inner = tmp_path / "around" / "inner"
    inner.mkdir(parents=True)
    if name.startswith("/"):
        name = f".{name}"
    if len(name) > 255:
        with pytest.raises(TrackingError, match="File name too long"):
            Store(inner / name)
        return
    home = inner / name
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(store.home / "mlflow.db", home / "mlflow.db")
    place = home.resolve()
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(place)}
    own = Store(home)
    own.prepare()
    recorder = MlflowRecorder(own)
    study = recorder.start_study(StudyRecord(name="movies", study_file='name = "movies"\n'))
    run_id = recorder.start_trial(make_trial(0))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "log.txt").write_text("log")
    recorder.finish_trial(replace(make_trial(0, 0.9), run_id=run_id), folder=folder)
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(place)}
    assert after - before <= {folder, folder / "log.txt"}
    assert list(place.rglob("log.txt"))
    assert list(place.rglob("study.toml"))
    assert study.parent_run_id


@pytest.mark.parametrize("name", [NO_TEXT, NUL])
def test_a_home_that_none_can_find_again_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"^The record needs a folder[^\n]*another folder\.$"):
        Store(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def _named(make: Make, name: str) -> StudyRecord:
    trials = tuple(make(i, 0.9 + i, params={name: (name, "other", "third")[i]}) for i in range(3))
    return StudyRecord(name=name, trials=trials, goals=("best_val_rmse", name))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_study_shows_names_as_text(name: str, make_trial: Make) -> None:
    note = study_note(_named(make_trial, name), results=True)
    tokens = MarkdownIt("commonmark").enable("table").parse(note)
    kinds = {t.type for t in tokens} | {c.type for t in tokens for c in t.children or []}
    assert kinds <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
        *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
        *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "code_inline"),
    }
    assert "trialbook reproduce" in note


@pytest.mark.parametrize("name", NAMES)
def test_the_leaderboard_is_read_back_as_it_was(
    name: str, make_trial: Make, tmp_path: Path
) -> None:
    write_leaderboard(_named(make_trial, name), tmp_path)
    with (tmp_path / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert [row[name] for row in rows] == [name, "other", "third"]
