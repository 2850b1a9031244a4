"""Keras Tuner projects of any content: a whole study, or one line that says why not."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import changed, damaged, json_bytes, texts
from refusing import check_no_study, taken_or_refused
from tuner_files import ORACLE, TRIALS, files_of, write_project

from search.oracle.project import Imported, import_project
from search.storage.deletion import delete_study
from search.storage.studies import Studies
from tracking import NullRecorder, Store

FUZZ = settings.get_profile("fuzz")
pytestmark = pytest.mark.usefixtures("_no_record")


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Studies:
    """A home that is opened once, which takes longer than an import."""
    store = Store(tmp_path_factory.mktemp("home"))
    store.prepare()
    return Studies(store)


@pytest.fixture
def _no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to MLflow, which takes its time: what is tried here is Optuna's study."""
    monkeypatch.setattr(Studies, "recorder", lambda *_: NullRecorder())


def _import(studies: Studies, files: dict[str, bytes], options: dict[str, Any]) -> Imported | None:
    """Import a project of these files; check that it is a whole study or none, and take it away."""
    imported = None
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(project, files)
        with taken_or_refused():
            imported = import_project(project, studies, **options)
    named = [] if imported is None else [imported.study]
    assert studies.names() == named
    for name in named:
        assert len(studies.get(name).trials) == imported.complete + imported.failed
        delete_study(studies, studies.get(name), lost_record=True)
    check_no_study(studies.store.home)
    return imported


PROJECTS = st.one_of(
    st.builds(files_of, st.just(ORACLE), changed(TRIALS).filter(lambda t: isinstance(t, list))),
    st.builds(lambda t: files_of(ORACLE, [TRIALS[0], t]), changed(TRIALS[1])),
    st.builds(
        lambda values: files_of(
            ORACLE,
            [TRIALS[0], {**TRIALS[1], "hyperparameters": values}],
        ),
        changed(TRIALS[1]["hyperparameters"]),
    ),
    st.builds(files_of, changed(ORACLE), st.just(TRIALS)),
    st.builds(
        lambda oracle, trial: {"oracle.json": oracle, "trial_0/trial.json": trial},
        st.just(json_bytes(ORACLE)) | damaged(json_bytes(ORACLE)),
        damaged(json_bytes(TRIALS[0])) | st.binary(max_size=20) | st.just(b"[" * 20_000),
    ),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "study": st.just("mine") | texts(),
        "objective": st.sampled_from(["val_loss:min", "val_loss:max", "loss:min"]) | texts(),
        "model": st.just("own:Model") | texts(),
        "epochs": st.sampled_from([4, 0, -1, 10**30]),
    },
)


def test_the_project_that_is_changed_is_a_whole_one(studies: Studies) -> None:
    told = _import(studies, files_of(ORACLE, TRIALS), {})
    assert told is not None
    assert (told.complete, told.best, told.value) == (2, 1, 0.25)


@FUZZ
@given(files=PROJECTS, options=st.just({}) | OPTIONS)
def test_a_project_is_a_whole_study_or_none(
    studies: Studies, files: dict[str, bytes], options: dict[str, Any]
) -> None:
    told = _import(studies, files, options)
    if told is not None:
        assert told.complete + told.failed > 0
        assert told.value is None or math.isfinite(told.value)
