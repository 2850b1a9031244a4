"""Lists the files of a run, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tracking.addresses import local_folder
from tracking.runs.loading.database import rows_of
from tracking.runs.loading.kept import asked
from tracking.runs.models import unless_missing
from tracking.runs.quiet import can_name_run
from tracking.runs.store import Store

_PLACE = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"


class RunFiles(NamedTuple):
    """The files of a run in MLflow.

    Attributes:
        folder: Where they are; None where that is not a folder of this machine.
        sizes: Their sizes in bytes by their names in it, in the order of the names.

    Example:
        >>> RunFiles(None, {"history.csv": 420}).sizes["history.csv"]
        420
    """

    folder: Path | None
    sizes: dict[str, int]


def run_files(store: Store, run_id: str) -> RunFiles:
    """List the files of a run; where the home's own database has it, without MLflow.

    Args:
        store: The store.
        run_id: The run; an unknown one has none.

    Returns:
        The files. Those of its models are not among them: a model has a folder of its own.

    Raises:
        TrackingError: MLflow does not tell.

    Example:
        >>> run_files(Store(Path("no such home")), "0a1b2c").sizes
        {}
    """
    if not can_name_run(run_id) or not store.exists():
        return RunFiles(None, {})
    with asked(store):
        place = _place_in_file(store, run_id) if store.sqlite_file is not None else None
        folder = None if place is None else local_folder(place)
        if folder is not None:
            return RunFiles(folder.resolve(), dict(_in_folder(folder)))
        client = store.client()
        run = unless_missing(client.get_run, run_id)
        if run is None:
            return RunFiles(None, {})
        folder = local_folder(str(run.info.artifact_uri))
        there = folder is not None and folder.is_dir()
        sizes = dict(sorted(_told(client, run_id)))
        return RunFiles(folder.resolve() if folder is not None and there else None, sizes)


def _place_in_file(store: Store, run_id: str) -> str | None:
    """Where the home's own database says that the files are; None where it does not tell."""
    store.follow_home()
    rows = rows_of(store, _PLACE, run_id)
    return str(rows[0][0]) if rows else None


def _in_folder(folder: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.stat().st_size


def _told(client: Any, run_id: str, folder: str | None = None) -> Iterator[tuple[str, int]]:
    """The files that MLflow tells of, those in folders too."""
    for each in client.list_artifacts(run_id, folder):
        if each.is_dir:
            yield from _told(client, run_id, each.path)
        else:
            yield str(each.path), int(each.file_size or 0)
