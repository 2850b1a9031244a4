"""A study as a user describes it: one TOML file, unknown keys refused."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, time
from pathlib import Path
from typing import Any, Literal, NoReturn

from models.checks import MOST_SEED, told
from models.config import TRAINERS
from models.data import SourceOptions
from search.config.goals import check_goals, with_pruner
from search.config.options import PRUNERS, SAMPLERS, check_options
from search.config.parts import check_parts
from search.errors import SearchError

KEEP_MODELS = ("all", "best", "none")
DUPLICATES = ("reuse", "repeat")
AUTO = "auto"
SPLITS = ("published", "random", "temporal", "leave-last-out")
TUNER_MODEL = "keras_tuner:Tuner"
"""What stands as the model of a study whose models only a Keras Tuner tuner knows."""
SHIPPED = Path(__file__).parent.parent / "studies"
"""The study files that come with the package."""
PRESETS = ("ratings", "baseline", "as-written")

# What may change between two runs of one study without making it another study.
_FREE = (
    "trials",
    "timeout_s",
    "target",
    "regret",
    "duplicates",
    "keep_models",
    "tracking_uri",
    "storage",
    "workers",
)
_OPTION_NAMES = {f.name for f in fields(SourceOptions)} - {"seed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyConfig:
    """What to search, on which ratings, how and how long.

    Attributes:
        name: Name of the study, unique in its stores.
        trials: Target of finished trials: complete, pruned and failed ones together.
        timeout_s: Wall time after which no further epoch starts, in seconds; None for no limit.
        target: Value at which no further trial starts, once a complete trial has it; None for none.
        regret: Value at which no further trial starts, once what a longer search could still gain
            is most likely below it; None for none. Needs the extra `gp`.
        duplicates: What becomes of a configuration that a trial already had, inactive parameters
            left out: "reuse" its value, or "repeat" the training on the new trial's own seed.
        data: Source of the ratings, as `models.data.load_ratings` takes it.
        options: How to read the source.
        split: Name of the split protocol.
        model: "ratings" (the whole space), "baseline", "as-written", or `module:HyperModel`.
        objective: `NAME:min` or `NAME:max`: the per-epoch number whose best epoch is the value.
        objectives: Goals that are all pursued, the objective's number first: "parameters",
            "seconds" of training, "memory" at its peak in MB; none for the objective alone.
        max_parameters: Most weights of a model; a larger one is not trained.
        max_seconds: Most seconds of training; a trial beyond ends at its next epoch.
        max_memory_mb: Most memory of a trial's process in MB; what must need more is not trained,
            and a trial beyond ends at its next epoch.
        repeats: Seeds that a trial is trained with; its value is their mean.
        folds: Parts of the train part that each is validated on once, trained on the others; a
            trial's value is their mean. None for the validation part.
        growth: Stages of growing row samples, `[[share, epochs], …]`, before a trial sees all rows.
        warm_start: Name of an earlier study in the same storage that the sampler learns from.
        recipes: Whether a new study of the whole space begins, after the baseline, with a published
            configuration of each model family.
        sampler: Name of the sampler.
        pruner: Name of the pruner.
        sampler_options: Optuna's options of the sampler, by name.
        pruner_options: Optuna's options of the pruner, by name.
        seed: Seeds sampler, trials and splits.
        epochs: Most epochs a trial.
        keep_models: Which complete trials keep their model: "all", "best" or "none".
        space: Overrides of the space by parameter: a value fixes it, a list gives its choices,
            a table `{min, max, step, log}` its range.
        tracking_uri: MLflow's address; None for `mlflow.db` in the home folder.
        storage: Optuna's address; None for `optuna.db` in the home folder.
        workers: Trials trained at once, each in a process of its own; "auto" for as many as cores
            where trials are small, else one. With several, what `local`, `tpe` and a pruner decide
            depends on which trial ends first.
        threads: Threads a trial; None for its share of this process's cores.
        trainer: "fast" for our trainer, "keras" for Keras' own `fit`, "auto" for ours wherever it
            does the same.
    """

    name: str = "sample"
    trials: int = 8
    timeout_s: float | None = None
    target: float | None = None
    regret: float | None = None
    duplicates: str = "reuse"
    data: str = "movielens"
    options: SourceOptions = field(default_factory=SourceOptions)
    split: str = "published"
    model: str = "ratings"
    objective: str = "val_rmse:min"
    objectives: Sequence[str] = ()
    max_parameters: int | None = None
    max_seconds: float | None = None
    max_memory_mb: float | None = None
    repeats: int = 1
    folds: int | None = None
    growth: Sequence[Sequence[float]] = ()
    warm_start: str | None = None
    recipes: bool = True
    sampler: str = "local"
    pruner: str = "median"
    sampler_options: Mapping[str, Any] = field(default_factory=dict)
    pruner_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 42
    epochs: int = 100
    keep_models: str = "all"
    space: Mapping[str, Any] = field(default_factory=dict)
    tracking_uri: str | None = None
    storage: str | None = None
    workers: int | str = 1
    threads: int | None = None
    trainer: str = "auto"

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            SearchError: A value breaks its rule.
        """
        if not re.fullmatch(r"[\w][\w .+-]{0,99}", self.name):
            _fail(
                "name",
                "start with a letter, digit or _ and have at most 100 letters, digits, "
                "spaces, dots, plus or minus signs",
                self.name,
            )
        for name in ("trials", "epochs"):
            _at_least(name, getattr(self, name), 1)
        _at_least("seed", self.seed, 0, most=MOST_SEED)
        if self.threads is not None:
            _at_least("threads", self.threads, 1, most=1024)
        if self.workers != AUTO:
            if isinstance(self.workers, str):
                _fail("workers", "be a whole number or auto", self.workers)
            _at_least("workers", self.workers, 1, most=256)
        if self.timeout_s is not None and not (0 < self.timeout_s < math.inf):
            _fail("timeout", "be above 0 seconds", self.timeout_s)
        if self.target is not None and not math.isfinite(self.target):
            _fail("target", "be a finite number", self.target)
        for name in ("regret", "max_seconds", "max_memory_mb"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                _fail(name, "be above 0", value)
        if self.max_parameters is not None:
            _at_least("max_parameters", self.max_parameters, 1)
        _known("duplicates", self.duplicates, DUPLICATES)
        _known("sampler", self.sampler, tuple(SAMPLERS))
        _known("pruner", self.pruner, tuple(PRUNERS))
        check_options("sampler", self.sampler, self.sampler_options, SAMPLERS[self.sampler])
        check_options("pruner", self.pruner, self.pruner_options, PRUNERS[self.pruner])
        _known("keep_models", self.keep_models, KEEP_MODELS)
        _known("split", self.split, SPLITS)
        _known("trainer", self.trainer, TRAINERS)
        if self.model not in PRESETS and not re.fullmatch(r"[\w.]+:\w+", self.model):
            _fail("model", f"be one of {', '.join(PRESETS)} or `module:HyperModel`", self.model)
        if self.space and self.model != "ratings":
            raise SearchError(
                f"`[space]` needs the model `ratings`, but the model is `{self.model}`. Use "
                "`--model ratings`, or take `[space]` out."
            )
        if not re.fullmatch(r"\w+:(min|max)", self.objective):
            _fail("objective", "be NAME:min or NAME:max, say val_rmse:min", self.objective)
        if self.model in PRESETS and self.objective != "val_rmse:min":
            _fail("objective", "be val_rmse:min for rating models", self.objective)

        check_parts(self)
        check_goals(self)

    @property
    def monitor(self) -> str:
        """The per-epoch number behind the objective."""
        return self.objective.split(":")[0]

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Optuna's word for the objective's direction."""
        return "minimize" if self.objective.endswith(":min") else "maximize"

    @property
    def sign(self) -> float:
        """What a value is multiplied by so that lower is better: 1, or -1 to maximise."""
        return 1.0 if self.direction == "minimize" else -1.0

    @property
    def rates(self) -> bool:
        """Whether the model is one of ours, which read ratings."""
        return self.model in PRESETS

    @property
    def value_name(self) -> str:
        """The objective's name in the record: `best_val_rmse` for rating models."""
        return f"best_{self.monitor}"

    def identity(self) -> dict[str, Any]:
        """What makes this study this one: all but how long it runs and where it is kept."""
        flat = self.to_dict()
        return {key: value for key, value in flat.items() if key not in _FREE}

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the source's options inline, defaults of None left out."""
        flat = asdict(self)
        options = flat.pop("options")
        options.pop("seed")
        flat |= {key: value for key, value in options.items() if value is not None}
        plain: dict[str, Any] = json.loads(json.dumps(flat))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, origin: str = "the study") -> StudyConfig:
        """Build from plain values, unknown keys refused.

        Args:
            values: As `to_dict` gives them or a TOML file holds them.
            origin: Where they came from, for the message.

        Raises:
            SearchError: A key is unknown or a value breaks its rule.
        """
        own = {f.name for f in fields(cls)} - {"options"}
        unknown = sorted(set(values) - own - _OPTION_NAMES)
        if unknown:
            raise SearchError(
                f"A study file may hold only known keys, but {origin} has `{unknown[0]}`. "
                f"Known: {', '.join(sorted(own | _OPTION_NAMES))}."
            )
        _check_types(values, origin)
        values = with_pruner(values)
        options = SourceOptions(
            **{k: v for k, v in values.items() if k in _OPTION_NAMES},
            seed=int(values.get("seed", cls().seed)),
        )
        return cls(**{k: v for k, v in values.items() if k in own}, options=options)

    @classmethod
    def default(cls) -> StudyConfig:
        """The study that runs where none is named: `search/studies/sample.toml`."""
        return cls.from_toml(SHIPPED / "sample.toml")

    @classmethod
    def from_toml(cls, path: Path) -> StudyConfig:
        """Read a study file.

        Raises:
            SearchError: There is no such file, it is not TOML, or a value breaks its rule.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SearchError(
                f"A study file must exist to be read, but there is no {path}. To name a study, "
                "use `--study`."
            ) from None
        except UnicodeDecodeError as error:
            raise SearchError(
                f"A study file must be TOML, which is text in UTF-8, but {path} is not text."
            ) from error
        except OSError as error:
            what = "a folder" if path.is_dir() else f"not readable ({error.strerror})"
            raise SearchError(f"A study file must be a text file, but {path} is {what}.") from error
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SearchError(f"A study file must be TOML, but {path} is not: {error}.") from error
        values.setdefault("name", path.stem)
        return cls.from_dict(values, origin=str(path))

    def override(self, **changes: Any) -> StudyConfig:
        """A copy with the given values; None leaves a value as it is."""
        given = dict(with_pruner({k: v for k, v in changes.items() if v is not None}))
        return self.from_dict(self.to_dict() | given) if given else self

    def at(self, **changes: Any) -> StudyConfig:
        """A copy with the given fields, None included."""
        return replace(self, **changes)

    def to_toml(self) -> str:
        """The study as a file that reads back as this study."""
        flat = {k: v for k, v in self.to_dict().items() if v is not None and v not in ({}, [])}
        space = flat.pop("space", {})
        lines = [f"{key} = {_toml(value)}" for key, value in flat.items()]
        if space:
            lines += ["", "[space]", *(f"{_key(k)} = {_toml(v)}" for k, v in space.items())]
        return "\n".join(lines) + "\n"


_INTEGERS = (
    "trials",
    "seed",
    "epochs",
    "threads",
    "min_ratings",
    "max_ratings",
    "max_parameters",
    "repeats",
    "folds",
)
_FLAGS = ("user_filter", "recipes")
_NUMBERS = ("timeout_s", "target", "regret", "max_seconds", "max_memory_mb")
_LISTS = ("objectives", "growth")
_TABLES = ("space", "sampler_options", "pruner_options")


def _check_types(values: Mapping[str, Any], origin: str) -> None:
    for key, value in values.items():
        if value is None:
            continue
        _refuse_times(key, value)
        if key in _TABLES:
            good, kind = isinstance(value, Mapping), "a table"
        elif key in _LISTS:
            good, kind = isinstance(value, list | tuple), "a list"
        elif key == "workers":
            good = isinstance(value, int | str) and not isinstance(value, bool)
            kind = "a whole number or auto"
        elif key in _FLAGS:
            good, kind = isinstance(value, bool), "true or false"
        elif key in _INTEGERS:
            good, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif key in _NUMBERS:
            good, kind = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:
            good, kind = isinstance(value, str), "text"
        if not good:
            raise SearchError(f"`{key}` must be {kind}, but {origin} has {told(value)}.")


def _refuse_times(key: str, value: Any) -> None:
    """Refuse a date or a time, which TOML has and no setting here takes.

    Raises:
        SearchError: The value is one, or holds one.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_times(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_times(key, inner)
    elif isinstance(value, date | time):
        raise SearchError(f"`{key}` must be no date or time, but got {value.isoformat()}.")


def _fail(name: str, rule: str, value: object) -> NoReturn:
    raise SearchError(f"`{name}` must {rule}, but got {value!r}.")


def _at_least(name: str, value: Any, least: int, *, most: float = math.inf) -> None:
    if not isinstance(value, int) or not least <= value <= most:
        rule = f"at least {least}" if most == math.inf else f"from {least} to {most}"
        raise SearchError(f"`{name}` must be {rule}, but got {value}.")


def _known(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SearchError(f"`{name}` must be one of {', '.join(known)}, but got {value!r}.")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else json.dumps(name)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return json.dumps(value)
