"""Finds the model that a user names as MLflow does: a registered one, or a logged one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from search.errors import SearchError
from search.storage.studies import Studies
from search.storage.study_attributes import config_of
from tracking import (
    KeptModel,
    NamedModel,
    Store,
    logged_model,
    model_versions,
    registered_names,
)

_URI = "models:/"
_VERSION = re.compile(r"(?P<name>.+)/(?P<version>[0-9]{1,9})", re.DOTALL)
_ALIAS = re.compile(r"(?P<name>.+)@(?P<alias>[^/@]+)", re.DOTALL)
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A model that MLflow knows by the name that a user gave.

    Attributes:
        said: The model in words: "movies, version 1 (winner), in MLflow".
        model: The model.
        run_id: The run that it is of; None where MLflow does not tell.
    """

    said: str
    model: KeptModel
    run_id: str | None


def find_in_mlflow(named: str, studies: Studies) -> Found | None:
    """Find a registered or logged model by its name.

    Args:
        named: `models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/ID`, or one of the first two
            without `models:/`.
        studies: Where the studies are, one of which may have the name.

    Returns:
        None for a text without `models:/` by which no model is registered.

    Raises:
        SearchError: There is none of that name, version, alias or identifier; or MLflow is away.
    """
    is_address, rest = named.startswith(_URI), named.removeprefix(_URI)
    if is_address and re.fullmatch(r"m-[^/@]+", rest):
        return _logged(rest, studies)
    parts = _VERSION.fullmatch(rest) or _ALIAS.fullmatch(rest)
    if parts is None:
        if not is_address:
            return None
        raise SearchError(
            "A model in MLflow is named models:/NAME/VERSION, models:/NAME@ALIAS or models:/ID, "
            f"but got {named!r}. {known_line(studies)}"
        )
    store = _store(studies, parts["name"])
    versions = model_versions(store, parts["name"])
    if not versions:
        if not is_address:
            return None
        raise SearchError(
            f"A registered model must be one that MLflow has, but got {parts['name']!r}. "
            f"{known_line(studies)}"
        )
    return _version(parts, versions)


def known_line(studies: Studies) -> str:
    """A sentence that lists the registered models."""
    store = studies.store_of()
    names = registered_names(store) if store.exists() and not store.check() else ()
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return f"Registered models: {', '.join(names[:_MOST_LISTED]) or 'none'}{more}."


def _version(parts: re.Match[str], versions: tuple[NamedModel, ...]) -> Found:
    """The version of a registered model that a user named by its number or by an alias."""
    given = parts.groupdict()
    for each in versions:
        if "version" in given and each.version == int(given["version"]):
            break
        if "alias" in given and given["alias"] in each.aliases:
            break
    else:
        got = given.get("version") or f"the alias {given['alias']!r}"
        known = ", ".join(map(_shown, versions))
        raise SearchError(
            f"A version of the registered model {given['name']} must be one that MLflow has "
            f"({known}), but got {got}."
        )
    return Found(f"{given['name']}, version {_shown(each)}, in MLflow", each.model, each.run_id)


def _shown(version: NamedModel) -> str:
    """A version with its aliases: "1 (winner)"."""
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    return f"{version.version}{aliases}"


def _logged(model_id: str, studies: Studies) -> Found:
    found = logged_model(_reached(studies.store_of()), model_id)
    if found is None:
        raise SearchError(
            f"A logged model must be one that MLflow has, but got {model_id!r}. Name a study, "
            f"STUDY:NUMBER or a registered model instead. {known_line(studies)}"
        )
    return Found(f"{model_id}, in MLflow", found.model, found.run_id)


def _store(studies: Studies, name: str) -> Store:
    """Where a registered model is: with the study of its name, if there is one."""
    study = studies.find(name)
    return _reached(studies.store_of(None if study is None else config_of(study)))


def _reached(store: Store) -> Store:
    """A store, once it is known that it can be read."""
    if store.exists() and (away := store.check()):
        raise SearchError(f"{away} The model is there: predict once it is.")
    return store
