"""Whether the two stores of a home tell the same, found without Trialbook's own comparison.

    python tests/support/stores.py disagreements '{"home": ..., "study": ..., "target": 12}'

A process of its own has nothing open of databases that are damaged or lost meanwhile.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tracking import Store, with_driver


def disagreements(
    home: Path,
    study: str,
    target: int,
    *,
    models: bool = False,
    recipes: int = 0,
    storage: str | None = None,
    record: str | None = None,
) -> list[str]:
    """List what is wrong with a study that has ended, in words; empty where nothing is.

    Args:
        home: The home.
        study: Name of the study.
        target: How many finished trials it must have.
        models: Whether each complete trial must have a model.
        recipes: How many recipes the study must have tried or queued.
        storage, record: Addresses of Optuna's database and of MLflow's; None for files of the home.
    """
    address = f"sqlite:///{home}/optuna.db" if storage is None else with_driver(storage)
    trials = optuna.load_study(study_name=study, storage=address).trials
    client = Store(home, record).client()
    runs = _runs(client, study)
    by_number, found = _of_trials(runs)
    finished = [t for t in trials if _is_finished(t)]
    if len(finished) != target:
        found.append(f"{len(finished)} finished trials of {target}")
    found += [f"trial {t.number} still runs" for t in trials if t.state == TrialState.RUNNING]
    found += _slots(trials, target)
    found += lost_configurations(trials)
    first = [trial for trial in trials if "trialbook:retry_of" not in trial.user_attrs]
    tried = sum("trialbook:recipe" in trial.user_attrs for trial in first)
    if tried != recipes:
        found.append(f"{tried} recipes of {recipes}")
    for trial in trials:
        if trial.state.is_finished():
            found += _of_trial(trial, by_number.pop(trial.number, []), client, models=models)
    found += [f"a run of trial {number}, which is not there" for number in by_number]
    return [*found, *left_in_the_spool(home)]


def left_in_the_spool(home: Path) -> list[str]:
    """List what still waits for MLflow in a home, in words."""
    return [f"{path} is left" for path in sorted((home / "spool").glob("*"))]


def _is_finished(trial: FrozenTrial) -> bool:
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        return True
    return trial.state == TrialState.FAIL and _outcome(trial).get("state") == "failed"


def _outcome(trial: FrozenTrial) -> dict[str, Any]:
    return dict(trial.user_attrs.get("trialbook:outcome") or {})


def _slots(trials: list[FrozenTrial], target: int) -> list[str]:
    """Every place in the study has one trial that came to its end: no configuration is lost."""
    taken = sorted(t.user_attrs["trialbook:slot"] for t in trials if _is_finished(t))
    return [] if taken == list(range(target)) else [f"the slots of finished trials are {taken}"]


def _of_trials(runs: list[Any]) -> tuple[dict[int, list[Any]], list[str]]:
    """Sort runs by the number of their trial; tell what is wrong with the study's own one."""
    by_number: dict[int, list[Any]] = {}
    parents = []
    for run in runs:
        number = run.data.tags.get("trialbook.number")
        if number is None:
            parents.append(run)
        else:
            by_number.setdefault(int(number), []).append(run)
    found = [f"{len(parents)} runs of the study"] if len(parents) != 1 else []
    found += [f"the study's run is {p.info.status}" for p in parents if p.info.status != "FINISHED"]
    return by_number, found


def _runs(client: Any, study: str) -> list[Any]:
    """The runs of a study; none where MLflow does not know the study yet."""
    experiment = client.get_experiment_by_name(study)
    runs, token = [], None
    while experiment is not None:
        more = client.search_runs([experiment.experiment_id], max_results=1000, page_token=token)
        runs += more
        token = more.token
        if not token:
            break
    return runs


def recorded(home: Path, study: str) -> dict[str, dict[str, float]]:
    """Read what MLflow holds of a study: the metrics of each run, by its identifier.

    Args:
        home: The home, whose record is a file.
        study: Name of the study.
    """
    runs = _runs(Store(home).client(), study)
    return {run.info.run_id: dict(run.data.metrics) for run in runs}


def lost_configurations(trials: Sequence[FrozenTrial]) -> list[str]:
    """What was asked for and came to nothing: killed trials without another that tries the same.

    Each killed trial is followed through its retries to one that is finished or queued.

    Args:
        trials: All trials of a study at rest.
    """
    found = []
    by_retried: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if (number := trial.user_attrs.get("trialbook:retry_of")) is not None:
            by_retried.setdefault(number, []).append(trial)
    for killed in trials:
        if killed.state != TrialState.FAIL or _is_finished(killed):
            continue
        last = killed
        while not _is_finished(last) and last.state != TrialState.WAITING:
            retries = by_retried.get(last.number, [])
            if len(retries) != 1:
                found.append(f"trial {last.number} (killed) is tried again {len(retries)} times")
                break
            last = retries[0]
        else:
            found += _differs(killed, last)
    return found


def _differs(killed: FrozenTrial, last: FrozenTrial) -> list[str]:
    """What a trial that stands for a killed one has otherwise than that."""
    pair = f"trial {killed.number} (killed) and trial {last.number}, which stands for it, differ in"
    wanted, has = ({**t.system_attrs.get("fixed_params", {}), **t.params} for t in (killed, last))
    found = [
        f"{pair} {name}: {value!r} and {has.get(name)!r}"
        for name, value in wanted.items()
        if has.get(name) != value
    ]
    asked = {key: killed.user_attrs.get(f"trialbook:{key}") for key in ("recipe", "wanted", "slot")}
    found += [
        f"{pair} {key}"
        for key, value in asked.items()
        if last.user_attrs.get(f"trialbook:{key}") != value
        if not (key == "slot" and value is None)  # a trial knows its place once it is proposed
    ]
    return found


def _of_trial(trial: FrozenTrial, runs: list[Any], client: Any, *, models: bool) -> list[str]:
    number = trial.number
    if not _is_finished(trial):
        twice = [f"trial {number} (killed) has {len(runs)} runs"] if len(runs) > 1 else []
        goes_on = [r for r in runs if r.info.status == "RUNNING"]
        return [*twice, *(f"trial {number} (killed) goes on" for _ in goes_on)]
    if len(runs) != 1:
        return [f"trial {number} has {len(runs)} runs"]
    (run,) = runs
    found = []
    wanted = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}[trial.state.name]
    if run.info.status != wanted:
        found.append(f"trial {number} ({trial.state.name}) has a run that is {run.info.status}")
    wished = {key: str(v) for key, v in trial.user_attrs["trialbook:plan"]["values"].items()}
    found += [
        f"trial {number}: {key} is {value} in Optuna and {run.data.params.get(key)} in MLflow"
        for key, value in wished.items()
        if run.data.params.get(key) != value
    ]
    if not (run.inputs and run.inputs.dataset_inputs):
        found.append(f"trial {number} lacks its dataset")
    if trial.user_attrs.get("trialbook:run") != run.info.run_id:
        found.append(f"trial {number} does not name its run")
    value, logged = _outcome(trial).get("value"), run.data.metrics.get("best_val_rmse")
    if value is not None and not (logged is not None and math.isclose(value, logged)):
        found.append(f"trial {number} is {value} in Optuna and {logged} in MLflow")
    curve = {epoch: metrics["val_rmse"] for epoch, _, metrics in _outcome(trial)["curve"]}
    points = client.get_metric_history(run.info.run_id, "val_rmse")
    history = {point.step: point.value for point in points if point.step}
    if curve.keys() != history.keys() or any(
        not math.isclose(curve[epoch], history[epoch]) for epoch in curve
    ):
        found.append(f"trial {number} has the epochs {curve} and in its run {history}")
    if models and trial.state == TrialState.COMPLETE and not _has_model(run, client):
        found.append(f"trial {number} has no model")
    return found


def _has_model(run: Any, client: Any) -> bool:
    outputs = run.outputs.model_outputs if run.outputs else []
    for output in outputs:
        files = client.list_logged_model_artifacts(output.model_id)
        if any(file.path == "MLmodel" for file in files):
            return True
    return False


if __name__ == "__main__":
    asked = {"disagreements": disagreements, "recorded": recorded}[sys.argv[1]]
    given = json.loads(sys.argv[2])
    print(json.dumps(asked(Path(given.pop("home")), **given)))
