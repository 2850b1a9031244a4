"""A catalogue of samplers and pruners: which options each one takes, and what it can do.

This module imports no sampler and no pruner. Options have Optuna's names and meanings, except those
of our sampler `local`. Their defaults are in `search.samplers` and `search.pruners`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.config.rules import Flag, OneOf, Real, Rule, Whole, check
from search.errors import SearchError

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerKind:
    """The options of a sampler, and whether it serves several goals or learns from old studies.

    Attributes:
        options: The rule of each option, by Optuna's name.
        serves_goals: Whether the sampler serves several goals.
        learns: Whether the sampler can also learn from the trials of an earlier study.
        looks: Whether the sampler's proposals depend on other trials at all.
        needs_shared: Whether the sampler sees only parameters that every trial has.
        plans: Whether the sampler serves only parameters that are known before the first trial.
    """

    options: Mapping[str, Rule] = field(default_factory=dict)
    serves_goals: bool = True
    learns: bool = False
    looks: bool = True
    needs_shared: bool = False
    plans: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunerKind:
    """The options that a pruner takes, and how it decides from which epoch on to judge.

    Attributes:
        options: The rule of each option, by Optuna's name.
        by_shape: Whether full-batch and mini-batch trials are judged apart, after a warm-up each.
        first: The option that names the first step at which the pruner may end a trial.
    """

    options: Mapping[str, Rule] = field(default_factory=dict)
    by_shape: bool = True
    first: str = "n_warmup_steps"


_TPE: dict[str, Rule] = {
    "n_startup_trials": Whole(0),
    "n_ei_candidates": Whole(1),
    "multivariate": Flag(),
    "group": Flag(),
    "constant_liar": Flag(),
}
_LOCAL: dict[str, Rule] = {
    "local_share": Real(0, 1),
    "local_candidates": Whole(1),
    "local_sweep": Real(0, 1),
    "local_cost": Real(0, 1),
    **_TPE,
}
SAMPLERS: dict[str, SamplerKind] = {
    "local": SamplerKind(options=_LOCAL, learns=True),
    "tpe": SamplerKind(options=_TPE, learns=True),
    "random": SamplerKind(looks=False),
    "gp": SamplerKind(
        options={"n_startup_trials": Whole(1), "deterministic_objective": Flag()},
        learns=True,
        needs_shared=True,
    ),
    "cmaes": SamplerKind(
        options={"n_startup_trials": Whole(1), "sigma0": Real(1e-9), "popsize": Whole(3)},
        serves_goals=False,
        needs_shared=True,
        plans=True,
    ),
    "qmc": SamplerKind(
        options={"qmc_type": OneOf(("sobol", "halton")), "scramble": Flag()},
        looks=False,
        plans=True,
    ),
    "grid": SamplerKind(looks=False, plans=True),
    "nsga2": SamplerKind(
        options={
            "population_size": Whole(2),
            "mutation_prob": Real(0, 1),
            "crossover_prob": Real(0, 1),
            "swapping_prob": Real(0, 1),
        },
        needs_shared=True,
    ),
}
"""The samplers; `cmaes` and `nsga2` go by generations, and so weigh no trials but their own."""

PRUNERS: dict[str, PrunerKind] = {
    "median": PrunerKind(
        options={
            "n_startup_trials": Whole(0),
            "n_warmup_steps": Whole(0),
            "interval_steps": Whole(1),
        }
    ),
    "none": PrunerKind(by_shape=False),
    "asha": PrunerKind(
        options={
            "min_resource": Whole(1),
            "reduction_factor": Whole(2),
            "min_early_stopping_rate": Whole(0),
        },
        first="min_resource",
    ),
    "hyperband": PrunerKind(
        options={
            "min_resource": Whole(1),
            "max_resource": Whole(1),
            "reduction_factor": Whole(2),
        },
        first="min_resource",
    ),
    "patient": PrunerKind(
        options={"patience": Whole(1), "min_delta": Real(0), "n_warmup_steps": Whole(0)}
    ),
    "threshold": PrunerKind(options={"lower": Real(), "upper": Real(), "n_warmup_steps": Whole(0)}),
    "wilcoxon": PrunerKind(
        options={"p_threshold": Real(0, 1), "n_startup_steps": Whole(0)},
        by_shape=False,
        first="n_startup_steps",
    ),
}


def check_options(kind: str, name: str, given: Options, known: Mapping[str, Rule]) -> None:
    """Refuse an option that a sampler or pruner lacks, or a value that it cannot take.

    Args:
        kind: "sampler" or "pruner".
        name: Name of the sampler or pruner.
        given: Values of options, by name.
        known: The rule of each option that it takes, by name.

    Raises:
        SearchError: An option is refused; the message names the first.
    """
    for option, value in given.items():
        if option not in known:
            takes = f"Known: {', '.join(known)}." if known else "It takes none."
            raise SearchError(
                f"`{kind}_options` may hold only what {kind} `{name}` takes, but got `{option}`. "
                f"{takes}"
            )
        check(f"{kind}_options.{option}", value, known[option])
