"""What the rooms of the three packages promise, checked over their source.

import-linter holds which room may import which (pyproject.toml). Here is what it cannot see: how
long modules and functions are, and which names of other libraries appear where. Each rule is a
function that takes a module and gives its breaches; each is tried on a source that breaks it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import optuna
import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("models", "search", "tracking")

MOST_MODULES = 20
MOST_LINES = 300
MOST_FUNCTION_LINES = 40
MOST_PARAMETERS = 6

# A module or function that may be larger, and why. Take out what is no longer needed: a test says.
_EXCEPTIONS = {
    "search/oracle/oracle.py:OptunaOracle.__init__": "Keras Tuner's oracles take these parameters",
}

# `search/storage/internals.py` was read against this version of Optuna. Before you change it: read
# what has changed in Optuna's own `storages/_rdb`, `trial/_trial.py` and `study/study.py`, run
# tests/search/storage, tests/search/samplers and tests/search/pruners, and only then change it.
INTERNALS_WERE_READ_IN = "5.0.0"


@dataclass(frozen=True)
class Module:
    """A module's place in the repository, and its source."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def is_in(self, *places: str) -> bool:
        """Whether it is one of these modules, or in one of these folders (which end in "/")."""
        return any(self.path == p or (p.endswith("/") and self.path.startswith(p)) for p in places)


def _modules() -> list[Module]:
    paths = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    return [Module(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in paths]


MODULES = _modules()
Rule = Callable[[Module], list[str]]


def _functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function with its name as Python qualifies it, those inside others too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{inside}{node.name}", node
            yield from _functions(node, f"{inside}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{inside}{node.name}.")
        else:
            yield from _functions(node, inside)


def _excepted(name: str) -> bool:
    return name in _EXCEPTIONS


# The size of things.


def crowded_folders(paths: list[str]) -> list[str]:
    counts = Counter(str(PurePosixPath(path).parent) for path in paths)
    return [
        f"{folder} may have {MOST_MODULES} modules, but has {count}: give those of one concern a "
        "folder of their own."
        for folder, count in sorted(counts.items())
        if count > MOST_MODULES
    ]


def long_module(module: Module) -> list[str]:
    lines = len(module.text.splitlines())
    if lines <= MOST_LINES or _excepted(module.path):
        return []
    return [
        f"{module.path} may have {MOST_LINES} lines, but has {lines}: take the second of its "
        "concepts out into a module named after it."
    ]


def long_functions(module: Module) -> list[str]:
    if module.is_in("search/cli/"):
        return []
    breaches = []
    for name, function in _functions(module.tree):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > MOST_FUNCTION_LINES and not _excepted(f"{module.path}:{name}"):
            breaches.append(
                f"{module.path}:{function.lineno}: {name} may have {MOST_FUNCTION_LINES} lines, "
                f"its docstring too, but has {lines}: name one of its steps and make it a function."
            )
    return breaches


def many_parameters(module: Module) -> list[str]:
    if module.is_in("search/cli/"):
        return []
    breaches = []
    for name, function in _functions(module.tree):
        given = function.args
        names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        count = len([each for each in names if each not in ("self", "cls")])
        count += (given.vararg is not None) + (given.kwarg is not None)
        if count > MOST_PARAMETERS and not _excepted(f"{module.path}:{name}"):
            breaches.append(
                f"{module.path}:{function.lineno}: {name} may take {MOST_PARAMETERS} parameters, "
                f"but takes {count}: put those that go together into a frozen dataclass."
            )
    return breaches


def missing_docstring(module: Module) -> list[str]:
    if (ast.get_docstring(module.tree) or "").strip():
        return []
    return [f"{module.path} needs a docstring: say in one sentence what the module is for."]


# What appears in one place alone.

ATTRIBUTES = (
    "search/storage/trial_attributes.py",
    "search/storage/study_attributes.py",
    "search/storage/readable.py",
)
INTERNALS = "search/storage/internals.py"
PRIVATE_TOO = (
    "search/storage/patience.py",
    "search/storage/reading/trials.py",
    "search/storage/reading/rows.py",
    "search/storage/writes/beginning.py",
    "search/storage/writes/new_study.py",
    "search/storage/writes/ends.py",
    "search/storage/writes/on_server.py",
    "search/storage/writes/statements.py",
)
VIEWS = "search/storage/views.py"
_PRIVATE = ("_storage", "_trial_id", "_cached_frozen_trial", "_get_trials", "_backend")
_OF_VIEWS = ("_storage", "_get_trials")


def stored_attributes(module: Module) -> list[str]:
    if module.is_in(*ATTRIBUTES):
        return []
    return [
        f"{module.path}:{node.lineno}: `{node.attr}` belongs in {' or '.join(ATTRIBUTES)}: write a "
        "function there that says what is stored, and call it here."
        for node in module.nodes()
        if isinstance(node, ast.Attribute) and node.attr in ("user_attrs", "set_user_attr")
    ]


def private_parts_of_optuna(module: Module) -> list[str]:
    if module.is_in(INTERNALS, *PRIVATE_TOO):
        return []
    allowed = _OF_VIEWS if module.is_in(VIEWS) else ()
    found: list[tuple[int, str]] = []
    for node in module.nodes():
        if isinstance(node, ast.Attribute) and node.attr in _PRIVATE:
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.Constant) and node.value in _PRIVATE:
            found.append((node.lineno, node.value))
        elif isinstance(node, ast.Import):
            found += [(node.lineno, each.name) for each in node.names if _is_private(each.name)]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{each.name}" for each in node.names]
            found += [(node.lineno, name) for name in names if _is_private(name)]
    return [
        f"{module.path}:{line}: `{name}` is a private part of Optuna: give {INTERNALS} a function "
        "that does what you need, and call it here."
        for line, name in found
        if name not in allowed
    ]


def _is_private(name: str) -> bool:
    return name.startswith("optuna.") and "._" in name


def written_out_tags(module: Module) -> list[str]:
    if _excepted(f"{module.path}:tag"):
        return []
    texts = _texts(module)
    tags = [
        f"{module.path}:{line}: {text!r} is a tag: name it by `tracking.tags.Tag`."
        for line, text in texts
        if text.startswith("trialbook.") and not module.is_in("tracking/tags.py")
    ]
    keys = [
        f"{module.path}:{line}: {text!r} is a key of Optuna's attributes: name it by the `Key` in "
        f"{' or '.join(ATTRIBUTES)}, whose functions read and write it."
        for line, text in texts
        if re.match(r"trialbook:(\w|$)", text) and not module.is_in(*ATTRIBUTES)
    ]
    return tags + keys


def _texts(module: Module) -> list[tuple[int, str]]:
    """Every text of the source but docstrings; of an f-string its plain parts."""
    tree = module.tree
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def listening_elsewhere(module: Module) -> list[str]:
    if module.is_in("search/executor/"):
        return []
    return [
        f"{module.path}:{node.lineno}: only search/executor listens to a child: call "
        "`search.executor.training.train` with a `Listener`."
        for node, name in _calls(module)
        # A `subprocess.Popen` has a `poll` too; it is named `process` everywhere.
        if name.split(".")[-1] == "poll" and name.split(".")[-2:-1] not in (["process"],)
    ]


def opening_elsewhere(module: Module) -> list[str]:
    breaches = []
    for node, name in _calls(module):
        last = name.split(".")[-1]
        if last == "open_storage" and not module.is_in("search/storage/"):
            breaches.append(
                f"{module.path}:{node.lineno}: only search/storage opens Optuna's storage: take "
                "the command's `Studies`, whose `storage` is opened once."
            )
        if last == "MlflowRecorder" and not module.is_in("search/storage/studies.py"):
            breaches.append(
                f"{module.path}:{node.lineno}: only search/storage/studies.py makes a recorder: "
                "ask the command's `Studies` for `recorder(config)`."
            )
    return breaches


def _calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call with what is called, as it is written: `self._supervisor.poll`."""
    for node in module.nodes():
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


RULES: list[Rule] = [
    long_module,
    long_functions,
    many_parameters,
    missing_docstring,
    stored_attributes,
    private_parts_of_optuna,
    written_out_tags,
    listening_elsewhere,
    opening_elsewhere,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    breaches = [breach for module in MODULES for breach in rule(module)]
    assert not breaches, "\n" + "\n".join(breaches)


def test_no_folder_is_crowded() -> None:
    breaches = crowded_folders([module.path for module in MODULES])
    assert not breaches, "\n" + "\n".join(breaches)


def test_every_folder_of_modules_is_a_package() -> None:
    paths = {module.path for module in MODULES}
    folders = {str(PurePosixPath(path).parent) for path in paths}
    lacking = sorted(folder for folder in folders if f"{folder}/__init__.py" not in paths)
    assert not lacking, f"Give these an __init__.py with a docstring: {', '.join(lacking)}."


def test_an_exception_that_is_no_longer_needed_is_taken_out() -> None:
    needed = dict(_EXCEPTIONS)
    _EXCEPTIONS.clear()
    try:
        told = [breach for rule in RULES for module in MODULES for breach in rule(module)]
    finally:
        _EXCEPTIONS.update(needed)
    for name in needed:
        path, _, function = name.partition(":")
        still = any(each.startswith(path) and function in each for each in told)
        assert still, f"Take {name} out of `_EXCEPTIONS`: it keeps the rules."


def test_the_pinned_optuna_is_the_one_whose_private_parts_were_read() -> None:
    pinned = re.search(r"^optuna==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned, "constraints.txt must pin Optuna, since we use private parts of it."
    assert pinned[1] == INTERNALS_WERE_READ_IN, (
        f"{INTERNALS} uses private parts of Optuna as they are in {INTERNALS_WERE_READ_IN}, but "
        f"{pinned[1]} is pinned. Read the comment at INTERNALS_WERE_READ_IN, then change it."
    )


def test_optuna_has_the_private_parts_that_are_used() -> None:
    study = optuna.create_study()
    trial = study.ask()
    assert study._storage.get_trial(trial._trial_id).number == 0
    assert trial._cached_frozen_trial.number == 0
    assert len(study._get_trials(deepcopy=False)) == 1


# Each rule can fail.

_LONG = "def long():\n" + "    pass\n" * MOST_FUNCTION_LINES
_DOC = '"""A module."""\n'
_BROKEN: list[tuple[Rule, str, str]] = [
    (long_module, "search/trial/x.py", "\n" * (MOST_LINES + 1)),
    (long_functions, "search/trial/x.py", _LONG),
    (long_functions, "search/trial/x.py", "class A:\n" + "  " + _LONG.replace("\n", "\n  ")),
    (many_parameters, "search/trial/x.py", "def f(a, b, c, d, *, e, f, g): ..."),
    (many_parameters, "search/trial/x.py", "def f(a, b, c, d, e, *args, **kwargs): ..."),
    (missing_docstring, "models/x.py", "VALUE = 1"),
    (missing_docstring, "models/x.py", '""" """'),
    (stored_attributes, "search/trial/x.py", "plan = trial.user_attrs['plan']"),
    (stored_attributes, "search/trial/x.py", "study.set_user_attr('a', 1)"),
    (stored_attributes, INTERNALS, "study.set_user_attr('a', 1)"),
    (private_parts_of_optuna, "search/trial/x.py", "study._storage.close()"),
    (private_parts_of_optuna, "search/trial/x.py", "number = trial._trial_id"),
    (private_parts_of_optuna, "search/trial/x.py", "trial._cached_frozen_trial"),
    (private_parts_of_optuna, "search/trial/x.py", "getattr(study, '_storage')"),
    (private_parts_of_optuna, "search/trial/x.py", "from optuna.storages._rdb import models"),
    (private_parts_of_optuna, "search/trial/x.py", "from optuna.storages import _rdb"),
    (private_parts_of_optuna, "search/trial/x.py", "import optuna.storages._rdb.models"),
    (private_parts_of_optuna, VIEWS, "number = trial._trial_id"),
    (written_out_tags, "search/trial/x.py", "seed = tags['trialbook.seed']"),
    (written_out_tags, "search/trial/x.py", "tag = f'trialbook.{name}'"),
    (written_out_tags, "search/trial/x.py", "key = 'trialbook:slot'"),
    (written_out_tags, "search/trial/x.py", "key = f'trialbook:{name}'"),
    (listening_elsewhere, "search/trial/x.py", "message = self._supervisor.poll(0.1)"),
    (listening_elsewhere, "search/trial/x.py", "message = child.poll(0.1)"),
    (opening_elsewhere, "search/cli/x.py", "storage = open_storage(store, None)"),
    (opening_elsewhere, "search/cli/x.py", "storage = database.open_storage(store, None)"),
    (opening_elsewhere, "search/storage/x.py", "recorder = MlflowRecorder(store)"),
    (opening_elsewhere, "search/cli/x.py", "recorder = tracking.MlflowRecorder(store)"),
]
_KEPT: list[tuple[Rule, str, str]] = [
    (long_module, "search/trial/x.py", "\n" * MOST_LINES),
    (long_functions, "search/trial/x.py", _LONG.removesuffix("    pass\n")),
    (long_functions, "search/cli/x.py", _LONG),
    (many_parameters, "search/trial/x.py", "def f(self, a, b, c, d, *, e, f): ..."),
    (missing_docstring, "models/x.py", _DOC),
    (stored_attributes, ATTRIBUTES[0], "trial.set_user_attr('a', trial.user_attrs)"),
    (stored_attributes, "search/trial/x.py", "study.enqueue_trial({}, user_attrs={})"),
    (private_parts_of_optuna, INTERNALS, "from optuna.storages._rdb import models"),
    (private_parts_of_optuna, VIEWS, "self._storage = storage"),
    (private_parts_of_optuna, "search/trial/x.py", "from optuna.storages import RDBStorage"),
    (written_out_tags, "search/trial/x.py", '"""Reads `trialbook.seed`."""'),
    (written_out_tags, "search/cli/x.py", "click.echo(f'trialbook: {line}')"),
    (written_out_tags, "tracking/tags.py", "SEED = 'trialbook.seed'"),
    (written_out_tags, ATTRIBUTES[1], "CONFIG = 'trialbook:config'"),
    (listening_elsewhere, "search/executor/training.py", "supervisor.poll(0.1)"),
    (listening_elsewhere, "search/cli/commands/ui.py", "process.poll()"),
    (opening_elsewhere, "search/storage/studies.py", "MlflowRecorder(open_storage(store))"),
]


def _named(case: object) -> str | None:
    return getattr(case, "__name__", None)


@pytest.mark.parametrize(("rule", "path", "source"), _BROKEN, ids=_named)
def test_a_source_that_breaks_the_rule_is_told(rule: Rule, path: str, source: str) -> None:
    breaches = rule(Module(path, source))
    assert len(breaches) == 1
    assert breaches[0].startswith(path)


@pytest.mark.parametrize(("rule", "path", "source"), _KEPT, ids=_named)
def test_a_source_that_keeps_the_rule_is_passed(rule: Rule, path: str, source: str) -> None:
    assert rule(Module(path, source)) == []


def test_a_crowded_folder_is_told() -> None:
    paths = [f"search/trial/m{number}.py" for number in range(MOST_MODULES)]
    assert crowded_folders(paths) == []
    assert crowded_folders([*paths, "search/trial/one_more.py", "search/trial/deep/x.py"])


def test_each_rule_was_tried() -> None:
    assert {rule for rule, _, _ in _BROKEN} == {rule for rule, _, _ in _KEPT} == set(RULES)
