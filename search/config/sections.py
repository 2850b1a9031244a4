"""Declares every setting of a study, grouped into sections; nothing else declares one.

A new setting is one declaration. Its type, default, rule and message, its key in a study file and
its option on the command line all follow from it; docs/settings.md has a line for every one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from models.checks import MOST_SEED
from models.config import TRAINERS
from models.data import SourceOptions
from search.config.keys import key
from search.config.options import PRUNERS, SAMPLERS
from search.config.parsing import names, options, stages, whole_or_text
from search.config.rules import OneOf, Positive, Real, Text, Within, WithinOr
from tracking.records import sign_of

AUTO = "auto"
STOPPING: Mapping[str, int | float] = {"patience": 15, "min_delta": 1e-4, "overfit_patience": 5}
"""When a trial of the rating models stops early, where `[space]` says nothing; not searched. Of the
published trial the first two are 30 and 0.001, and it has no third: trial 0 keeps those."""
KEEP_MODELS = ("all", "best", "none")
DUPLICATES = ("reuse", "repeat")
SPLITS = ("published", "random", "temporal", "leave-last-out")
PRESETS = ("ratings", "baseline", "as-written")
TUNER_MODEL = "keras_tuner:Tuner"
"""What stands as the model of a study whose models only a Keras Tuner tuner knows."""

STUDY, DATA, TRAINING = "Study and stopping", "Data", "Training"
SEARCH, RUNNING = "Search", "Running and stores"
"""Headings of the sections, in `trialbook search --help` and in docs/settings.md."""

_NAME = Text(
    r"[\w][\w .+-]{0,99}",
    "start with a letter, digit or _ and have at most 100 letters, digits, spaces, dots, plus or "
    "minus signs",
)
_MODEL = Text(r"[\w.]+:\w+", f"be one of {', '.join(PRESETS)} or `module:HyperModel`", PRESETS)
_OBJECTIVE = Text(r"\w[\w .()/-]*:(min|max)", "be NAME:min or NAME:max, say val_rmse:min")
_FUNCTION = Text(r"[\w.]+:\w+", "be `module:function`")
_MOST_PARTS = 100


@dataclass(frozen=True, kw_only=True)
class StoppingKeys:
    """Settings of when a study stops.

    Attributes:
        name: Name of the study, unique in its stores.
        trials: Target of finished trials: complete, pruned and failed ones together.
        timeout_s: Wall time after which no further epoch starts, in seconds; None for no limit.
        target: Value at which no further trial starts, once a complete trial has it; None for none.
        regret: Value at which no further trial starts, once what a longer search could still gain
            is most likely below it; None for none. Needs the extra `gp`.
        duplicates: What becomes of a configuration that a trial already had, inactive parameters
            left out: "reuse" its value, or "repeat" the training on the new trial's own seed.
    """

    name: str = key("sample", "Name of the study.", _NAME, option="--study")
    trials: int = key(
        8, "Target of finished trials, earlier ones counted.", Within(1), is_free=True
    )
    timeout_s: float | None = key(
        None,
        "Wall time after which no epoch starts, in seconds.",
        Positive("seconds"),
        option="--timeout",
        called="timeout",
        is_free=True,
    )
    target: float | None = key(
        None,
        "Stop once a trial is this good.",
        Real(),
        option="--target-rmse",
        is_free=True,
    )
    regret: float | None = key(
        None, "Stop once a longer search most likely gains less.", Positive(), is_free=True
    )
    duplicates: str = key(
        "reuse", "Reuse an equal trial's value, or repeat it.", OneOf(DUPLICATES), is_free=True
    )


@dataclass(frozen=True, kw_only=True)
class DataKeys:
    """Settings of which ratings are read, and how the ratings are split.

    Attributes:
        data: Source of the ratings, as `models.data.load_ratings` takes it.
        options: How to read the source.
        split: Name of the split protocol.
    """

    data: str = key(
        "movielens", "Source of the ratings: movielens, mubi:PATH, synthetic:0.1, a file …"
    )
    options: SourceOptions = field(default_factory=SourceOptions)
    split: str = key("published", "Split protocol.", OneOf(SPLITS))


@dataclass(frozen=True, kw_only=True)
class TrialKeys:
    """Settings of one trial: its model, its objective, its epochs, and its limits.

    Attributes:
        model: "ratings" (the whole space), "baseline", "as-written", or `module:HyperModel`.
        data_module: Function that returns what a HyperModel's `fit` takes, `module:function`; None
            for a function `data` beside the HyperModel, or for a `fit` that brings its data.
        objective: `NAME:min` or `NAME:max`: the per-epoch number whose best epoch is the value.
        objectives: Goals that are all pursued, the objective's number first: "parameters",
            "seconds" of training, "memory" at its peak in MB; none for the objective alone.
        max_parameters: Most weights of a model; a larger one is not trained.
        max_seconds: Most seconds of training; a trial beyond ends, inside a long epoch too.
        max_memory_mb: Most memory of a trial's process in MB; what must need more is not trained,
            and a trial beyond ends at its next epoch.
        repeats: Seeds that a trial is trained with; its value is their mean.
        folds: Folds of the train part: a model is trained for each, on the other folds, and
            validated on it; a trial's value is the mean. None to use the validation part.
        growth: Stages of growing row samples, `[[share, epochs], …]`, before a trial sees all rows.
        epochs: Most epochs a trial.
    """

    model: str = key("ratings", "ratings, baseline, as-written, or module:HyperModel.", _MODEL)
    data_module: str | None = key(
        None, "module:function that returns what a HyperModel's fit takes.", _FUNCTION
    )
    objective: str = key(
        "val_rmse:min", "NAME:min or NAME:max, for a HyperModel of your own.", _OBJECTIVE
    )
    objectives: Sequence[str] = key(
        (), "Goals: val_rmse,parameters,seconds,memory (some).", parse=names, metavar="TEXT"
    )
    max_parameters: int | None = key(None, "Most weights of a model.", Within(1))
    max_seconds: float | None = key(
        None, "Most seconds of training a trial.", Positive(), option="--max-seconds-per-trial"
    )
    max_memory_mb: float | None = key(
        None, "Most memory of a trial, in MB.", Positive(), option="--max-memory"
    )
    repeats: int = key(
        1, "Seeds a trial is trained with; its value is the mean.", Within(1, _MOST_PARTS)
    )
    folds: int | None = key(
        None, "Cross-validate each trial inside the train part.", Within(2, _MOST_PARTS)
    )
    growth: Sequence[Sequence[float]] = key(
        (),
        "Growing row samples: SHARE:EPOCHS,SHARE:EPOCHS …",
        option="--grow",
        parse=stages,
        metavar="TEXT",
    )
    epochs: int = key(100, "Most epochs a trial.", Within(1))


@dataclass(frozen=True, kw_only=True)
class SearchKeys:
    """Settings of the search: its space, sampler, pruner and seed.

    Attributes:
        warm_start: Name of an earlier study in the same storage that the sampler learns from.
        recipes: Whether a new study of the whole space begins, after the baseline, with recipes.
        sampler: Name of the sampler.
        sampler_options: Optuna's options of the sampler, by name.
        pruner: Name of the pruner.
        pruner_options: Optuna's options of the pruner, by name.
        seed: Seeds sampler, trials and splits.
        space: Overrides of the space by parameter: a value fixes it, a list gives its choices,
            a table `{min, max, step, log}` its range.
    """

    warm_start: str | None = key(None, "Earlier study that the sampler learns from.")
    recipes: bool = key(
        True,
        "Begin a new study with recipes, or not.",
        option="--recipes/--no-recipes",
    )
    sampler: str = key("local", "Who proposes configurations.", OneOf(tuple(SAMPLERS)))
    sampler_options: Mapping[str, Any] = key(
        {},
        "An option of the sampler, by Optuna's name; may be repeated.",
        option="--sampler-option",
        parse=options,
        metavar="NAME=VALUE",
    )
    pruner: str = key("median", "Who ends hopeless trials.", OneOf(tuple(PRUNERS)))
    pruner_options: Mapping[str, Any] = key(
        {},
        "An option of the pruner, by Optuna's name; may be repeated.",
        option="--pruner-option",
        parse=options,
        metavar="NAME=VALUE",
    )
    seed: int = key(42, "Seed of sampler, trials and splits.", Within(0, MOST_SEED))
    space: Mapping[str, Any] = key({})


@dataclass(frozen=True, kw_only=True)
class RunningKeys:
    """Settings of how trials are run, and where the study is stored.

    Attributes:
        keep_models: Which complete trials keep their model: "all", "best" or "none".
        workers: Trials trained at once, each in a process of its own; "auto" for as many as cores
            where trials are small (at most eight or an eighth of the trials for samplers that
            learn), else one. With several, what `local`, `tpe` and a pruner decide depends on which
            trial ends first.
        threads: Threads a trial; None for its share of this process's cores.
        trainer: "compiled" for compiled epochs of our own rating models, "fast" for our trainer on
            TensorFlow, "keras" for Keras' own `fit`, "tensorflow" for the fast one wherever it does
            the same, "auto" for the compiled one where it can and else "tensorflow".
        tracking_uri: MLflow's address; None for `mlflow.db` in the home folder.
        storage: Optuna's address; None for `optuna.db` in the home folder.
    """

    keep_models: str = key("all", "Whose models are kept.", OneOf(KEEP_MODELS), is_free=True)
    workers: int | str = key(
        AUTO,
        "Trials trained at once, or auto.",
        WithinOr(1, 256, AUTO),
        parse=whole_or_text,
        metavar="TEXT",
        is_free=True,
    )
    threads: int | None = key(
        None, "Threads a trial.", Within(1, 1024), shown="its share of the cores"
    )
    trainer: str = key("auto", "Ours, or Keras' own fit.", OneOf(TRAINERS))
    tracking_uri: str | None = key(
        None, "MLflow's address.", is_free=True, shown="mlflow.db in the home"
    )
    storage: str | None = key(
        None, "Optuna's address.", is_free=True, shown="optuna.db in the home"
    )


@dataclass(frozen=True, kw_only=True)
class Settings(RunningKeys, SearchKeys, TrialKeys, DataKeys, StoppingKeys):
    """All settings of a study, and values that are computed from them."""

    @property
    def monitor(self) -> str:
        """The metric of each epoch that the objective takes: "val_rmse" of "val_rmse:min"."""
        return self.objective.split(":")[0]

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Optuna's word for the objective's direction."""
        return "minimize" if self.objective.endswith(":min") else "maximize"

    @property
    def sign(self) -> float:
        """The factor that makes lower objective values better: 1, or -1 if the study maximises."""
        return sign_of(minimize=self.direction == "minimize")

    @property
    def rates(self) -> bool:
        """Whether the study trains Trialbook's own models of ratings, not a user's HyperModel."""
        return self.model in PRESETS

    @property
    def value_name(self) -> str:
        """The objective's name in the record: `best_val_rmse` for rating models."""
        return f"best_{self.monitor}"


SECTIONS: dict[type, str] = {
    StoppingKeys: STUDY,
    DataKeys: DATA,
    TrialKeys: TRAINING,
    SearchKeys: SEARCH,
    RunningKeys: RUNNING,
}
"""Every section with its heading, in the order in which users see them."""


def heading_of(name: str) -> str | None:
    """The heading of the section that declares a setting; None where none of these does.

    Example:
        >>> heading_of("sampler")
        'Search'
    """
    return next((SECTIONS[each] for each in SECTIONS if name in each.__annotations__), None)
