"""Samplers and pruners by name, and the options that each takes; none of them is loaded here.

Options have Optuna's names and meanings, but for those of our sampler `local`; what they are where
a study says nothing stands with the samplers and pruners themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.config.rules import Flag, OneOf, Real, Rule, Whole, check
from search.errors import SearchError

Options = Mapping[str, Any]

_TPE: dict[str, Rule] = {
    "n_startup_trials": Whole(0),
    "n_ei_candidates": Whole(1),
    "multivariate": Flag(),
    "group": Flag(),
    "constant_liar": Flag(),
}
SAMPLERS: dict[str, dict[str, Rule]] = {
    "local": {
        "local_share": Real(0, 1),
        "local_candidates": Whole(1),
        "local_sweep": Real(0, 1),
        **_TPE,
    },
    "tpe": _TPE,
    "random": {},
    "gp": {"n_startup_trials": Whole(1), "deterministic_objective": Flag()},
    "cmaes": {"n_startup_trials": Whole(1), "sigma0": Real(1e-9), "popsize": Whole(3)},
    "qmc": {"qmc_type": OneOf(("sobol", "halton")), "scramble": Flag()},
    "grid": {},
    "nsga2": {
        "population_size": Whole(2),
        "mutation_prob": Real(0, 1),
        "crossover_prob": Real(0, 1),
        "swapping_prob": Real(0, 1),
    },
}
PRUNERS: dict[str, dict[str, Rule]] = {
    "median": {
        "n_startup_trials": Whole(0),
        "n_warmup_steps": Whole(0),
        "interval_steps": Whole(1),
    },
    "none": {},
    "asha": {
        "min_resource": Whole(1),
        "reduction_factor": Whole(2),
        "min_early_stopping_rate": Whole(0),
    },
    "hyperband": {"min_resource": Whole(1), "max_resource": Whole(1), "reduction_factor": Whole(2)},
    "patient": {"patience": Whole(1), "min_delta": Real(0), "n_warmup_steps": Whole(0)},
    "threshold": {"lower": Real(), "upper": Real(), "n_warmup_steps": Whole(0)},
    "wilcoxon": {"p_threshold": Real(0, 1), "n_startup_steps": Whole(0)},
}


def check_options(kind: str, name: str, given: Options, known: Mapping[str, Rule]) -> None:
    """Refuse an option that a sampler or pruner lacks, or a value that it cannot take.

    Args:
        kind: "sampler" or "pruner".
        name: Whose options they are.
        given: By name.
        known: What it takes.

    Raises:
        SearchError: The first that does not fit.
    """
    for option, value in given.items():
        if option not in known:
            takes = f"Known: {', '.join(known)}." if known else "It takes none."
            raise SearchError(
                f"`{kind}_options` may hold only what {kind} `{name}` takes, but got `{option}`. "
                f"{takes}"
            )
        check(f"{kind}_options.{option}", value, known[option])
