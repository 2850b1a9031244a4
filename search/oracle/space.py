"""The space that a tuner has declared so far, as a study keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras_tuner
import optuna

from search.errors import SearchError
from search.space.distributions import fits_beside, optuna_name
from search.space.hypermodel import parameter_of, parameters
from search.space.parameters import Parameter, from_plain, plain
from search.storage.study_attributes import (
    space_of,
    space_version_of,
    write_met,
    write_space,
)
from search.storage.views import former_distributions

BUDGET = "tuner/"
"""What the names of the values begin with that Keras Tuner's Hyperband keeps among the others."""


def tuner_space(
    hp: keras_tuner.HyperParameters, stored: Sequence[Mapping[str, Any]] = ()
) -> tuple[Parameter, ...]:
    """List what a tuner has declared: parents first, those that the study knows before the others.

    Keras Tuner's chief receives the parameters of its clients sorted by their types, so that a
    conditional one may come before its parent.

    Args:
        hp: The tuner's space.
        stored: The study's space as it is stored: what it tells apart stays as it is there.
    """
    known = {each.key: (place, each) for place, each in enumerate(map(from_plain, stored))}
    declared = [each for each in hp.space if not each.name.startswith(BUDGET)]
    places = {id(each): known.get(parameter_of(each).key, (len(known),))[0] for each in declared}
    ordered = keras_tuner.HyperParameters()
    ordered.merge(_parents_first(sorted(declared, key=lambda each: places[id(each)])))
    return tuple(
        replace(each, variant=known[each.key][1].variant) if each.key in known else each
        for each in parameters(ordered)
    )


def _parents_first(declared: Sequence[Any]) -> list[Any]:
    """Order parameters so that each comes after those that its conditions name."""
    left, ordered = list(declared), list[Any]()
    names: set[str] = set()
    while left:
        ready = (each for each in left if all(c.name in names for c in each.conditions))
        first = next(ready, left[0])
        left.remove(first)
        ordered.append(first)
        names.add(first.name)
    return ordered


def values_of(trial: Any) -> dict[str, Any]:
    """A Keras Tuner trial's values by name, without inactive parameters and without budgets."""
    held = trial.hyperparameters
    return {
        hp.name: held.values[hp.name]
        for hp in held.space
        if hp.name in held.values and held.is_active(hp) and not hp.name.startswith(BUDGET)
    }


def keep_space(study: optuna.Study, space: Sequence[Parameter], number: int) -> None:
    """Store the parameters of a tuner that its study does not know yet.

    Args:
        study: The study.
        space: The parameters that the tuner has declared so far.
        number: Number of the trial that it begins, or in which it met them.
    """
    stored = space_of(study)
    if not stored:
        declared = [plain(parameter) for parameter in space]
        write_space(study, declared, version=space_version_of(study), grows=True)
    else:
        known = {from_plain(each).key for each in stored}
        keep_met(study, [each for each in space if each.key not in known], number)


def keep_met(study: optuna.Study, met: Sequence[Parameter], number: int) -> None:
    """Store parameters that a tuner's trials met while they ran.

    Args:
        study: The study.
        met: The parameters.
        number: Number of the trial that met them.
    """
    for place, parameter in enumerate(met):
        write_met(study, optuna_name(parameter), plain(parameter), (number, place))


def conflicts(study: optuna.Study, space: Sequence[Parameter]) -> list[str]:
    """Name the parameters that the study's trials have with other choices, or as another kind.

    Optuna keeps one list of choices a name, for the whole study.

    Args:
        study: The study.
        space: The parameters that a tuner declares.
    """
    held = former_distributions(study)
    return [parameter.name for parameter in space if not fits_beside(parameter, held)]


def refuse_conflicts(study: optuna.Study, space: Sequence[Parameter]) -> None:
    """Refuse a tuner's space whose choices are not those of the study.

    Args:
        study: The study.
        space: The parameters that the tuner declares.

    Raises:
        SearchError: A parameter has other choices than in the study's trials.
    """
    changed = conflicts(study, space)
    if changed:
        raise SearchError(
            f"A study keeps the choices of its parameters, but the tuner declares other ones than "
            f"{study.study_name!r} has for {', '.join(f'`{name}`' for name in changed)}. Give "
            "OptunaOracle another `study`, or put the choices back."
        )
