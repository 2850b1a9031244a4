"""Gives the folder of a kept model, wherever its files are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracking.addresses import local_folder
from tracking.errors import TrackingError
from tracking.runs.loading.kept import KeptModel
from tracking.runs.models import LOADER_MODULE
from tracking.runs.quiet import one_line, quiet
from tracking.runs.store import Store
from tracking.scratch import scratch_folder

_DATA = re.compile(r"^ +data: (.+)$", re.MULTILINE)


@contextmanager
def opened_model(store: Store, model: KeptModel) -> Iterator[Path]:
    """Give the folder of a kept model while the block runs; a server's is fetched for as long.

    Args:
        store: The store that keeps it.
        model: The model.

    Yields:
        The folder, as `models` saved it.

    Raises:
        TrackingError: Its files are gone, cannot be fetched, or are not as `models` saves them.

    Example:
        >>> gone = KeptModel("m-1", "model", "file:///no/such/folder")
        >>> with opened_model(Store(Path("mlruns")), gone): pass
        Traceback (most recent call last):
        tracking.errors.TrackingError: A model needs its files, but those of m-1 are not in ...
    """
    folder = local_folder(model.place)
    if folder is not None:
        yield saved_in(folder) or _refuse_gone(model, folder)
        return
    with scratch_folder("model") as fetched:
        try:
            _fetch(store, model, str(fetched))
        except Exception as error:
            raise TrackingError(
                f"A model needs its files, but those of {model.model_id} cannot be fetched "
                f"({one_line(error)}). `trialbook reproduce` trains it again."
            ) from error
        yield saved_in(fetched) or _refuse_gone(model, fetched)


def saved_in(folder: Path) -> Path | None:
    """The folder that `models` saved, in an MLflow model or by itself; None where there is none.

    Args:
        folder: Either of the two.

    Example:
        >>> saved_in(Path("no such folder")) is None
        True
    """
    described = folder / "MLmodel"
    if described.is_file():
        found = _DATA.search(described.read_text(encoding="utf-8", errors="replace"))
        folder = folder / (found[1].strip().strip("'\"") if found else "data/model")
    return folder if (folder / "manifest.json").is_file() else None


def _refuse_gone(model: KeptModel, folder: Path) -> Path:
    described = folder / "MLmodel"
    if described.is_file() and LOADER_MODULE not in described.read_text("utf-8", "replace"):
        raise TrackingError(
            f"A model must be one that Trialbook saved, but {model.model_id} is of another program."
        )
    raise TrackingError(
        f"A model needs its files, but those of {model.model_id} are not in {folder} any more. "
        "`trialbook reproduce` trains it again."
    )


def _fetch(store: Store, model: KeptModel, folder: str) -> None:
    quiet()
    from mlflow.artifacts import download_artifacts

    download_artifacts(
        artifact_uri=f"models:/{model.model_id}",
        dst_path=folder,
        tracking_uri=store.tracking_uri,
        registry_uri=store.tracking_uri,
    )
