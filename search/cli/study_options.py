"""Makes options of `trialbook search` from the declarations of a study's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any

import click

from search.cli.common import ENVIRONMENT, warned
from search.cli.help import OTHERS, option
from search.config.keys import key_of, types_of
from search.config.rules import OneOf
from search.config.sections import heading_of
from search.config.study import StudyConfig

_TYPES: dict[tuple[type, ...], Any] = {(int,): int, (float,): float}


def study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add to a command the options that set a study's settings, in the order of the settings.

    The defaults that `--help` shows are those of the default study.
    """
    for each in reversed(options_of(StudyConfig, StudyConfig.default())):
        command = each(command)
    return command


def some_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a decorator that adds the options of some settings to a command.

    Args:
        names: The settings.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        kinds = types_of(StudyConfig)
        for setting in fields(StudyConfig):
            if setting.name in names:
                command = _option(setting, kinds[setting.name])(command)
        return command

    return add


def options_of(
    settings: type[StudyConfig], defaults: StudyConfig | None = None
) -> list[Callable[[Callable[..., Any]], Any]]:
    """Click's decorators, one for each setting whose declaration has a line of help.

    Args:
        settings: Declares the settings.
        defaults: The study whose values are shown as defaults; None to show none.
    """
    kinds = types_of(settings)
    with_help = [setting for setting in fields(settings) if key_of(setting).help]
    return [_option(setting, kinds[setting.name], defaults) for setting in with_help]


def option_name(setting: Field[Any]) -> str:
    """The option that sets a setting: `--max-memory`, or `--recipes/--no-recipes`."""
    return key_of(setting).option or f"--{setting.name.replace('_', '-')}"


def _option(
    setting: Field[Any], kinds: tuple[type, ...], defaults: StudyConfig | None = None
) -> Callable[[Callable[..., Any]], Any]:
    declared, name = key_of(setting), option_name(setting)
    names = [name] if "/" in name else [name, setting.name]
    more: dict[str, Any] = {"help": declared.help, "default": None}
    more["group"] = heading_of(setting.name) or OTHERS
    if defaults is not None:
        more["shown"] = _in_words(getattr(defaults, setting.name), declared.shown)
    if setting.name in ENVIRONMENT:
        more |= {"envvar": ENVIRONMENT[setting.name], "callback": warned}
        if declared.shown:
            more["shown"] = f"{ENVIRONMENT[setting.name]}, else {declared.shown}"
    if declared.metavar:
        more["metavar"] = declared.metavar
    if declared.parse is not None:
        # A table is filled piece by piece.
        more |= {"callback": _parsed(declared.parse), "multiple": kinds == (Mapping,)}
    elif isinstance(declared.rule, OneOf):
        more["type"] = click.Choice(declared.rule.known)
    elif kinds in _TYPES:
        more["type"] = _TYPES[kinds]
    return option(*names, **more)


def _in_words(value: Any, shown: str | None) -> str | None:
    """A default as `--help` shows it; None where nothing is set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown if value in (None, (), {}) else str(value)


def _parsed(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    """Make a Click callback that parses an option's text; None stands for an option not given."""

    def callback(context: click.Context, parameter: click.Parameter, given: Any) -> Any:
        if given is None or given == ():
            return None
        try:
            return parse(given)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback
