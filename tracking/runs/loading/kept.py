"""Finds the models that a run keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tracking.addresses import local_folder, without_password
from tracking.errors import TrackingError
from tracking.runs.loading.database import rows_of
from tracking.runs.models import models_of, unless_missing
from tracking.runs.quiet import can_name_run, one_line
from tracking.runs.store import Store

_OF_RUN = (
    "SELECT model_id, name, artifact_location FROM logged_models WHERE source_run_id = ? "
    "AND lifecycle_stage = 'active' AND status = 2 ORDER BY creation_timestamp_ms, name"
)
"""Where 2 is MLflow's number for a model that was logged whole."""


class KeptModel(NamedTuple):
    """A model that a run keeps in MLflow.

    Attributes:
        model_id: Its identifier.
        name: Its name: "model", and for further folds or repeats "model_2" and so on.
        place: Where its files are, as MLflow keeps such places.

    Example:
        >>> model = KeptModel("m-1", "model", "file:///mlruns/artifacts/movies/models/m-1")
        >>> model.uri, model.folder.as_posix()
        ('models:/m-1', '/mlruns/artifacts/movies/models/m-1')
    """

    model_id: str
    name: str
    place: str

    @property
    def uri(self) -> str:
        """Its address for MLflow, where MLflow's tracking address is this store's."""
        return f"models:/{self.model_id}"

    @property
    def folder(self) -> Path | None:
        """The folder of its files; None where they are not on this machine."""
        folder = local_folder(self.place)
        return None if folder is None else folder.resolve()


def kept_models(store: Store, run_id: str) -> tuple[KeptModel, ...]:
    """List the models that a run keeps; where the home's own database has them, without MLflow.

    MLflow takes seconds to import, and a model of ours needs nothing of it to predict.

    Args:
        store: The store.
        run_id: The run.

    Returns:
        In the order in which they were logged, the trial's own first; none of an unknown run.

    Raises:
        TrackingError: MLflow does not tell.

    Example:
        >>> from pathlib import Path
        >>> kept_models(Store(Path("no such home")), "0a1b2c")
        ()
    """
    if not can_name_run(run_id) or not store.exists():
        return ()
    if store.sqlite_file is not None:
        store.follow_home()
        if (rows := rows_of(store, _OF_RUN, run_id)) is not None:
            return tuple(KeptModel(*row) for row in rows)
    with asked(store):
        client = store.client()
        run = unless_missing(client.get_run, run_id)
        return tuple(
            KeptModel(str(each.model_id), str(each.name), str(each.artifact_location))
            for each in models_of(client, run)
        )


@contextmanager
def asked(store: Store) -> Iterator[None]:
    """Say in a line that MLflow does not answer, whatever its library raises while it is asked.

    Raises:
        TrackingError: It does not.
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(
            "The record must be readable to tell what a run holds, but "
            f"{without_password(store.tracking_uri)} is not ({one_line(error)})."
        ) from error
