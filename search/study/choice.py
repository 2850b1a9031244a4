"""Makes a study's sampler and pruner, and gathers what it tries first; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from search.child.messages import Ready
from search.config.limits import limits_of
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.cost.outlook import cost_of
from search.errors import SearchError
from search.pruners.factory import make_pruner
from search.pruners.median import FORMER, OTHERS, RATINGS, Usual
from search.pruners.warm_up import WarmUp
from search.samplers.factory import make_sampler
from search.samplers.history_view import Seen
from search.space.configurations import (
    check_configurations,
    left_out,
    unmet,
    without_effect,
)
from search.space.parameters import Parameter, from_plain
from search.space.recipes import recipes_for
from search.space.weights import Weights, weights_of
from search.storage.studies import Studies
from search.storage.study_attributes import (
    has_former_pruner,
    history_of,
    is_ours,
    met_of,
)
from search.study.frozen import frozen_trials
from search.study.regret import check_regret
from search.study.request import Request
from search.study.warm_start import (
    History,
    carried_over,
    take_history,
)
from search.study.widening import Space, space_for
from tracking import DatasetRecord, Scalar, is_recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The sampler, the pruner and the space of a study, and what it tries before sampling.

    Attributes:
        space: The space that it goes on in.
        sampler: Proposes configurations.
        pruner: Ends hopeless trials.
        enqueue: Configurations that a user wants tried first.
        recipes: Published configurations that a new study tries after those.
        history: What a new study learns from an earlier one; None where there is nothing new.
        notes: Lines that the user should see, on `[space]` and what is tried first.
        weights: Counts the weights of a configuration; None where no limit is set on them.
        warm_up: Before which epoch no trial with mini-batches is ended.
    """

    space: Space
    sampler: BaseSampler
    pruner: BasePruner
    enqueue: Sequence[Mapping[str, Scalar]]
    recipes: Sequence[Mapping[str, Scalar]]
    history: History | None
    notes: Sequence[str] = ()
    weights: Weights | None = None
    warm_up: WarmUp = WarmUp()  # noqa: RUF009 (frozen)

    def lines(self) -> list[str]:
        """What the user should know of it before the study begins, a line each."""
        changes = "; ".join(self.space.changes)
        changed = [f"The space has changed: {changes}. The study goes on in it."] if changes else []
        learned = [] if self.history is None else [self.history.summary()]
        return [*changed, *learned, *self.notes]


def choose(config: StudyConfig, studies: Studies, ready: Ready, request: Request) -> Chosen:
    """Make a study's sampler and pruner, and gather what it tries first; nothing is written.

    What a limit on the weights refuses is left out of what is tried first.

    Args:
        config: The study.
        studies: Where an earlier study is, that this one learns from.
        ready: The space and the ratings.
        request: Configurations to try first, and whether the space may have changed.

    Returns:
        All of it, checked against the space.

    Raises:
        SearchError: A name, a value or a library is missing, or does not fit.
    """
    own = studies.find(config.name) if studies.store.home.is_dir() else None
    own = own if own is not None and is_ours(own) else None
    space = space_for(own, config, ready, widen=request.widen, joins=request.joins)
    ready = replace(ready, space=space.parameters)
    met = [from_plain(each) for each in met_of(own)] if own and not space.changes else []
    wanted = check_configurations(request.enqueue, [*ready.space, *met], grows=ready.grows)
    weights = weights_of(config, ready.space, ready.dataset)
    _check_weights(weights, wanted)
    if config.regret is not None:
        check_regret()
    taught, history = _earlier(config, studies, ready, own)
    usual = usual_of(config, own)
    return Chosen(
        space=space,
        sampler=_sampler(config, ready, space, [*taught, *_carried(own, space)]),
        pruner=_pruner(config, usual),
        enqueue=wanted,
        recipes=recipes_for(config, ready.space, weights, ready.dataset),
        history=history,
        notes=[*_former(config, studies, own), *_notes(config, ready, wanted, met)],
        weights=weights,
        warm_up=WarmUp(usual.warm_up, rows_of(ready.dataset)),
    )


def _former(config: StudyConfig, studies: Studies, own: optuna.Study | None) -> list[str]:
    """A line on the record of a study of this name that Optuna's storage has lost."""
    if own is not None or not is_recorded(studies.store_of(config), config.name):
        return []
    return [
        f"MLflow has the record of an earlier study {config.name!r}, which Optuna's storage does "
        "not know. That record stays as it is, and the study begins anew."
    ]


def _notes(
    config: StudyConfig,
    ready: Ready,
    wanted: Sequence[Mapping[str, Scalar]],
    met: Sequence[Parameter],
) -> list[str]:
    """Lines for the user on `[space]` and on the configurations of `--enqueue`."""
    return [
        *without_effect(config.space, ready.space),
        *_left_out(wanted, ready.space, met),
        *_unmet(wanted, [*ready.space, *met]),
    ]


def _left_out(
    wanted: Sequence[Mapping[str, Scalar]], space: Sequence[Parameter], met: Sequence[Parameter]
) -> Sequence[str]:
    """A line for each configuration of `--enqueue` that leaves values out."""
    lines = (left_out(place, values, space, met) for place, values in enumerate(wanted, 1))
    return [line for line in lines if line]


def _unmet(wanted: Sequence[Mapping[str, Scalar]], known: Sequence[Parameter]) -> Sequence[str]:
    """A line for each configuration of `--enqueue` that names what no trial has met yet."""
    later = [(place, unmet(values, known)) for place, values in enumerate(wanted, 1)]
    return [
        f"Configuration {place} of `--enqueue` names {', '.join(names)}, which no trial has met "
        "yet: used if its model asks for it."
        for place, names in later
        if names
    ]


def _check_weights(weights: Weights | None, wanted: Sequence[Mapping[str, Scalar]]) -> None:
    """Refuse a configuration that a user wants tried, where a limit refuses it."""
    for place, values in enumerate(wanted, 1):
        if weights is not None and (beyond := weights.least_refusal(values)):
            raise SearchError(
                f"A configuration of `--enqueue` must be within the study's limits, but number "
                f"{place} has {beyond}. Take it out, or use a higher limit."
            )


def _carried(own: optuna.Study | None, space: Space) -> Sequence[FrozenTrial]:
    """The study's own trials of before its space changed; of one that never did nothing is read."""
    since = space.since
    return carried_over(own, space.parameters, since) if own is not None and since else ()


def _sampler(
    config: StudyConfig, ready: Ready, space: Space, earlier: Sequence[FrozenTrial]
) -> BaseSampler:
    cost = cost_of(config, ready) if config.timeout_s else None
    return make_sampler(
        config.sampler,
        config.seed,
        space=space.parameters,
        trials=config.trials,
        options=config.sampler_options,
        seen=Seen(earlier, since=space.since, seconds=None if cost is None else cost.seconds),
    )


def usual_of(config: StudyConfig, own: optuna.Study | None) -> Usual:
    """How a study's median pruner decides where its options say nothing.

    Args:
        config: The study.
        own: The stored study, which keeps what it was made with; None for a new one.
    """
    if own is not None and has_former_pruner(own):
        return FORMER
    return RATINGS if config.rates else OTHERS


def _pruner(config: StudyConfig, usual: Usual) -> BasePruner:
    return make_pruner(
        config.pruner,
        epochs=config.epochs,
        options=config.pruner_options,
        growth=config.growth,
        parts=parts_of(config),
        usual=usual,
    )


def _earlier(
    config: StudyConfig, studies: Studies, ready: Ready, own: optuna.Study | None
) -> tuple[Sequence[FrozenTrial], History | None]:
    """Find the earlier trials that the sampler learns from, for a study with `warm_start`.

    Returns:
        The trials; and the `History` to store, None where this study has stored its own already.
    """
    if config.warm_start is None:
        return (), None
    taken = None if own is None else history_of(own)
    if taken is not None:
        late = taken.get("late", ())
        return frozen_trials(taken["trials"], ready.space, late, limits_of(config)), None
    if config.warm_start == config.name:
        raise SearchError(
            f"`--warm-start` must name another study, but got {config.name!r} for itself. "
            "Give the new study a name with `--study`."
        )
    earlier = studies.get(config.warm_start)
    history = take_history(earlier, config, ready.space, plain_dataset(ready))
    limits = limits_of(config)
    return frozen_trials(history.trials, ready.space, history.late, limits), history


def rows_of(dataset: DatasetRecord | None) -> int:
    """The ratings of a study's train part; 0 where they are not known."""
    return int(dataset.profile.get("train_rows") or 0) if dataset is not None else 0


def plain_dataset(ready: Ready) -> dict[str, Any] | None:
    """Facts of the dataset that a child loaded, as plain values; None for a user's own model."""
    return asdict(ready.dataset) if ready.dataset else None
