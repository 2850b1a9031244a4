"""Makes a Keras model of a network that was trained without Keras, and saves it as a folder."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from models.alone.files import Kept, read_weights, remove_weights
from models.alone.training import Network
from models.builder import build_model
from models.compiled.plan import plan_of
from models.compiled.weights import put_back, tensors
from models.errors import ModelsError
from models.layer_summary import format_layer_table
from models.saving import save_network

_OF_RANGE, _OF_SCORE = 1e-4, 1e-5


def rebuild(network: Network) -> keras.Model:
    """Build the Keras model of a network, and put its weights in.

    Args:
        network: Trained without Keras.

    Returns:
        The model, not compiled: as `models.build_for` builds it, with the network's weights.

    Raises:
        ModelsError: The weights are not as many as the network needs.

    Example:
        >>> from models.alone import refit_alone
        >>> network = refit_alone(split, RECIPE, 2, threads=1)
        >>> kernel = rebuild(network).get_layer("score").kernel.numpy()
        >>> kernel[0] in network.weights
        True
    """
    origin, plan = network.origin, plan_of(network.origin)
    if network.weights.shape != (plan.size,):
        raise ModelsError(
            f"The network needs an array of {plan.size:,} weights, but got one of shape "
            f"{network.weights.shape}."
        )
    model = build_model(
        origin.config,
        origin,
        train_mean=network.train_mean,
        score_range=origin.score_range,
        seed=network.seed,
    )
    put_back(model, tensors(plan, origin.config), network.weights)
    return model


def save_kept(folder: Path, name: str = "model") -> keras.Model:
    """Make the Keras model of what was written, check it, and save it as a model folder.

    What `write_weights` wrote is removed in the end; until then the call can be repeated.

    Args:
        folder: The trial's: its `layers.txt` gets the table of the layers.
        name: The model's folder in it, which `write_weights` was given. In the end it holds what
            `models.save_ratings_model` writes.

    Returns:
        The model.

    Raises:
        ModelsError: There is nothing to be read, or the model predicts other scores than the
            network that was trained.

    Example:
        >>> from models.alone import refit_alone, write_weights
        >>> network = refit_alone(split, RECIPE, 2, threads=1)
        >>> write_weights(folder / "model", network, split)
        >>> model = save_kept(folder)
        >>> sorted(path.name for path in (folder / "model").iterdir())
        ['manifest.json', 'model.keras', 'movies.json', 'users.json']
    """
    kept = read_weights(folder / name)
    model = rebuild(kept.network)
    check(model, kept)
    (folder / "layers.txt").write_text(format_layer_table(model) + "\n", encoding="utf-8")
    save_network(model, folder / name)
    remove_weights(folder / name)
    return model


def check(model: keras.Model, kept: Kept) -> None:
    """Hold a model's predictions against those of the network that was trained.

    They may differ by 1e-4 of the range of the scores, or by 1e-5 of a prediction where that is
    more: a linear output may lie far from the range.

    Args:
        model: Rebuilt.
        kept: What was written, with the predictions.

    Raises:
        ModelsError: They differ by more.
    """
    codes = [kept.movies.reshape(-1, 1), kept.users.reshape(-1, 1)]
    found = np.asarray(model(codes, training=False), np.float64).reshape(-1)
    wanted = kept.predictions.astype(np.float64)
    low, high = kept.network.origin.score_range or (0.0, 1.0)
    most = np.maximum(_OF_RANGE * ((high - low) or 1.0), _OF_SCORE * np.abs(wanted))
    apart = ~(np.abs(found - wanted) <= most)  # so that NaN is apart too
    if apart.any():
        row = int(np.argmax(apart))
        raise ModelsError(
            f"The rebuilt model must predict what the trained network does, but {apart.sum():,} of "
            f"{len(wanted):,} predictions differ: {found[row]:.6g} instead of {wanted[row]:.6g}."
        )
