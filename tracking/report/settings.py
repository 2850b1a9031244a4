"""What was searched, and why: the settings of a study, its data, its space and its code."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tracking.figures.cost import spent
from tracking.figures.style import STATES
from tracking.records import ParameterRecord, StudyRecord
from tracking.report.markup import Html, count, duration, facts, join, number, short, table, tag
from tracking.states import QUEUED
from tracking.tags import Tag

_PARTS = (("train_rows", "train"), ("valid_rows", "validation"), ("test_rows", "test, sealed"))
_TRIVIAL = (("biases", "user and movie biases"), ("global_mean", "the global mean"))
_LIMITS = {
    "max_parameters": "weights",
    "max_seconds": "seconds of training",
    "max_memory_mb": "MB of memory",
}


def settings_of(study: StudyRecord) -> Mapping[str, Any]:
    """The settings that a study's file names; none where the record has no readable one."""
    try:
        return tomllib.loads(study.study_file)
    except tomllib.TOMLDecodeError:
        return {}


def searched(study: StudyRecord) -> Html:
    """The facts about a study, and its space as a table."""
    settings = settings_of(study)
    rows: list[tuple[str, object]] = [
        ("Purpose", _purpose(study)),
        ("Objective", _objective(study)),
        ("Goals together", ", ".join(study.goals) if len(study.goals) > 1 else ""),
        ("Model", settings.get("model", "")),
        ("Data", _data(study)),
        ("Data hash (SHA-256)", _hash(study)),
        ("Split", _split(study, settings)),
        ("A trial's value", _parts(settings)),
        ("Sampler", _with_options(settings, "sampler")),
        ("Pruner", _with_options(settings, "pruner")),
        ("Begins with", _begin(study, settings)),
        ("Budget", _budget(settings)),
        ("Trials", _states(study)),
        ("Time of all trials", duration(sum(each.seconds for each in spent(study)))),
        ("Seed", settings.get("seed", "")),
        ("Code", _code(study)),
        ("Machine", _machine(study)),
    ]
    return join([facts(rows), _space(study)])


def _objective(study: StudyRecord) -> Html:
    better = "lower" if study.minimize else "higher"
    return join([tag("code", study.objective), f" ({better} is better)"])


def _purpose(study: StudyRecord) -> str:
    """What the study looks for, and the values that are to be beaten."""
    least = "lowest" if study.minimize else "highest"
    text = f"to find the configuration with the {least} {study.objective}"
    base, profile = study.baseline, study.dataset.profile if study.dataset else {}
    fits = base is not None and not study.baseline_misfit
    bars: list[tuple[str, object]] = [("the baseline", base.value if base and fits else None)]
    bars += [(words, profile.get(f"{name}_val_rmse")) for name, words in _TRIVIAL]
    told = [f"{number(value)} of {name}" for name, value in bars if isinstance(value, float)]
    return f"{text}; to beat: {', '.join(told)}" if told else text


def _data(study: StudyRecord) -> Html | str:
    data = study.dataset
    if data is None:
        return "the model's own"
    named = ((name, data.profile.get(name)) for name in ("rows", "users", "movies"))
    counts = ", ".join(f"{n:,} {name}" for name, n in named if isinstance(n, int))
    made_up = " (synthetic: made up, not measured)" if data.synthetic else ""
    return join([tag("code", data.name), made_up, f": {counts}" if counts else ""])


def _hash(study: StudyRecord) -> Html | str:
    return "" if study.dataset is None else tag("code", study.dataset.content_hash)


def _split(study: StudyRecord, settings: Mapping[str, Any]) -> Html | str:
    profile = study.dataset.profile if study.dataset else {}
    protocol = profile.get("split") or settings.get("split") if study.dataset else None
    if not protocol:
        return ""
    sizes = ((words, profile.get(name)) for name, words in _PARTS)
    told = ", ".join(f"{words} {rows:,} rows" for words, rows in sizes if isinstance(rows, int))
    return join([tag("code", protocol), f": {told}" if told else ""])


def _parts(settings: Mapping[str, Any]) -> str:
    folds, repeats = settings.get("folds"), settings.get("repeats", 1)
    means = [f"{folds} folds of the train part"] if folds else []
    means += [f"{repeats} seeds"] if isinstance(repeats, int) and repeats > 1 else []
    return f"the mean of {' and '.join(means)}" if means else ""


def _with_options(settings: Mapping[str, Any], name: str) -> str:
    options = settings.get(f"{name}_options") or {}
    told = ", ".join(f"{key} = {short(value)}" for key, value in options.items())
    return f"{settings.get(name, '')}{f' ({told})' if told else ''}"


def _begin(study: StudyRecord, settings: Mapping[str, Any]) -> str:
    """What was tried before the sampler proposed anything, and which study it learns from."""
    parts = ["the published baseline"] if settings.get("model") == "ratings" else []
    # By the trials: a study that has recipes by its file may be too short for one.
    recipes = any(trial.is_recipe for trial in study.trials)
    parts += ["recipes chosen in advance"] if recipes else []
    earlier = settings.get("warm_start")
    parts += [f"what study {earlier} has learned"] if earlier else []
    return ", then ".join(parts)


def _budget(settings: Mapping[str, Any]) -> str:
    trials, epochs = settings.get("trials"), settings.get("epochs")
    parts = [f"{trials} trials"] if trials else []
    parts += [f"at most {epochs} epochs each"] if epochs else []
    parts += [f"{settings['timeout_s']:g} s in all"] if settings.get("timeout_s") else []
    parts += [
        f"at most {settings[name]:g} {unit}" for name, unit in _LIMITS.items() if settings.get(name)
    ]
    return ", ".join(parts)


def _states(study: StudyRecord) -> str:
    counted = Counter(str(trial.state) for trial in study.trials)
    states = [str(state) for state in (*STATES, QUEUED) if counted[state]]
    told = ", ".join(f"{counted[state]} {state}" for state in states)
    return f"{len(study.trials):,}{f': {told}' if told else ''}"


def _code(study: StudyRecord) -> str:
    """The commits and versions that trained the trials, each named once."""
    commits = dict.fromkeys(t.tags[Tag.COMMIT][:12] for t in study.trials if Tag.COMMIT in t.tags)
    versions: dict[str, dict[str, None]] = {}
    for text in dict.fromkeys(t.tags.get(Tag.VERSIONS, "") for t in study.trials):
        for name, version in _versions(text).items():
            versions.setdefault(name, {})[str(version)] = None
    pythons = dict.fromkeys(t.tags[Tag.PYTHON] for t in study.trials if Tag.PYTHON in t.tags)
    if pythons:
        versions = {"Python": pythons, **versions}
    told = [f"commit {', '.join(commits)}"] if commits else []
    told += [f"{name} {' and '.join(each)}" for name, each in versions.items()]
    return ", ".join(told)


def _versions(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _machine(study: StudyRecord) -> str:
    parts = []
    for name in (Tag.HARDWARE, Tag.OS, Tag.DEVICES):
        found = dict.fromkeys(t.tags[name] for t in study.trials if name in t.tags)
        parts += [" and ".join(found)] if found else []
    for name, words in ((Tag.WORKERS, "trials at once"), (Tag.THREADS, "threads a trial")):
        found = dict.fromkeys(t.tags[name] for t in study.trials if name in t.tags)
        parts += [f"{words}: {' and '.join(found)}"] if found else []
    return "; ".join(parts)


def _space(study: StudyRecord) -> Html | None:
    searched = [each for each in study.space if each.kind != "fixed"]
    if not study.space:
        return None
    rows = [
        (each.name, _range(each), _scale(each), short(each.default), each.when or "always")
        for each in (*searched, *(each for each in study.space if each.kind == "fixed"))
    ]
    heads = ("Parameter", "Range or choices, as declared", "Scale", "Default", "Exists when")
    return table(f"The space: {count(len(searched), 'searched parameter')}", heads, rows)


def _range(parameter: ParameterRecord) -> str:
    if not parameter.is_number:
        return ", ".join(short(value) for value in parameter.values)
    return f"{short(parameter.low)} to {short(parameter.high)}"


def _scale(parameter: ParameterRecord) -> str:
    kinds = {"choice": "choices, in this order", "boolean": "no or yes", "fixed": "fixed"}
    if parameter.kind in kinds:
        return kinds[parameter.kind]
    whole = "whole numbers, " if parameter.kind == "int" else ""
    step = ""
    if parameter.step not in (None, 1) or (parameter.step and parameter.kind != "int"):
        step = f", each {parameter.step:g} {'times' if parameter.log else 'above'} the last"
    return f"{whole}{parameter.scale}{step}"
