"""Finds models by their names in MLflow: versions of registered models, and logged models."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tracking.runs.loading.database import rows_of
from tracking.runs.loading.kept import KeptModel
from tracking.runs.models import unless_missing
from tracking.runs.quiet import quiet
from tracking.runs.store import Store

_PAGE = 1000
_NAMES = "SELECT name FROM registered_models ORDER BY name"
_VERSIONS = (
    "SELECT version, run_id, COALESCE(storage_location, source) FROM model_versions "
    "WHERE name = ? AND current_stage != 'Deleted_Internal' ORDER BY version"
)
_ALIASES = "SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias"
_LOGGED = (
    "SELECT model_id, name, artifact_location, source_run_id FROM logged_models "
    "WHERE model_id = ? AND lifecycle_stage = 'active' AND status = 2"
)
_IDENTIFIER = re.compile(r"/(m-[0-9a-f]{32})(?:/|$)")


class NamedModel(NamedTuple):
    """A model that MLflow knows by a name.

    Attributes:
        model: The model, for `opened_model`.
        run_id: The run that it is of; None where MLflow does not tell.
        version: Of a registered model, its version; 0 of a logged one.
        aliases: Of a registered model, the aliases of the version.

    Example:
        >>> model = KeptModel("m-1", "movies", "file:///home/me/mlruns/artifacts/movies/models/m-1")
        >>> NamedModel(model, "0a1b2c", 1, ("winner",)).version
        1
    """

    model: KeptModel
    run_id: str | None
    version: int = 0
    aliases: tuple[str, ...] = ()


def registered_names(store: Store) -> tuple[str, ...]:
    """List the names of all registered models, sorted.

    Args:
        store: The store.

    Returns:
        The names; none where there is no store.

    Example:
        >>> from pathlib import Path
        >>> registered_names(Store(Path("no such home")))
        ()
    """
    if not store.exists():
        return ()
    rows = _read(store, _NAMES)
    if rows is not None:
        return tuple(str(name) for (name,) in rows)
    client = store.client()
    found: list[str] = []
    page = client.search_registered_models(max_results=_PAGE)
    while True:
        found += [str(each.name) for each in page]
        if not page.token:
            return tuple(sorted(found))
        page = client.search_registered_models(max_results=_PAGE, page_token=page.token)


def model_versions(store: Store, name: str) -> tuple[NamedModel, ...]:
    """List the versions of a registered model; where the home's database has them, without MLflow.

    Args:
        store: The store.
        name: Name of the registered model, as the study's for a winner.

    Returns:
        In the order of the versions; none where no model is registered under the name.

    Example:
        >>> from pathlib import Path
        >>> model_versions(Store(Path("no such home")), "movies")
        ()
    """
    if not store.exists():
        return ()
    rows, named = _read(store, _VERSIONS, name), _read(store, _ALIASES, name)
    if rows is None or named is None:
        rows, named = _asked(store, name)
    return tuple(
        NamedModel(
            KeptModel(_identifier(name, version, place), name, str(place)),
            run_id or None,
            int(version),
            tuple(alias for alias, own in named if int(own) == int(version)),
        )
        for version, run_id, place in rows
    )


def logged_model(store: Store, model_id: str) -> NamedModel | None:
    """Find a logged model; where the home's own database has it, without MLflow.

    Args:
        store: The store.
        model_id: Its identifier, "m-" and 32 letters.

    Returns:
        The model; None where there is none, or it was deleted or not logged whole.

    Example:
        >>> from pathlib import Path
        >>> logged_model(Store(Path("no such home")), "m-1") is None
        True
    """
    if not (store.exists() and re.fullmatch(r"m-\w+", model_id, re.ASCII)):
        return None
    rows = _read(store, _LOGGED, model_id)
    if rows is not None:
        return next((NamedModel(KeptModel(*row[:3]), row[3] or None) for row in rows), None)
    client = store.client()
    found = unless_missing(client.get_logged_model, model_id)
    if found is None or str(found.status) != "READY":
        return None
    model = KeptModel(str(found.model_id), str(found.name), str(found.artifact_location))
    return NamedModel(model, found.source_run_id or None)


def _read(store: Store, question: str, *given: str) -> list[Any] | None:
    """Rows of the home's own database; None where the client has to be asked."""
    if store.sqlite_file is None:
        return None
    store.follow_home()
    return rows_of(store, question, *given)


def _asked(store: Store, name: str) -> tuple[list[Any], list[Any]]:
    """Versions and aliases of a registered model, as `_VERSIONS` and `_ALIASES` give them."""
    quiet()
    from mlflow.exceptions import MlflowException

    client = store.client()
    try:
        registered = unless_missing(client.get_registered_model, name)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":  # no model can have that name
            raise
        registered = None
    if registered is None:
        return [], []
    mark = '"' if "'" in name else "'"
    rows: list[Any] = []
    token = None
    while token != "":
        page = client.search_model_versions(
            f"name = {mark}{name}{mark}", max_results=_PAGE, page_token=token
        )
        rows += [(each.version, each.run_id, each.source) for each in page]
        token = page.token or ""
    return sorted(rows, key=lambda row: int(row[0])), sorted(registered.aliases.items())


def _identifier(name: str, version: int, place: object) -> str:
    """What `models:/` names a version's files by: the logged model of which it was made, if any."""
    found = _IDENTIFIER.search(str(place))
    return found[1] if found else f"{name}/{version}"
