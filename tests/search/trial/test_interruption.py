"""A trial that was cut short: what it leaves among its run's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.trial.interruption import close_cut
from tracking import KILLED, EpochRecord, NullRecorder, TrialRecord


class Listing(NullRecorder):
    """Keeps the names of what it is handed."""

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        assert folder is not None
        self.files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_no_model_of_any_fold_or_repeat_is_left(tmp_path: Path) -> None:
    for name in ("model", "model_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.keras").write_text("weights")
    (tmp_path / "config.json").write_text("{}")
    epochs = (EpochRecord(epoch=1, seconds=0.5, metrics={"val_rmse": 0.9}),)
    record = TrialRecord(study="s", number=1, params={}, state=KILLED, epochs=epochs)
    recorder: Any = Listing()
    close_cut(recorder, record, tmp_path)
    assert recorder.files == ["config.json", "history.csv"]
