"""Samplers by name, each proposal seeded by the study's seed and the trial's slot."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, cast

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.config.options import Options
from search.errors import SearchError
from search.samplers.grid import GridSampler
from search.samplers.history_view import WithHistory
from search.samplers.local import LocalSampler
from search.samplers.sequence import SequenceSampler
from search.seeds import derive_seed
from search.space.distributions import optuna_name
from search.space.parameters import Parameter, always_active, dividing_choice
from search.storage.slots import slot_of

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
    history: Sequence[FrozenTrial] = (),
) -> BaseSampler:
    """The named sampler; its own random choices depend on a trial's slot alone.

    Args:
        name: One of `search.config.options.SAMPLERS`.
        seed: The study's seed.
        space: What it will sample.
        trials: How many trials it will be asked for, the baseline included.
        options: Optuna's options of it, checked already; ours stand where one is missing.
        history: Trials of an earlier study that it learns from as well.

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
    choice = dividing_choice(space) if name == "local" else None
    dividing = None if choice is None else optuna_name(choice)
    leading = next((optuna_name(p) for p in space if p.name == _LEADING), None)
    makers: dict[str, Callable[[int], BaseSampler]] = {
        "random": lambda s: optuna.samplers.RandomSampler(seed=s),
        "local": lambda s: _local(s, given, dividing, leading),
        "tpe": lambda s: optuna.samplers.TPESampler(seed=s, **_tpe(given)),
        "gp": lambda s: optuna.samplers.GPSampler(
            seed=s, warn_independent_sampling=False, **({"n_startup_trials": 6} | given)
        ),
        "cmaes": lambda s: optuna.samplers.CmaEsSampler(
            seed=s, warn_independent_sampling=False, **({"n_startup_trials": 6} | given)
        ),
        "nsga2": lambda s: optuna.samplers.NSGAIISampler(
            seed=s, **({"population_size": 10} | given)
        ),
    }
    try:
        _quietly(makers[name], seed)
    except ValueError as error:
        raise SearchError(
            f"Options of the sampler `{name}` must go together, but got "
            f"{', '.join(f'{option}={value}' for option, value in given.items())} "
            f"({str(error).rstrip('.')}). Leave one out."
        ) from error
    # These see only what all trials share; the baseline may lack most of a narrowed space.
    shared = name in ("gp", "cmaes", "nsga2")
    names = {optuna_name(p) for p in always_active(space)} if shared else set()
    return SlotSampler(makers[name], seed, history, names)


def _quietly(make: Callable[[int], BaseSampler], seed: int) -> BaseSampler:
    """A sampler; TPE's `group` is called experimental, but the pinned version is what is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return make(seed)


def _tpe(given: Options) -> dict[str, Any]:
    group = given.get("multivariate", True)
    return {"n_startup_trials": 6, "multivariate": True, "group": group, **given}


def _local(seed: int, given: Options, kind: str | None, first: str | None) -> LocalSampler:
    settings = dict(given)
    share = settings.pop("local_share", 0.9)
    candidates = settings.pop("local_candidates", 16)
    sweep = settings.pop("local_sweep", 0.3)
    startup = settings.setdefault("n_startup_trials", 3)
    tpe = optuna.samplers.TPESampler(seed=seed, **_tpe(settings))
    return LocalSampler(
        seed,
        tpe,
        startup=startup,
        share=share,
        candidates=candidates,
        sweep=sweep,
        kind=kind,
        first=first,
    )


def _check_numeric(space: Sequence[Parameter]) -> None:
    everywhere = always_active(space)
    for parameter in space:
        depends = parameter.kind != "Fixed" and parameter not in everywhere
        if parameter.kind in ("Choice", "Boolean") or depends:
            what = "depends on others" if depends else "is a choice"
            raise SearchError(
                f"The sampler `cmaes` needs a space of numbers alone, but `{parameter.name}` "
                f"{what}. Fix it in `[space]`, or use another sampler."
            )


def _check_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise SearchError(
            "The sampler `gp` needs the library torch, but it is not installed. Install Trialbook "
            'with its extra `gp` (`pip install "trialbook[gp]"`), or use another sampler.'
        )


class _Proposing(NamedTuple):
    """What proposes one trial: a sampler, and the study as it sees it meanwhile."""

    sampler: BaseSampler
    seen: optuna.Study


class SlotSampler(BaseSampler):
    """Hands every trial to a fresh sampler seeded by (study seed, slot).

    A sampler seeded once repeats its first proposals after a restart, and which proposal a trial
    gets depends on the order of workers. Here neither a restart nor another worker changes what a
    slot is asked to try, as far as the sampler itself looks only at finished trials.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        seed: int,
        history: Sequence[FrozenTrial] = (),
        names: Collection[str] = (),
    ) -> None:
        self._make = make
        self._seed = seed
        self._history = history
        self._names = names
        self._made: dict[int, _Proposing] = {}  # of trials under way: several may be

    def _proposing(self, study: optuna.Study, trial: FrozenTrial) -> _Proposing:
        if trial.number not in self._made:
            seed = derive_seed(self._seed, slot_of(study, trial))
            sampler = _quietly(self._make, seed)
            seen = WithHistory(study, self._history, self._names)
            self._made[trial.number] = _Proposing(sampler, cast("optuna.Study", seen))
        return self._made[trial.number]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the inner sampler does."""
        inner = self._proposing(study, trial)
        return inner.sampler.infer_relative_search_space(inner.seen, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the inner sampler does."""
        inner = self._proposing(study, trial)
        return inner.sampler.sample_relative(inner.seen, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the inner sampler does."""
        inner = self._proposing(study, trial)
        return inner.sampler.sample_independent(inner.seen, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the inner sampler does."""
        self._proposing(study, trial).sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """As the inner sampler does."""
        self._proposing(study, trial).sampler.after_trial(study, trial, state, values)
        self._made.pop(trial.number, None)
