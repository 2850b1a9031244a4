"""A study as a user describes it: settings checked one by one and together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from models.checks import told
from models.data import SourceOptions
from search.config.goals import check_goals, with_pruner
from search.config.keys import check_rules, fits, key_of, types_of
from search.config.options import PRUNERS, SAMPLERS, check_options
from search.config.parts import check_parts
from search.config.sections import PRESETS, STOPPING, Settings
from search.config.shipped import SHIPPED
from search.config.toml import read_toml, refuse_alien, write_toml
from search.errors import SearchError
from tracking.addresses import without_password


@dataclass(frozen=True, kw_only=True)
class StudyConfig(Settings):
    """All settings of a study: what is searched, on which ratings, how and how long.

    Its settings are those of `search.config.sections`, each with its meaning and its rule.

    Example:
        >>> config = StudyConfig(name="mine", trials=20, space={"family": "gmf"})
        >>> config.override(epochs=5).epochs, config.epochs
        (5, 100)
        >>> config
        StudyConfig(name='mine', trials=20, space={'family': 'gmf'})
        >>> StudyConfig(trials=0)
        Traceback (most recent call last):
        search.errors.SearchError: `trials` must be at least 1, but got 0.
    """

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            SearchError: A value breaks its rule, or does not go with another one.
        """
        check_rules(self)
        for name, value in asdict(self.options).items():
            refuse_alien(name, value)
        check_options("sampler", self.sampler, self.sampler_options, SAMPLERS[self.sampler].options)
        check_options("pruner", self.pruner, self.pruner_options, PRUNERS[self.pruner].options)
        if self.space and self.model != "ratings":
            raise SearchError(
                f"`[space]` needs the model `ratings`, but the model is `{self.model}`. Use "
                "`--model ratings`, or take `[space]` out."
            )
        if self.model in PRESETS and self.objective != "val_rmse:min":
            raise SearchError(
                f"`objective` must be val_rmse:min for rating models, but got {self.objective!r}."
            )
        if self.trainer == "compiled" and not self.rates:
            raise SearchError(
                "`trainer` compiled trains Trialbook's own rating models alone, but the model is "
                f"`{self.model}`. Use `--trainer auto`, or leave it out."
            )
        check_parts(self)
        check_goals(self)

    def __repr__(self) -> str:
        """The settings that are not the default ones, without the passwords of addresses."""
        usual, own = vars(type(self)()), vars(self)
        shown = (f"{name}={_shown(value)}" for name, value in own.items() if value != usual[name])
        return f"{type(self).__name__}({', '.join(shown)})"

    def identity(self) -> dict[str, Any]:
        """The settings that must not change when the study is run again.

        Settings declared with `is_free`, such as `trials`, `workers` and `storage`, are left out.
        """
        free = {setting.name for setting in fields(self) if key_of(setting).is_free}
        kept = {name: value for name, value in self.to_dict().items() if name not in free}
        return kept | {"space": self.narrowed}

    @property
    def narrowed(self) -> dict[str, Any]:
        """What `space` says beyond what holds anyway: of two studies it is the same or not."""
        return {name: value for name, value in self.space.items() if STOPPING.get(name) != value}

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values for JSON.

        The options of the ratings' source stand beside the others, without those that are None.
        """
        flat = asdict(self)
        options = flat.pop("options")
        options.pop("seed")
        flat |= {key: value for key, value in options.items() if value is not None}
        plain: dict[str, Any] = json.loads(json.dumps(flat))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, origin: str = "the study") -> StudyConfig:
        """Build the settings from plain values; unknown keys are refused.

        Args:
            values: As `to_dict` gives them or a TOML file holds them.
            origin: Where they came from, for the message.

        Raises:
            SearchError: A key is unknown or a value breaks its rule.
        """
        _check_types(values, _types(cls) | _SOURCE_TYPES, origin)
        values = with_pruner(values)
        options = SourceOptions(
            **{k: v for k, v in values.items() if k in _SOURCE_TYPES},
            seed=int(values.get("seed", cls().seed)),
        )
        return cls(**{k: v for k, v in values.items() if k in _types(cls)}, options=options)

    @classmethod
    def default(cls) -> StudyConfig:
        """The study that runs if the user names no study: `search/studies/sample.toml`."""
        return cls.from_toml(SHIPPED / "sample.toml")

    @classmethod
    def from_toml(cls, path: Path) -> StudyConfig:
        """Read a study file.

        Raises:
            SearchError: There is no such file, it is not TOML, or a value breaks its rule.
        """
        return cls.from_dict({"name": path.stem} | read_toml(path), origin=str(path))

    def override(self, **changes: Any) -> StudyConfig:
        """A copy with the given values; None leaves a value as it is.

        Several goals switch the default pruner off, and no other one.

        Raises:
            SearchError: A value breaks its rule, or does not go with another one.
        """
        given = {k: v for k, v in changes.items() if v is not None}
        if self.pruner == StudyConfig.pruner:
            given = dict(with_pruner(given))
        return self.from_dict(self.to_dict() | given) if given else self

    def at(self, **changes: Any) -> StudyConfig:
        """A copy with the given settings changed; unlike in `override`, None replaces a value."""
        return replace(self, **changes)

    def to_toml(self) -> str:
        """Write the settings as the text of a study file, which `from_toml` can read again."""
        return write_toml(self.to_dict())


def _types(kind: type[StudyConfig]) -> dict[str, tuple[type, ...]]:
    """The types of a study's settings by name, without `options` (`_SOURCE_TYPES` has those)."""
    return {name: kinds for name, kinds in types_of(kind).items() if name != "options"}


_SOURCE_TYPES = {name: kinds for name, kinds in types_of(SourceOptions).items() if name != "seed"}


def _check_types(
    values: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], origin: str
) -> None:
    """Refuse an unknown key, and a value that is not of its setting's type."""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise SearchError(
            f"A study file may hold only known keys, but {origin} has `{unknown[0]}`. "
            f"Known: {', '.join(sorted(known))}."
        )
    for name, value in values.items():
        if value is None:
            continue
        refuse_alien(name, value)
        good, words = fits(value, known[name])
        if not good:
            raise SearchError(f"`{name}` must be {words}, but {origin} has {told(value)}.")


def _shown(value: Any) -> str:
    return repr(without_password(value) if isinstance(value, str) else value)
