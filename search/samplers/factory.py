"""Makes samplers by name; each proposal is seeded by the study's seed and the trial's slot.

A slot is a trial's place in its study as if nothing had been interrupted.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import optuna
from optuna.samplers import BaseSampler

from search.config.options import SAMPLERS, Options
from search.errors import SearchError
from search.samplers.generations import GenerationsSampler, Optimizers
from search.samplers.grid import GridSampler
from search.samplers.history_view import Seconds, Seen
from search.samplers.local import LocalSampler, LocalSettings
from search.samplers.sequence import SequenceSampler
from search.samplers.slot import SlotSampler, made_quietly
from search.space.distributions import SpaceAdapter, optuna_name
from search.space.parameters import Parameter, always_active, dividing_choice

_LEADING = "optimizer"
"""Tried first: several optimizers as they are gain as much as one that is tuned (Schmidt,
Schneider and Hennig, "Descending through a Crowded Valley", ICML 2021)."""


def make_sampler(
    name: str,
    seed: int,
    *,
    space: Sequence[Parameter] = (),
    trials: int = 1,
    options: Options | None = None,
    seen: Seen = Seen(),  # noqa: B008 (frozen)
) -> BaseSampler:
    """Make the named sampler; its random draws are seeded by the study's seed and a trial's slot.

    Args:
        name: One of `search.config.options.SAMPLERS`.
        seed: The study's seed.
        space: Every parameter, parents first.
        trials: How many trials the study shall have, the baseline included.
        options: The sampler's options, already checked; our defaults replace missing ones.
        seen: What the sampler sees: trials of an earlier study, or of this one in an earlier space,
            the first trial of this study that it learns from, and what an epoch takes.

    Raises:
        SearchError: The sampler cannot serve the space, or needs a library that is not installed.
    """
    given = dict(options or {})
    if name == "grid":
        return GridSampler(space, seed, trials)
    if name == "qmc":
        return SequenceSampler(space, seed, given)
    if name == "cmaes":
        _check_numeric(space)
    if name == "gp":
        _check_torch()
    make = partial(_MAKERS[name], space, given, **_kept(name, space, seen))
    _check_together(name, make, given)
    # What sees only shared parameters: the baseline may lack most of a narrowed space.
    names = {optuna_name(p) for p in always_active(space)} if SAMPLERS[name].needs_shared else set()
    planned = {optuna_name(p) for p in space} if SAMPLERS[name].plans else None
    return SlotSampler(make, seed, replace(seen, names=names), planned)


def _kept(name: str, space: Sequence[Parameter], seen: Seen) -> dict[str, Any]:
    """What all samplers of a study share."""
    if name == "local" and seen.seconds is not None:
        return {"seconds": _by_optuna_names(space, seen.seconds)}
    return {"optimizers": Optimizers()} if name == "cmaes" else {}


def _check_together(name: str, make: Callable[[int], BaseSampler], given: Options) -> None:
    """Make the sampler once to refuse a combination of options that Optuna does not accept."""
    try:
        made_quietly(make, 0)
    except ValueError as error:
        raise SearchError(
            f"Options of the sampler `{name}` must go together, but got "
            f"{', '.join(f'{option}={value}' for option, value in given.items())} "
            f"({str(error).rstrip('.')}). Leave one out."
        ) from error


def _random(space: Sequence[Parameter], given: Options, seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _by_optuna_names(space: Sequence[Parameter], seconds: Seconds) -> Seconds:
    """Make an estimate of configurations one of Optuna's parameters."""
    adapter = SpaceAdapter(space)
    return lambda params: seconds(adapter.decode(params))


def _local(
    space: Sequence[Parameter], given: Options, seed: int, seconds: Seconds | None = None
) -> BaseSampler:
    rest = {name: value for name, value in given.items() if not name.startswith("local_")}
    rest.setdefault("n_startup_trials", 3)
    dividing = dividing_choice(space)
    settings = LocalSettings(
        startup=rest["n_startup_trials"],
        share=given.get("local_share", 0.9),
        candidates=given.get("local_candidates", 16),
        sweep=given.get("local_sweep", 0.3),
        cost=given.get("local_cost", 0.0),
        kind=None if dividing is None else optuna_name(dividing),
        first=next((optuna_name(p) for p in space if p.name == _LEADING), None),
    )
    return LocalSampler(seed, _tpe(space, rest, seed), settings, seconds)


def _tpe(space: Sequence[Parameter], given: Options, seed: int) -> BaseSampler:
    group = given.get("multivariate", True)
    usual = {"n_startup_trials": 6, "multivariate": True, "group": group, "constant_liar": True}
    return optuna.samplers.TPESampler(seed=seed, **(usual | dict(given)))


def _gp(space: Sequence[Parameter], given: Options, seed: int) -> BaseSampler:
    usual = {"n_startup_trials": 6, "warn_independent_sampling": False}
    return optuna.samplers.GPSampler(seed=seed, **(usual | dict(given)))


def _cmaes(
    space: Sequence[Parameter], given: Options, seed: int, optimizers: Optimizers
) -> BaseSampler:
    return GenerationsSampler(seed, {"n_startup_trials": 6} | dict(given), optimizers)


def _nsga2(space: Sequence[Parameter], given: Options, seed: int) -> BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed, **({"population_size": 10} | dict(given)))


_MAKERS: dict[str, Callable[..., BaseSampler]] = {
    "random": _random,
    "local": _local,
    "tpe": _tpe,
    "gp": _gp,
    "cmaes": _cmaes,
    "nsga2": _nsga2,
}


def _check_numeric(space: Sequence[Parameter]) -> None:
    """Refuse a space for CMA-ES that has choices or conditions."""
    everywhere = always_active(space)
    for parameter in space:
        depends = parameter.kind != "Fixed" and parameter not in everywhere
        if parameter.kind in ("Choice", "Boolean") or depends:
            what = "depends on others" if depends else "is a choice"
            raise SearchError(
                f"The sampler `cmaes` needs a space of numbers alone, but `{parameter.name}` "
                f"{what}. Fix it in `[space]` or in your model, or use another sampler."
            )


def _check_torch() -> None:
    """Refuse the Gaussian process if PyTorch, which it needs, is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise SearchError(
            "The sampler `gp` needs the library torch, but it is not installed. Install Trialbook "
            'with its extra `gp` (`pip install "trialbook[gp]"`), or use another sampler.'
        )
