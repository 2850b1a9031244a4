"""Declares a setting of a study in one place: its default, its rule, its command-line option."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from models.checks import refuse
from search.config.rules import Rule, check
from search.config.toml import refuse_alien
from search.errors import SearchError

_META = "trialbook"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """The help text, rule and command-line option of a setting, kept beside its dataclass field.

    Attributes:
        help: One line for `trialbook search --help`; empty where no option sets it.
        rule: What a value must be; None where its type says all. A default of None is not checked.
        option: The command line's option; None for the setting's name with dashes.
        called: What a message calls the setting; None for its name.
        parse: Converts the command line's text to a value; None where Click does so by the type.
        metavar: What stands for the value in `--help`; None for Click's word for the type.
        is_free: Whether the setting may change when an existing study is run again.
        shown: What holds in place of a default of None, in words for `--help`.
    """

    help: str = ""
    rule: Rule | None = None
    option: str | None = None
    called: str | None = None
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    is_free: bool = False
    shown: str | None = None


def key(default: Any, help: str = "", rule: Rule | None = None, **more: Any) -> Any:
    """Declare a setting: a dataclass field with a default and the attributes of a `Key`.

    A default that is a dict is copied for each study.
    """
    metadata = {_META: Key(help=help, rule=rule, **more)}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def key_of(setting: Field[Any]) -> Key:
    """The `Key` that a setting was declared with."""
    return cast("Key", setting.metadata.get(_META, Key()))


def check_rules(settings: Any) -> None:
    """Refuse the first setting whose value breaks its rule, or is not of its type.

    Args:
        settings: A dataclass whose fields are declared with `key`.

    Raises:
        SearchError: "`name` must RULE, but got VALUE."
    """
    known = types_of(type(settings))
    for setting in fields(settings):
        declared, value = key_of(setting), getattr(settings, setting.name)
        if value is None and setting.default is None:
            continue
        called = declared.called or setting.name
        if declared.rule is not None:
            check(called, value, declared.rule)
        refuse_alien(called, value)
        kinds = known[setting.name]
        if not all(isinstance(kind, type) for kind in kinds):  # `Any` takes everything
            continue
        good, words = fits(value, kinds)
        if not good:
            own = " of Python's own, not of NumPy" if hasattr(value, "item") else ""
            refuse(called, f"be {words}{own}", value, error=SearchError)


_TYPES: dict[type, dict[str, tuple[type, ...]]] = {}


def types_of(settings: type) -> dict[str, tuple[type, ...]]:
    """The types of each setting by name, without None; `Sequence[str]` counts as `Sequence`.

    Example:
        >>> @dataclass
        ... class Settings:
        ...     trials: "int | None" = None
        >>> types_of(Settings)
        {'trials': (<class 'int'>,)}
    """
    if settings not in _TYPES:
        hints = get_type_hints(settings)
        _TYPES[settings] = {
            setting.name: _plain(hints[setting.name]) for setting in fields(settings)
        }
    return _TYPES[settings]


def _plain(hint: Any) -> tuple[type, ...]:
    if get_origin(hint) in (Union, types.UnionType):
        plain = [each for option in get_args(hint) for each in _plain(option)]
        return tuple(each for each in plain if each is not type(None))
    return (get_origin(hint) or hint,)


_WORDS: dict[tuple[type, ...], str] = {
    (bool,): "true or false",
    (int,): "a whole number",
    (float,): "a number",
    (str,): "text",
}
_CONTAINERS: tuple[tuple[type, Any, str], ...] = (
    (Mapping, Mapping, "a table"),
    (Sequence, (list, tuple), "a list"),
)


def fits(value: Any, kinds: tuple[type, ...]) -> tuple[bool, str]:
    """Check whether a value is of a setting's type, and name that type in words.

    Args:
        value: From a file or a command line, not None.
        kinds: As `types_of` gives them.

    Example:
        >>> fits(3, (float,)), fits(True, (int,))
        ((True, 'a number'), (False, 'a whole number'))
    """
    for kind, taken, words in _CONTAINERS:
        if kinds == (kind,):
            return isinstance(value, taken), words
    if kinds == (bool,):
        return isinstance(value, bool), _WORDS[kinds]
    taken = (int, float) if float in kinds else kinds
    words = " or ".join(_WORDS.get((kind,), kind.__name__) for kind in kinds)
    return isinstance(value, taken) and not isinstance(value, bool), words
