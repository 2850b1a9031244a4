from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from tracking import (
    DatasetRecord,
    EpochRecord,
    MlflowRecorder,
    ModelFolder,
    Store,
    StudyRecord,
    TrialRecord,
)
from tracking.runs.models import LOADER_MODULE

LOADER = '''
"""A loader that needs nothing of ours: the score is user + movie + an offset from the folder."""
from pathlib import Path


class _Model:
    def __init__(self, offset):
        self.offset = offset

    def predict(self, table, params=None):
        import pandas as pd

        user = pd.to_numeric(table["user"]).astype(float)
        movie = pd.to_numeric(table["movie"]).astype(float)
        return pd.DataFrame({"score": user + movie + self.offset})


def _load_pyfunc(path):
    return _Model(float((Path(path) / "offset.txt").read_text()))
'''


@pytest.fixture(scope="session")
def _schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's empty database: seconds to make, milliseconds to copy."""
    store = Store(tmp_path_factory.mktemp("schema"))
    store.prepare()
    assert store.sqlite_file is not None
    return store.sqlite_file


@pytest.fixture
def store(tmp_path: Path, _schema: Path) -> Store:
    home = tmp_path / "mlruns"
    home.mkdir()
    shutil.copyfile(_schema, home / "mlflow.db")
    store = Store(home)
    store.prepare()
    return store


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "serving.py"
    path.write_text(LOADER)
    # A model that another test loaded in this process left the loader of its own under this name.
    sys.modules.pop(LOADER_MODULE, None)
    yield path
    sys.modules.pop(LOADER_MODULE, None)


@pytest.fixture
def recorder(store: Store, loader: Path) -> MlflowRecorder:
    return MlflowRecorder(store, loader)


@pytest.fixture
def model_folder(tmp_path: Path) -> ModelFolder:
    path = tmp_path / "trained"
    path.mkdir()
    (path / "offset.txt").write_text("0.5")
    return ModelFolder(path=path)


@pytest.fixture
def dataset() -> DatasetRecord:
    return DatasetRecord(
        name="sample", content_hash="0123456789abcdef" * 4, profile={"rows": 1000, "users": 10}
    )


def _trial(number: int = 0, value: float | None = None, **given: Any) -> TrialRecord:
    given.setdefault("params", {"learning_rate": 0.01 * (number + 1), "size": 8})
    given.setdefault("state", "running" if value is None else "complete")
    if value is not None:
        curve = (value + 0.2, value, value + 0.1)
        rows = [
            EpochRecord(epoch=i, seconds=0.5, metrics={"rmse": v - 0.1, "val_rmse": v})
            for i, v in enumerate(curve, start=1)
        ]
        given.setdefault("epochs", tuple(rows))
        given.setdefault("metrics", {"best_val_rmse": value, "best_epoch": 2.0})
    return TrialRecord(study=given.pop("study", "movies"), number=number, value=value, **given)


@pytest.fixture
def make_trial() -> Callable[..., TrialRecord]:
    return _trial


@pytest.fixture
def study(dataset: DatasetRecord) -> StudyRecord:
    return StudyRecord(
        name="movies",
        description="What is searched.",
        study_file='name = "movies"\n',
        dataset=dataset,
        tags={"trialbook.commit": "abc123-dirty"},
    )
