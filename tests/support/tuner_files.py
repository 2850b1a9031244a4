"""A small Keras Tuner project, file by file, as Keras Tuner 1.4 writes it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutations import json_bytes


def _trial(name: str, layers: int, rate: float, score: float) -> dict[str, Any]:
    """The content of a `trial.json`."""
    deep = {"class_name": "Parent", "config": {"name": "deep", "values": [True]}}
    return {
        "trial_id": name,
        "hyperparameters": {
            "space": [
                {
                    "class_name": "Boolean",
                    "config": {"name": "deep", "default": False, "conditions": []},
                },
                {
                    "class_name": "Int",
                    "config": {
                        "name": "layers",
                        "default": None,
                        "conditions": [deep],
                        "min_value": 1,
                        "max_value": 8,
                        "step": 1,
                        "sampling": "linear",
                    },
                },
                {
                    "class_name": "Float",
                    "config": {
                        "name": "rate",
                        "default": 0.01,
                        "conditions": [],
                        "min_value": 0.001,
                        "max_value": 0.1,
                        "step": None,
                        "sampling": "log",
                    },
                },
                {
                    "class_name": "Choice",
                    "config": {
                        "name": "kind",
                        "default": "relu",
                        "conditions": [],
                        "values": ["relu", "tanh"],
                        "ordered": False,
                    },
                },
            ],
            "values": {"deep": layers > 1, "layers": layers, "rate": rate, "kind": "tanh"},
        },
        "metrics": {
            "metrics": {
                "val_loss": {
                    "direction": "min",
                    "observations": [{"value": [score], "step": 3}],
                },
            }
        },
        "score": score,
        "best_step": 3,
        "status": "COMPLETED",
        "message": None,
    }


ORACLE = {
    "ongoing_trials": {},
    "start_order": ["0", "1"],
    "end_order": ["0", "1"],
    "tried_so_far": [],
}
TRIALS = [_trial("0", 1, 0.01, 0.5), _trial("1", 3, 0.05, 0.25)]


def files_of(oracle: Any, trials: list[Any]) -> dict[str, bytes]:
    """The files of a project by their paths in its folder."""
    named = {f"trial_{place}/trial.json": json_bytes(each) for place, each in enumerate(trials)}
    return {"oracle.json": json_bytes(oracle), **named}


def write_project(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a project into its folder, which is made."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _named(place: int, names: tuple[str, ...]) -> dict[str, Any]:
    """A trial of Keras Tuner's with a choice of each name, among its own name and another."""
    trial = copy.deepcopy(TRIALS[place % 2])
    score = 0.5 - 0.1 * place
    trial |= {"trial_id": names[place % len(names)] + str(place), "score": score}
    trial["metrics"]["metrics"]["val_loss"]["observations"][0]["value"] = [score]
    for name in names:
        choice = {"name": name, "default": name, "conditions": [], "values": [name, "other"]}
        declared = {"class_name": "Choice", "config": {**choice, "ordered": False}}
        trial["hyperparameters"]["space"].append(declared)
        trial["hyperparameters"]["values"][name] = name if place % 2 else "other"
    return trial


def write_named_project(folder: Path, names: tuple[str, ...]) -> None:
    """Write a project of four trials whose parameters and choices have the given names."""
    write_project(folder, files_of(ORACLE, [_named(place, names) for place in range(4)]))
