"""Logs, finds and deletes the models of a run; MLflow loads and serves them without a pickle."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tracking.addresses import local_folder
from tracking.records import ModelFolder
from tracking.runs.batches import LoggedModel
from tracking.runs.quiet import can_name_run, is_missing, quiet
from tracking.scratch import scratch_folder

LOADER_MODULE = "trialbook_serving"
"""Name of the loader's module in a logged model, unlikely to be shadowed by a user's folder."""

_REQUIRED = ("keras", "tensorflow", "numpy", "pandas")


def requirements() -> list[str]:
    """List the packages that a model needs, pinned to the installed versions: "keras==3.12.0".

    Without such a list MLflow finds out by loading the model in a new process, which takes six
    seconds a trial.
    """
    from importlib.metadata import PackageNotFoundError, version

    pinned = []
    for name in ("mlflow", *_REQUIRED):
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return pinned


def log_model(
    client: Any,
    *,
    experiment_id: str,
    run_id: str,
    model: ModelFolder,
    loader: Path,
    place: int = 0,
) -> str:
    """Store a model folder as an MLflow model of a run.

    Args:
        client: The store's `MlflowClient`.
        experiment_id: Experiment of the run.
        run_id: The run, still active.
        model: The folder.
        loader: A file that defines `_load_pyfunc(path)` and imports nothing of ours.
        place: Of the model among the run's models, 0 for the first.

    Returns:
        The model's identifier: `models:/<identifier>` is its address.
    """
    quiet()
    from mlflow.entities import LoggedModelOutput

    logged = client.create_logged_model(
        experiment_id, name=model.name, source_run_id=run_id, model_type=model.kind
    )
    model_id = str(logged.model_id)
    try:
        with scratch_folder("model") as folder:
            saved = _save(folder, model, loader, run_id=run_id, model_id=model_id)
            client.log_model_artifacts(model_id, str(saved))
    except BaseException:
        client.finalize_logged_model(model_id, "FAILED")
        raise
    client.finalize_logged_model(model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=place)])
    return model_id


def find_models(client: Any, run_id: str, run: Any = None) -> list[str]:
    """Find the models of a run that are not deleted.

    Args:
        client: The store's client.
        run_id: The run.
        run: The same run, where it has been read already.

    Returns:
        The models' identifiers in the order in which they were logged, the trial's own first;
        none of a run that does not exist.
    """
    if run is None and can_name_run(run_id):
        run = unless_missing(client.get_run, run_id)
    return [str(model.model_id) for model in models_of(client, run)]


def models_of(client: Any, run: Any) -> list[Any]:
    """MLflow's entities of a run's models that are not deleted, the trial's own first."""
    if run is None or not run.outputs:
        return []
    # A run goes on to name a model that is deleted.
    named = sorted(run.outputs.model_outputs, key=lambda each: each.step)
    found = (unless_missing(client.get_logged_model, str(each.model_id)) for each in named)
    return [model for model in found if model is not None]


def log_models(
    client: Any, run_id: str, models: Sequence[ModelFolder], loader: Path
) -> list[LoggedModel]:
    """Log the models of a run, but for those of the same names that it has already.

    Args:
        client: The store's client.
        run_id: The run, still active.
        models: The folders, the trial's own first.
        loader: A file that defines `_load_pyfunc(path)`.

    Returns:
        One for each folder, in the same order.
    """
    run = client.get_run(run_id)
    experiment = str(run.info.experiment_id)
    known = {str(model.name): str(model.model_id) for model in models_of(client, run)}
    logged = []
    for place, model in enumerate(models):
        identifier = known.get(model.name) or log_model(
            client,
            experiment_id=experiment,
            run_id=run_id,
            model=model,
            loader=loader,
            place=place,
        )
        logged.append(LoggedModel(identifier, model.figure))
    return logged


def drop_models(client: Any, run_id: str, *, artifacts: Path) -> None:
    """Delete the models of a run, where it has any; the rest of the run stays.

    Args:
        client: The store's client.
        run_id: The run.
        artifacts: The store's own folder: files outside of it are left alone.
    """
    for model_id in find_models(client, run_id):
        location = str(client.get_logged_model(model_id).artifact_location)
        client.delete_logged_model(model_id)
        folder = local_folder(location)
        if folder is not None and folder.is_relative_to(artifacts):
            shutil.rmtree(folder, ignore_errors=True)


def unless_missing(get: Callable[[str], Any], identifier: str) -> Any:
    """Get the run or the model with an identifier, or None where MLflow has none."""
    from mlflow.exceptions import MlflowException

    try:
        return get(identifier)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise


def _save(folder: Path, model: ModelFolder, loader: Path, *, run_id: str, model_id: str) -> Path:
    from mlflow import pyfunc
    from mlflow.models import Model

    code = folder / f"{LOADER_MODULE}.py"
    shutil.copyfile(loader, code)
    saved = folder / "saved"
    pyfunc.save_model(
        path=str(saved),
        loader_module=LOADER_MODULE,
        code_paths=[str(code)],
        data_path=str(model.path),
        pip_requirements=requirements(),
        # As an argument, a signature makes MLflow warn that there is no example beside it.
        mlflow_model=Model(run_id=run_id, model_id=model_id, signature=_signature(model)),
    )
    return saved


def _signature(model: ModelFolder) -> Any:
    if model.kind != "ratings":
        return None
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    # An id is matched as text, so that a number and its text are one: a type would refuse one of
    # them, and make user 196 of 196.5.
    ids = [ColSpec(AnyType(), "user"), ColSpec(AnyType(), "movie")]
    return ModelSignature(
        inputs=Schema(ids),
        outputs=Schema([ColSpec("double", "score")]),
        params=ParamSchema([ParamSpec("known", "boolean", False)]),
    )
