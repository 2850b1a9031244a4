"""A trial's model as something that MLflow loads and serves, without a pickle in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tracking.records import ModelFolder
from tracking.runs.quiet import quiet

LOADER_MODULE = "trialbook_serving"
"""Name of the loader inside a logged model: no folder of a user's is likely to shadow it."""

_REQUIRED = ("keras", "tensorflow", "numpy", "pandas")


def requirements() -> list[str]:
    """The packages that a model needs, pinned to what is installed here.

    Given explicitly because MLflow otherwise finds out by loading the model in a new process,
    which takes six seconds a trial.
    """
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("mlflow", *_REQUIRED):
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found


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
        place: Among the run's models, 0 for the first.

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
        with TemporaryDirectory(prefix="trialbook-model-") as folder:
            saved = _save(Path(folder), model, loader, run_id=run_id, model_id=model_id)
            client.log_model_artifacts(model_id, str(saved))
    except BaseException:
        client.finalize_logged_model(model_id, "FAILED")
        raise
    client.finalize_logged_model(model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=place)])
    return model_id


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
    from mlflow.types import ColSpec, Schema

    ids = [ColSpec(model.user_id_type, "user"), ColSpec(model.movie_id_type, "movie")]
    return ModelSignature(inputs=Schema(ids), outputs=Schema([ColSpec("double", "score")]))
