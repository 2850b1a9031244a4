"""Compares the space of a study with the one it was begun with, and goes on in a changed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import optuna

from search.child.messages import Ready
from search.config.options import SAMPLERS
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.configurations import range_in_words
from search.space.distributions import renewed
from search.space.parameters import Parameter, from_plain, when_in_words
from search.storage.study_attributes import (
    config_of,
    declared_space_of,
    may_grow,
    met_of,
    space_version_of,
    widened_at,
)
from search.storage.views import former_distributions


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """The space of a study as it goes on.

    Attributes:
        parameters: Every parameter that is known before a trial, told apart from earlier ones.
        since: Number of the first trial in it.
        version: 1, plus 1 for each change.
        changes: How it differs from the stored space, a text each; empty where it does not.
    """

    parameters: tuple[Parameter, ...]
    since: int = 0
    version: int = 1
    changes: tuple[str, ...] = ()


def space_for(
    own: optuna.Study | None,
    config: StudyConfig,
    ready: Ready,
    *,
    widen: bool,
    joins: bool = False,
) -> Space:
    """Find the space that a study goes on in.

    Args:
        own: The study as it is stored; None for a new one.
        config: Its settings now.
        ready: Its parameters now.
        widen: Whether it may go on in a changed space.
        joins: Whether a worker joins in, which cannot change the space.

    Raises:
        SearchError: The space has changed, and the study may not go on in it.
    """
    if own is None:
        return Space(parameters=ready.space)
    stored = [from_plain(each) for each in declared_space_of(own)]
    met = [from_plain(each) for each in met_of(own)]
    changes = _edits(own, stored, met, ready.space) if ready.grows else _overrides(own, config)
    version = space_version_of(own)
    if not changes and widen and met:
        changes = ["what trials met while they ran is met anew"]
    if not changes:
        # Our own space may have grown since the study was begun: it goes on in its own.
        own_space = ready.space if ready.grows else stored
        parameters = tuple(_labelled(parameter, [*stored, *met]) for parameter in own_space)
        return Space(parameters=parameters, since=widened_at(own), version=version)
    if not widen:
        if not ready.grows:  # the changed setting is told with all the others
            return Space(parameters=ready.space)
        raise SearchError(_refusal(config.name, changes, joins=joins))
    return _changed(own, config, ready, changes)


def _refusal(name: str, changes: Sequence[str], *, joins: bool) -> str:
    told = "; ".join(changes)
    if joins:
        return (
            f"All who work on a study must have the same space, but for `{name}` {told}. "
            "Give this worker the model that the others have."
        )
    return (
        f"A study may be resumed only with its own space, but for `{name}` {told}. Go on with what "
        "still fits (`--widen`), use another name (`--study`), or put it back."
    )


def _edits(
    own: optuna.Study,
    stored: Sequence[Parameter],
    met: Sequence[Parameter],
    now: Sequence[Parameter],
) -> list[str]:
    """Say how a user's own model was edited since its study began; empty where it was not.

    An imported study has no parameter that was found before its trials: all count as met while
    they ran. Those that are found in advance now are held against what was met.

    Args:
        own: The study as it is stored.
        stored: The parameters that were found before its trials.
        met: Those that its trials met while they ran.
        now: Those that are found in advance now.
    """
    found = {parameter.key: parameter.domain for parameter in now}
    held = {parameter.key for parameter in stored}
    later = [p for p in met if p.key in found and p.key not in held]
    if stored:  # of the same values it is new in advance all the same
        later = [p for p in later if p.domain != found[p.key]]
    changes = space_changes([*stored, *later], now)
    if not may_grow(own) and (stored or not met):  # fewer parameters were found in advance then
        changes = [change for change in changes if not change.endswith(_IS_NEW)]
    return changes


def _changed(own: optuna.Study, config: StudyConfig, ready: Ready, changes: Sequence[str]) -> Space:
    """The changed space that a study goes on in from its next trial."""
    if SAMPLERS[config.sampler].plans:
        raise SearchError(
            f"`--widen` needs a sampler that learns from trials, but `{config.sampler}` has "
            "planned them all in the old space. Use another name with `--study`."
        )
    version = space_version_of(own) + 1
    trials = own.get_trials(deepcopy=False)
    former = former_distributions(own, len(trials))
    return Space(
        parameters=tuple(renewed(p, former, version) for p in ready.space),
        since=len(trials),
        version=version,
        changes=tuple(changes),
    )


_IS_NEW = " is new"


def space_changes(before: Sequence[Parameter], now: Sequence[Parameter]) -> list[str]:
    """Say how two spaces differ, parameter by parameter; empty where they do not.

    Example:
        >>> units = Parameter(name="units", kind="Int", default=8, low=8, high=64)
        >>> rate = Parameter(name="rate", kind="Float", default=0.1, low=0.1, high=0.5)
        >>> space_changes([units, rate], [replace(units, high=128)])
        ['`units` was from 8 to 64, now from 8 to 128', '`rate` is gone']
    """
    old = {parameter.key: parameter for parameter in before}
    new = {parameter.key: parameter for parameter in now}
    changes = []
    for key, parameter in old.items():
        if key not in new:
            changes.append(f"`{parameter.name}`{_when(parameter)} is gone")
        elif new[key].domain != parameter.domain:
            was, is_now = range_in_words(parameter), range_in_words(new[key])
            how = "" if was != is_now else " (sampled otherwise)"
            changes.append(f"`{parameter.name}` was {was}, now {is_now}{how}")
        elif new[key].default != parameter.default:
            old_default, new_default = parameter.default, new[key].default
            changes.append(f"`{parameter.name}` had the default {old_default}, now {new_default}")
    added = (p for key, p in new.items() if key not in old)
    return changes + [f"`{p.name}`{_when(p)}{_IS_NEW}" for p in added]


def _when(parameter: Parameter) -> str:
    """The conditions of a parameter in words, in brackets; empty where it has none."""
    words = when_in_words(parameter)
    return f" (where {words})" if words else ""


def _overrides(own: optuna.Study, config: StudyConfig) -> list[str]:
    """Say which overrides of `[space]` a study of ratings has changed."""
    old, new = config_of(own).narrowed, config.narrowed
    return [
        f"`space.{name}` was {old.get(name)!r}, now {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _labelled(parameter: Parameter, stored: Sequence[Parameter]) -> Parameter:
    """Give a parameter the variant that its study has stored with it."""
    key = (parameter.key, parameter.domain)
    same = (p for p in stored if (p.key, p.domain) == key)
    return replace(parameter, variant=next((p.variant for p in same), parameter.variant))
