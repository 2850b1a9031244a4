"""What a trial left in MLflow: the files of its run, and its model or why it has none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.errors import SearchError
from search.prediction.kept import Kept, kept_of
from search.storage.studies import Studies
from search.storage.study_attributes import config_of
from tracking import (
    KeptModel,
    StudyRecord,
    TrackingError,
    TrialRecord,
    run_files,
    run_page,
)
from tracking.spool.references import referred
from tracking.texts import shell_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """What a trial left in MLflow.

    Attributes:
        run_id: Its run; None where it has none.
        url: The address of its run's page; None where no server has the record.
        sizes: The sizes of its run's files in bytes, by name; None where they are not known.
        folder: Where these are; None where that is not on this machine.
        model: The model that it kept; None where it has none, or where that is not known.
        note: Why there is no model, or why nothing is known, in a sentence; else empty.
    """

    run_id: str | None = None
    url: str | None = None
    sizes: dict[str, int] | None = None
    folder: Path | None = None
    model: KeptModel | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Convert to plain values for JSON."""
        model = self.model
        files = None if self.sizes is None else [*map(_file, self.sizes.items())]
        return {
            "url": self.url,
            "folder": _text(self.folder),
            "files": files,
            "model": None if model is None else {"uri": model.uri, "folder": _text(model.folder)},
            "note": self.note or None,
        }


def outputs_of(studies: Studies, record: StudyRecord, trial: TrialRecord) -> Outputs:
    """Find what a trial left in MLflow; where MLflow cannot be asked, say so.

    Args:
        studies: Where the study is.
        record: The study, as it stands.
        trial: One of its trials.
    """
    study = studies.get(record.name)
    config = config_of(study)
    if not trial.run_id:
        return Outputs(note=f"It has no run in MLflow: it is {trial.state}.")
    if referred(trial.run_id) is not None:
        line = shell_line("trialbook", "doctor", record.name, "--fix")
        return Outputs(note=f"What it left still waits on disk. `{line}` takes it to MLflow.")
    address = studies.address_of(config)
    url = run_page(address, record.experiment_id, trial.run_id)
    known = Outputs(run_id=trial.run_id, url=url)
    try:
        store = studies.store_of(config)
        away = store.check() or ("" if store.exists() else f"There is no record at {address}.")
        if away:
            return replace(known, note=f"{away} So its files and its model are not known.")
        files = run_files(store, trial.run_id)
        kept = kept_of(studies, study, record, trial)
    except (SearchError, TrackingError) as error:
        return replace(known, note=str(error))
    return replace(
        known,
        sizes=files.sizes,
        folder=files.folder,
        model=kept.model,
        note=f"No model: {kept.why}." if kept.model is None else _told(kept),
    )


def _told(kept: Kept) -> str:
    """What is special of a model, in a sentence; empty where nothing is."""
    folder = None if kept.model is None else kept.model.folder
    gone = "" if folder is None or folder.is_dir() else ", but its files are gone"
    said = f"{kept.said}{gone}".removeprefix(", ")
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _text(folder: Path | None) -> str | None:
    return None if folder is None else str(folder)


def _file(named: tuple[str, int]) -> dict[str, Any]:
    return {"name": named[0], "bytes": named[1]}
