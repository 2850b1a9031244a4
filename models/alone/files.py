"""Files from which another process makes a Keras model: plain arrays and JSON, no pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.alone.training import Network
from models.compiled.origin import Origin
from models.compiled.row_plan import first_rows
from models.config import ModelConfig
from models.data import Split
from models.data.vocabulary import write_ids
from models.errors import ModelsError

_NETWORK, _WEIGHTS = "network.json", "weights.npz"
_CHECKED_ROWS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Kept:
    """A network as it was written, with some of its own predictions.

    Attributes:
        network: The network.
        movies: Movie codes of the predicted rows, int32, `[row]`.
        users: User codes of the predicted rows, int32, `[row]`.
        predictions: What the network predicted for them, float32, `[row]`.
    """

    network: Network
    movies: NDArray[np.int32]
    users: NDArray[np.int32]
    predictions: NDArray[np.float32]


def write_weights(folder: Path, network: Network, split: Split) -> None:
    """Write what `models.alone.rebuilding.save_kept` makes a model folder of.

    Args:
        folder: The model's; made when missing. It gets the ids as a model folder has them, and
            files that `save_kept` removes: weights, what the network is, and its predictions for
            the first 1,000 validation rows.
        network: Trained.
        split: What it was trained on.

    Example:
        >>> from models.alone import refit_alone
        >>> write_weights(folder, refit_alone(split, RECIPE, 2, threads=1), split)
        >>> sorted(path.name for path in folder.iterdir())
        ['movies.json', 'network.json', 'users.json', 'weights.npz']
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_ids(split.vocabulary, folder)
    rows = first_rows(split.valid, _CHECKED_ROWS)
    np.savez(
        folder / _WEIGHTS,
        weights=network.weights,
        movies=rows.movies,
        users=rows.users,
        predictions=network.predict(rows, threads=1),
    )
    told = {
        "origin": asdict(network.origin),
        "train_mean": network.train_mean,
        "seed": network.seed,
    }
    # Last, so that where it is all of it is there.
    (folder / _NETWORK).write_text(json.dumps(told), encoding="utf-8")


def read_weights(folder: Path) -> Kept:
    """Read what `write_weights` wrote.

    Args:
        folder: The model's.

    Raises:
        ModelsError: It is not there, or cannot be read.
    """
    try:
        told = json.loads((folder / _NETWORK).read_text(encoding="utf-8"))
        with (
            (folder / _WEIGHTS).open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            network = Network(
                origin=_origin(told["origin"]),
                weights=arrays["weights"],
                train_mean=told["train_mean"],
                seed=told["seed"],
            )
            return Kept(
                network=network,
                **{name: arrays[name] for name in ("movies", "users", "predictions")},
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ModelsError(
            f"{folder} must hold a network that `write_weights` wrote, but it cannot be read: "
            f"{error}"
        ) from error


def is_saved(folder: Path) -> bool:
    """Whether a model was made and saved there already, and what it was made of is removed.

    Args:
        folder: The model's.
    """
    return (folder / "manifest.json").exists() and not (folder / _NETWORK).exists()


def remove_weights(folder: Path) -> None:
    """Remove what `write_weights` wrote, but the ids."""
    for name in (_NETWORK, _WEIGHTS):
        (folder / name).unlink(missing_ok=True)


def _origin(told: dict[str, Any]) -> Origin:
    """What a network is, from its JSON, where tuples are lists."""
    config: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told["config"].items()
    }
    span = told["score_range"]
    return Origin(
        config=ModelConfig(**config),
        user_rows=told["user_rows"],
        movie_rows=told["movie_rows"],
        score_range=None if span is None else (span[0], span[1]),
    )
