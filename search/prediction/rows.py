"""Predicts the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.readers.columns import find_column
from search.errors import SearchError, in_one_line
from search.prediction.table import PREDICTION, Table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from models.serving import KerasPredictor, RatingPredictor


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """A table with its predictions.

    Attributes:
        table: The table, with the column `prediction`, or `prediction_1` and so on where a model of
            the user's own has several outputs.
        unknown_users: Rows whose user the model does not know.
        unknown_movies: Rows whose movie the model does not know.
        unknown_rows: Rows of which it does not know one of the two.
    """

    table: Table
    unknown_users: int = 0
    unknown_movies: int = 0
    unknown_rows: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Columns of ids that a user names; None for the usual names.

    Attributes:
        user: Name of the user column.
        movie: Name of the movie column.
    """

    user: str | None = None
    movie: str | None = None


def predict_rows(
    predictor: RatingPredictor | KerasPredictor, table: Table, names: Names
) -> Predicted:
    """Predict the rows of a table; an unknown id gets what the model keeps for the unknown.

    Args:
        predictor: A model of ratings, which is given the columns of users and of movies; or a
            user's own, which is given all columns, in their order, as one array of numbers.
        table: The rows.
        names: Columns of ids that are not named as usual.

    Raises:
        SearchError: The table has no such columns, or others than the model takes.
        ModelsError: A column is missing.
    """
    taken = [name for name in table.frame if str(name).split("_")[0] == PREDICTION]
    if taken:
        raise SearchError(
            f"`--input` must have no column {taken[0]}, since that is added, but {table.name} has "
            "one. Rename it."
        )
    from models.serving import RatingPredictor

    if not isinstance(predictor, RatingPredictor):
        return _of_own(predictor.model, table)
    columns = [str(name) for name in table.frame]
    user = find_column("user", columns, names.user, table.name)
    movie = find_column("movie", columns, names.movie, table.name)
    ids = {"user": table.frame[user], "movie": table.frame[movie]}
    found = predictor.predict(_frame(ids), {"known": True})
    users, movies = found["user_known"].to_numpy(), found["movie_known"].to_numpy()
    return Predicted(
        table=replace(table, frame=table.frame.assign(prediction=found["score"].to_numpy())),
        unknown_users=int((~users).sum()),
        unknown_movies=int((~movies).sum()),
        unknown_rows=int((~(users & movies)).sum()),
    )


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)


def _of_own(model: Any, table: Table) -> Predicted:
    """Predict with a user's own Keras model, which takes rows of numbers."""
    width = _width(model)
    if len(table.frame.columns) != width:
        raise SearchError(
            f"This model of your own takes {width} numbers a row, so `--input` must have {width} "
            f"columns, but {table.name} has {len(table.frame.columns)}."
        )
    try:
        numbers = table.frame.astype(np.float32).to_numpy()
    except (ValueError, TypeError) as error:
        raise SearchError(
            "A model of your own takes numbers, but a cell of "
            f"{table.name} is none ({in_one_line(error)[:120]})."
        ) from error
    outputs = _outputs(model, numbers)
    if outputs.shape[1] == 1:
        return Predicted(table=replace(table, frame=table.frame.assign(prediction=outputs[:, 0])))
    more = {f"{PREDICTION}_{n}": outputs[:, n - 1] for n in range(1, outputs.shape[1] + 1)}
    return Predicted(table=replace(table, frame=table.frame.assign(**more)))


def _width(model: Any) -> int:
    """How many numbers a row a model takes.

    Raises:
        SearchError: It takes something else than one array of rows of numbers.
    """
    inputs = getattr(model, "inputs", None) or []
    shapes = [tuple(each.shape) for each in inputs]
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][1]:
        return int(shapes[0][1])
    takes = ", ".join(map(str, shapes)) or "no inputs that are known before it is called"
    raise SearchError(
        "Rows of a table can be predicted with a model of your own that takes one array "
        f"[row, number], but this one takes {takes}. Load it in Python: `open_study(NAME).best."
        "model()`."
    )


def _outputs(model: Any, numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """What a model says of each row, `[row, output]`."""
    if not len(numbers):
        width = model.output_shape[-1] if isinstance(model.output_shape, tuple) else 1
        return np.zeros((0, width or 1))
    found = model.predict(numbers, verbose=0)
    if isinstance(found, list | dict):
        raise SearchError(
            f"Rows of a table can be predicted with a model that has one output, but this one has "
            f"{len(found)}. Load it in Python: `open_study(NAME).best.model()`."
        )
    return np.asarray(found, np.float64).reshape(len(numbers), -1)
