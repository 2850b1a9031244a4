"""Declares every setting of a study, grouped into sections; nothing else declares one.

A new setting is one declaration. Its type, default, rule and message, its key in a study file and
its option on the command line all follow from it; docs/settings.md has a row for each setting.
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
        name: Name of the study, unique in Optuna's storage.
        trials: Target number of finished trials. Complete, pruned and failed trials count.
        timeout_s: Wall time of one call, in seconds. When it is over, trials under way are
            interrupted, also inside an epoch, and queued again.
        target: Value of the objective that ends the search. Once a complete trial has this value
            or a better one, no further trial starts.
        regret: Smallest gain that is worth a longer search. Once a longer search would most likely
            gain less, no further trial starts. Needs the extra `gp`.
        duplicates: What happens to a configuration that an earlier trial had. "reuse" takes over
            the earlier trial's value; "repeat" trains again, on the new trial's own seed.
    """

    name: str = key("sample", "Name of the study.", _NAME, option="--study")
    trials: int = key(
        8, "Target number of finished trials, earlier ones included.", Within(1), is_free=True
    )
    timeout_s: float | None = key(
        None,
        "Stop after so much wall time, in seconds.",
        Positive("seconds"),
        option="--timeout",
        called="timeout",
        is_free=True,
    )
    target: float | None = key(
        None,
        "Stop once a complete trial has this value of the objective.",
        Real(),
        option="--target-rmse",
        is_free=True,
    )
    regret: float | None = key(
        None,
        "Stop once a longer search most likely gains less than this.",
        Positive(),
        is_free=True,
    )
    duplicates: str = key(
        "reuse",
        "Reuse the value of an equal trial, or train again.",
        OneOf(DUPLICATES),
        is_free=True,
    )


@dataclass(frozen=True, kw_only=True)
class DataKeys:
    """Settings of which ratings are read, and how the ratings are split.

    Attributes:
        data: Source of the ratings: "movielens", `mubi:PATH`, `synthetic:SCALE`, the name of a
            fetched data set, or the path of a file.
        options: How the source is read. Its parts are keys of their own, listed below.
        split: How the ratings are divided into train, validation and test part.
    """

    data: str = key(
        "movielens", "Source of the ratings: movielens, mubi:PATH, synthetic:SCALE, or a file."
    )
    options: SourceOptions = field(default_factory=SourceOptions)
    split: str = key("published", "How the ratings are split.", OneOf(SPLITS))


@dataclass(frozen=True, kw_only=True)
class TrialKeys:
    """Settings of one trial: its model, its objective, its epochs, and its limits.

    Attributes:
        model: "ratings" for the whole space of rating models; "baseline" for the published network
            alone, "as-written" with every layer of its description; or `module:HyperModel`.
        data_module: Function that returns the data for a HyperModel's `fit`, as `module:function`.
            Without this key, a function `data` beside the HyperModel is used, if there is one.
        objective: Number to optimise, as `NAME:min` or `NAME:max`. A trial's value is this number
            in its best epoch.
        objectives: Several objectives to optimise together: the name in `objective` first, then
            any of "parameters", "seconds" (of training) and "memory" (peak, in MB).
        max_parameters: Most weights of a model. A model with more is not trained.
        max_seconds: Most seconds of training per trial. A trial above the limit is ended.
        max_memory_mb: Most memory of a trial's process, in MB. A trial above the limit is ended.
        repeats: Number of seeds that each trial is trained on. Its value is the mean.
        folds: Number of folds for cross-validation inside the train part. A trial's value is the
            mean over the folds. Without this key, trials are validated on the validation part.
        growth: Stages that train on growing samples of the train rows before a trial sees all
            rows, as `[[share, epochs], …]`.
        epochs: Most epochs per training, those of `growth` included.
    """

    model: str = key("ratings", "ratings, baseline, as-written, or module:HyperModel.", _MODEL)
    data_module: str | None = key(
        None, "module:function that returns the data for a HyperModel's fit.", _FUNCTION
    )
    objective: str = key(
        "val_rmse:min", "Objective of your own HyperModel: NAME:min or NAME:max.", _OBJECTIVE
    )
    objectives: Sequence[str] = key(
        (), "Objectives: some of val_rmse,parameters,seconds,memory.", parse=names, metavar="TEXT"
    )
    max_parameters: int | None = key(None, "Most weights of a model.", Within(1))
    max_seconds: float | None = key(
        None, "Most seconds of training per trial.", Positive(), option="--max-seconds-per-trial"
    )
    max_memory_mb: float | None = key(
        None, "Most memory of a trial's process, in MB.", Positive(), option="--max-memory"
    )
    repeats: int = key(
        1, "Number of seeds per trial; its value is the mean.", Within(1, _MOST_PARTS)
    )
    folds: int | None = key(
        None, "Number of folds to cross-validate each trial.", Within(2, _MOST_PARTS)
    )
    growth: Sequence[Sequence[float]] = key(
        (),
        "Train on growing samples of the rows first: SHARE:EPOCHS,SHARE:EPOCHS …",
        option="--grow",
        parse=stages,
        metavar="TEXT",
    )
    epochs: int = key(100, "Most epochs per training.", Within(1))


@dataclass(frozen=True, kw_only=True)
class SearchKeys:
    """Settings of the search: its space, sampler, pruner and seed.

    Attributes:
        warm_start: Name of an earlier study in the same storage. The sampler learns from it, too.
        recipes: Whether a new study begins, after the baseline, with recipes: configurations that
            were chosen in advance.
        sampler: Name of the sampler, which proposes configurations.
        sampler_options: Options of the sampler, by name.
        pruner: Name of the pruner, which ends hopeless trials; "none" for no pruner.
        pruner_options: Options of the pruner, by name.
        seed: Seed of the sampler, of the trials and of the split "random". The split "published"
            of a single file always uses 42.
        space: Changes to the space, by parameter. A value fixes the parameter, a list gives its
            choices, a table `{min, max, step, log}` gives its range.
    """

    warm_start: str | None = key(None, "Earlier study that the sampler learns from, too.")
    recipes: bool = key(
        True,
        "Whether a new study begins with recipes (configurations chosen in advance).",
        option="--recipes/--no-recipes",
    )
    sampler: str = key("local", "What proposes configurations.", OneOf(tuple(SAMPLERS)))
    sampler_options: Mapping[str, Any] = key(
        {},
        "An option of the sampler; may be repeated.",
        option="--sampler-option",
        parse=options,
        metavar="NAME=VALUE",
    )
    pruner: str = key("median", "What ends hopeless trials.", OneOf(tuple(PRUNERS)))
    pruner_options: Mapping[str, Any] = key(
        {},
        "An option of the pruner; may be repeated.",
        option="--pruner-option",
        parse=options,
        metavar="NAME=VALUE",
    )
    seed: int = key(42, "Seed of sampler, trials and the split random.", Within(0, MOST_SEED))
    space: Mapping[str, Any] = key({})


@dataclass(frozen=True, kw_only=True)
class RunningKeys:
    """Settings of how trials are run, and where the study is stored.

    Attributes:
        keep_models: Which complete trials keep their model: "all", "best" or "none".
        workers: Number of trials trained at the same time, each in its own process. "auto" chooses
            the number by the size of a trial and by the cores.
        threads: Threads per trial. Without this key, the cores are shared evenly among the workers.
        trainer: What trains: "auto", "compiled", "fast", "tensorflow" or "keras".
        tracking_uri: Address of MLflow's store. Without this key, `mlflow.db` in the home folder.
        storage: Address of Optuna's storage. Without this key, `optuna.db` in the home folder.
    """

    keep_models: str = key("all", "Trials that keep their model.", OneOf(KEEP_MODELS), is_free=True)
    workers: int | str = key(
        AUTO,
        "Trials trained at the same time: a number, or auto.",
        WithinOr(1, 256, AUTO),
        parse=whole_or_text,
        metavar="TEXT",
        is_free=True,
    )
    threads: int | None = key(
        None, "Threads per trial.", Within(1, 1024), shown="its share of the cores"
    )
    trainer: str = key("auto", "Trialbook's trainers, or Keras' own fit.", OneOf(TRAINERS))
    tracking_uri: str | None = key(
        None, "Address of MLflow's store.", is_free=True, shown="mlflow.db in the home"
    )
    storage: str | None = key(
        None, "Address of Optuna's storage.", is_free=True, shown="optuna.db in the home"
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
