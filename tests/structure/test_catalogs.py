"""What every sampler, pruner, command, model family, reader and goal must have.

Whoever adds one begins by naming it; these tests then fail until the rest is there. CONTRIBUTING.md
says in which order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import keras_tuner
import numpy as np
import optuna
import pytest
from quickly import cases

from models import ModelConfig, build_model
from models.config import FAMILIES
from models.data import Vocabulary
from search.cli.main import _COMMANDS, cli
from search.config.goals import GOALS
from search.config.options import PRUNERS, SAMPLERS
from search.pruners.factory import _BY_SHAPE, _ByShape, make_pruner
from search.pruners.peers import peers_of
from search.samplers.factory import make_sampler
from search.space.configurations import read_configurations
from search.space.distributions import SpaceAdapter
from search.space.parameters import Parameter
from search.space.ratings import read
from search.space.recipes import RECIPES
from search.storage.internals import frozen
from search.storage.new_attributes import attributes_of_queued

ROOT = Path(__file__).parent.parent.parent

SPACE = (  # numbers with steps and no conditions: what every sampler can serve
    Parameter(name="rate", kind="Float", default=0.0, low=0.0, high=0.5, step=0.05),
    Parameter(name="width", kind="Int", default=8, low=4, high=64, step=4),
)


def _page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _first_cells(page: str, header: str) -> set[str]:
    """What stands in backticks in the first column of the table with that header."""
    found = re.search(rf"^\| {header} \|.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert found, f"There is no table with the first column `{header}`."
    cells = [line.split("|")[1] for line in found[1].splitlines()]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


# Samplers.


def _proposals(name: str, trials: int = 9) -> list[dict[str, Any]]:
    sampler = make_sampler(name, 3, space=SPACE, trials=trials)
    study, adapter, proposed = optuna.create_study(sampler=sampler), SpaceAdapter(SPACE), []
    queued = attributes_of_queued(slot=0)
    study.enqueue_trial(adapter.encode(adapter.defaults()), user_attrs=queued)
    for number in range(trials):
        trial = study.ask()
        proposed.append(adapter.sample(trial))
        study.tell(trial, float(number % 4))
    return proposed


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_stays_in_the_space_and_repeats_itself(name: str) -> None:
    if name == "gp":
        pytest.importorskip("torch")
    first, again = _proposals(name), _proposals(name)
    assert first == again, "Seed all that it draws with the seed that `make_sampler` hands it."
    for point in first:
        assert all(parameter.holds(point[parameter.name]) for parameter in SPACE), point
    assert len({str(point) for point in first}) > 2


def test_every_sampler_is_on_the_page() -> None:
    assert _first_cells(_page("docs/search.md"), "sampler") == set(SAMPLERS)


# Pruners.

_NEEDED: dict[str, dict[str, Any]] = {"threshold": {"upper": 3.0}}
_EPOCHS = 30


def _pruner(name: str) -> optuna.pruners.BasePruner:
    return make_pruner(name, epochs=_EPOCHS, options=_NEEDED.get(name))


def _trained(study: optuna.Study, curve: Sequence[float]) -> bool:
    """Whether a trial with that curve comes to its last epoch; told as a study tells it."""
    trial = study.ask()
    seen = frozen(trial)
    for epoch, value in enumerate(curve, 1):
        trial.report(value, epoch)
        seen.intermediate_values[epoch] = value
        if study.pruner.prune(peers_of(study, seen, lambda other: True), seen):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return False
    study.tell(trial, curve[-1])
    return True


@pytest.mark.parametrize("name", cases([n for n in PRUNERS if n != "wilcoxon"], ["wilcoxon"]))
def test_every_pruner_ends_the_hopeless_and_spares_the_best(name: str) -> None:
    study = optuna.create_study(pruner=_pruner(name))
    for number in range(5):
        best = [1 - 0.01 * number - 0.02 * epoch for epoch in range(_EPOCHS)]
        assert _trained(study, best), "A trial that is ahead of all before it goes on."
    hopeless = [_trained(study, [5.0] * _EPOCHS) for _ in range(4)]
    assert all(hopeless) if name == "none" else not all(hopeless)


def test_every_pruner_is_one_of_its_own() -> None:
    """`make_pruner` must know each name; none may fall through to another's pruner."""
    made = {name: _pruner(name) for name in PRUNERS}
    kinds = {n: type(p._full if isinstance(p, _ByShape) else p) for n, p in made.items()}
    assert len(set(kinds.values())) == len(PRUNERS), kinds


def test_every_pruner_that_judges_by_shape_is_made_by_shape() -> None:
    assert {name for name, kind in PRUNERS.items() if kind.by_shape} == set(_BY_SHAPE)


@pytest.mark.parametrize("name", PRUNERS)
def test_the_first_step_of_a_pruner_is_an_option_of_it(name: str) -> None:
    assert name == "none" or PRUNERS[name].first in PRUNERS[name].options


def test_every_pruner_is_on_the_page() -> None:
    assert _first_cells(_page("docs/search.md"), "pruner") == set(PRUNERS)


# Commands.

_NO_STUDY = {
    "data inspect": "It reads ratings, which belong to no study.",
    "data fetch": "It puts ratings into the user's cache folder.",
    "baseline": "It prints what is published.",
}
"""Commands that neither read nor write a study: no addresses, no home; each with why."""


def test_every_module_of_a_command_is_a_command() -> None:
    modules = {path.stem for path in (ROOT / "search/cli/commands").glob("*.py")} - {"__init__"}
    named = {path.removeprefix("search.cli.commands.") for path in _COMMANDS.values()}
    assert named == modules, "Name each module of search/cli/commands in search/cli/main.py."


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_has_json_and_addresses_and_is_on_a_page(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    group = isinstance(command, click.Group)
    for each in command.commands.values() if group else [command]:
        options = {option for p in each.params for option in p.opts}
        assert "--json" in options, f"Give {each.name} `@json_option`."
        words = f"{name} {each.name}" if group else name
        addresses = {"--tracking-uri", "--storage"} & options
        if words in _NO_STUDY:
            places = addresses | ({"--home"} & options)
            assert not places, f"Take {places} from `{words}`, or take it out of `_NO_STUDY`."
        else:
            assert "--home" in options, f"Give {each.name} `@home_option`."
            assert len(addresses) == 2, (
                f"Give `{words}` `@store_options`, or say why it needs none."
            )
    pages = [_page("README.md"), *(p.read_text(encoding="utf-8") for p in ROOT.glob("docs/*.md"))]
    assert any(f"trialbook {name}" in page for page in pages), f"Say what `{name}` does."


def test_every_parameter_of_a_command_is_used() -> None:
    """An option that its function never looks at promises what does not happen."""
    unused = []
    for path in sorted((ROOT / "search/cli/commands").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef) or not function.decorator_list:
                continue
            given = [*function.args.args, *function.args.kwonlyargs, function.args.kwarg]
            inner = [node for line in function.body for node in ast.walk(line)]
            used = {node.id for node in inner if isinstance(node, ast.Name)}
            unused += [f"{path.name}: {a.arg}" for a in given if a and a.arg not in used]
    assert not unused, f"Use them, or take the options away: {unused}"


# Model families.


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_built_and_predicts_a_score_a_row(family: str) -> None:
    layers: dict[str, Any] = {} if family == "mlp" else {"units": (4,), "dropout": (0.0,)}
    config = ModelConfig(family=family, embedding_size=3, **layers)
    model = build_model(config, Vocabulary(np.arange(5), np.arange(6)))
    rows = [np.zeros((2, 1), "int32"), np.zeros((2, 1), "int32")]
    assert np.asarray(model(rows)).shape == (2, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_space_reads_every_family(family: str) -> None:
    assert read(keras_tuner.HyperParameters(), {"family": family})[0].family == family


def test_every_family_is_on_the_page_and_has_a_recipe() -> None:
    assert _first_cells(_page("docs/search.md"), "`family`") == set(FAMILIES)
    assert {values["family"] for values in read_configurations(RECIPES)} == set(FAMILIES)


# Readers of files.


def test_every_reader_is_asked_by_the_one_that_recognises_files() -> None:
    folder = ROOT / "models/data/readers"
    readers = set()
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        readers |= {name for name in names if name == f"read_{path.stem}"} - {"read_file"}
    tree = ast.parse((folder / "file.py").read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert readers
    assert readers <= used, f"Call them in {folder.name}/file.py: {sorted(readers - used)}"


# Goals.


@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_is_on_the_pages(goal: str) -> None:
    figures = _first_cells(_page("docs/record.md"), "metric")
    assert GOALS[goal] in figures, f"Say in docs/record.md what {GOALS[goal]} is."
    goals = next(line for line in _page("docs/search.md").splitlines() if "--objectives" in line)
    assert f"`{goal}`" in goals or goal in goals, f"Name {goal} beside `--objectives`."
