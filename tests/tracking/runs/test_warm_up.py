"""A record prepared while its user waits for something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracking import MlflowRecorder, Store, StudyRecord, warmed
from tracking.runs import warm_up as warming


def test_a_new_record_is_made_aside_and_written_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "home")
    monkeypatch.setattr("tracking.runs.schema.build", pytest.fail)  # not built a second time
    with warmed(store) as prepare:
        assert not store.home.exists()
        prepare()
    study = StudyRecord(name="s", trials=(), objective="best_val_rmse", monitor="val_rmse")
    recorded = MlflowRecorder(store).start_study(study)
    assert MlflowRecorder(store).find_run(str(recorded.parent_run_id)) is not None
    (default,) = store.client().search_experiments(filter_string="name = 'Default'")
    assert default.artifact_location.startswith(str(store.artifacts))


def test_who_leaves_early_has_written_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    with pytest.raises(KeyboardInterrupt), warmed(store):
        raise KeyboardInterrupt
    assert not store.home.exists()


def test_what_goes_wrong_meanwhile_goes_wrong_again_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(warming, "build", fail)
    store = Store(tmp_path / "home")
    with warmed(store) as prepare:
        prepare()
    assert store.sqlite_file is not None
    assert store.sqlite_file.exists()
