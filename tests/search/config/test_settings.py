"""Settings of a study: one declaration each, from which all else follows."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from search import SearchError, StudyConfig
from search.cli.study_options import option_name, options_of
from search.config.keys import key, key_of, types_of
from search.config.rules import OneOf, Positive, Within
from search.config.sections import DataKeys, RunningKeys, SearchKeys, StoppingKeys, TrialKeys

SETTINGS = Path(__file__).parents[3] / "docs" / "settings.md"


@dataclass(frozen=True, kw_only=True)
class Wider(StudyConfig):
    """A study with two settings more: what a contributor would add to a section."""

    colour: str = key("red", "Colour of the curves.", OneOf(("red", "blue")))
    pause_s: float | None = key(None, "Pause.", Positive("seconds"), is_free=True)


def test_a_new_setting_is_one_declaration() -> None:
    config = Wider.from_dict({"colour": "blue", "pause_s": 2})
    assert (config.colour, config.pause_s) == ("blue", 2)
    assert Wider.from_dict(config.to_dict()).to_dict() == config.to_dict()
    assert 'colour = "blue"' in config.to_toml()
    assert config.identity()["colour"] == "blue"
    assert "pause_s" not in config.identity()  # free to change between two runs
    with pytest.raises(SearchError, match="`colour` must be one of red, blue, but got 'green'"):
        Wider(colour="green")
    with pytest.raises(SearchError, match="`pause_s` must be above 0 seconds, but got 0"):
        Wider(pause_s=0)
    with pytest.raises(SearchError, match="`colour` must be text, but the study has 3"):
        Wider.from_dict({"colour": 3})
    with pytest.raises(SearchError, match="`pause_s` must be a number, but the study has true"):
        Wider.from_dict({"pause_s": True})
    with pytest.raises(SearchError, match=r"known keys, but the study has `color`.*colour"):
        Wider.from_dict({"color": "red"})


def test_a_new_setting_is_an_option_of_the_command() -> None:
    @click.command()
    def command(**given: object) -> None:
        named = {name: value for name, value in given.items() if value is not None}
        click.echo(json.dumps(named))

    for option in options_of(Wider):
        command = option(command)
    runner = CliRunner()
    shown = runner.invoke(command, ["--colour", "blue", "--pause-s", "1.5", "--trials", "3"])
    assert json.loads(shown.output) == {"trials": 3, "colour": "blue", "pause_s": 1.5}
    assert "'green' is not one of 'red', 'blue'" in (
        runner.invoke(command, ["--colour", "green"]).output
    )
    assert "Colour of the curves." in runner.invoke(command, ["--help"]).output


@pytest.mark.parametrize("setting", fields(StudyConfig), ids=lambda setting: setting.name)
def test_the_reference_has_a_line_for_every_setting(setting: object) -> None:
    """`| name | option | default | what |` in docs/settings.md, the default as it is declared."""
    name = setting.name  # type: ignore[attr-defined]
    line = re.search(rf"(?m)^\| `{name}` \| (.*) \| (.*) \| (.*) \|$", SETTINGS.read_text())
    assert line, f"docs/settings.md needs a line for `{name}`"
    option, default, what = line.groups()
    if key_of(setting).help:  # type: ignore[arg-type]
        assert option == f"`{option_name(setting)}`"  # type: ignore[arg-type]
    else:
        assert option == ""
    shown = getattr(StudyConfig(workers="auto"), name)  # which tests have as 1 if they do not say
    if name != "options":
        assert default == ("" if shown in (None, (), {}) else f"`{str(shown).lower()}`")
    told = what.removesuffix(" May change later.")
    assert (told != what) == key_of(setting).is_free  # type: ignore[arg-type]
    assert told == _meanings()[name], "Write it as the section's docstring in sections.py has it."


def _meanings() -> dict[str, str]:
    """What each setting means, as the docstrings of the sections say, in one line each."""
    meanings = {}
    for section in (StoppingKeys, DataKeys, TrialKeys, SearchKeys, RunningKeys):
        attributes = (inspect.getdoc(section) or "").partition("Attributes:")[2]
        for name, text in re.findall(r"(?ms)^    (\w+): (.*?)(?=^    \w+: |\Z)", attributes):
            meanings[name] = " ".join(text.split()).replace("|", "or")
    return meanings


def test_rules_say_what_they_hold() -> None:
    assert Within(2, 5).holds(5)
    assert not Within(2, 5).holds(6)
    assert not Within(1).holds(True)
    assert not Positive().holds(float("inf"))


def test_the_types_of_settings_are_those_of_their_annotations() -> None:
    kinds = types_of(StudyConfig)
    assert kinds["trials"] == (int,)
    assert kinds["timeout_s"] == (float,)
    assert kinds["workers"] == (int, str)
    assert kinds["recipes"] == (bool,)


def test_the_compiled_trainer_is_for_rating_models_alone() -> None:
    with pytest.raises(SearchError, match=r"`trainer` compiled trains .* the model is `own:Model`"):
        StudyConfig(model="own:Model", objective="val_loss:min", trainer="compiled")
    assert StudyConfig(trainer="compiled").trainer == "compiled"


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("options", {"kind": "csv"}, "`options` must be SourceOptions, but got"),
        ("name", 5, "`name` must be text, but got 5"),
        ("data", None, "`data` must be text, but got None"),
        ("space", 3, "`space` must be a table, but got 3"),
        ("recipes", 1, "`recipes` must be true or false, but got 1"),
        ("warm_start", 3, "`warm_start` must be text, but got 3"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object, must: str) -> None:
    with pytest.raises(SearchError) as caught:
        StudyConfig(**{name: value})  # type: ignore[arg-type]
    assert must in str(caught.value)


def test_the_command_without_a_file_and_python_have_the_same_defaults() -> None:
    assert StudyConfig.default() == StudyConfig(workers="auto")
    (workers,) = (each for each in fields(StudyConfig) if each.name == "workers")
    assert workers.default == "auto"


def test_a_space_that_says_what_holds_anyway_is_no_other_study() -> None:
    plain = StudyConfig().identity()
    usual = {"patience": 15, "min_delta": 1e-4, "overfit_patience": 5}
    assert StudyConfig(space=usual).identity() == plain
    assert StudyConfig(space=usual | {"patience": 16}).identity()["space"] == {"patience": 16}
    assert StudyConfig(space={"factors": 8}).identity() != plain
