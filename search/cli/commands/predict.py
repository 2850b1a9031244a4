"""`trialbook predict`: the best items of a user, or the rows of a table, by a model of a study."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    quiet_stderr,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.help import option
from search.cli.tables import table
from search.errors import SearchError
from tracking.texts import visible

if TYPE_CHECKING:
    from models.serving import KerasPredictor, RatingPredictor
    from search.prediction.rows import Predicted
    from search.prediction.target import Target
    from search.prediction.top import Item

_TOP = 20


@click.command(epilog="Example: trialbook predict sample --user 15")
@click.argument("target")
@click.option("--user", metavar="ID", help="List the best items of the user with this raw id.")
@option("--top", type=click.IntRange(1), shown=str(_TOP), help="Number of items to list.")
@click.option("--data", help="Ratings that say what the user rated (default: those of the study).")
@click.option(
    "--rated", is_flag=True, help="Also list what the user has rated; no ratings are read."
)
@click.option(
    "--input",
    "rows",
    type=click.Path(path_type=Path),
    help="A table of users and movies: CSV, Parquet or Feather.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File for the table with its predictions (default: standard output).",
)
@click.option("--user-column", help="Name of the user column.")
@click.option("--movie-column", help="Name of the movie column.")
@click.option("--separator", help="What separates the columns: comma, tab, semicolon, pipe.")
@store_options
@home_option
@json_option
def command(
    target: str,
    user: str | None,
    top: int | None,
    data: str | None,
    rated: bool,
    rows: Path | None,
    output: Path | None,
    user_column: str | None,
    movie_column: str | None,
    separator: str | None,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Predict with the model of TARGET: a study, STUDY:NUMBER, an MLflow run or model, or a folder.

    A study stands for its winner if `trialbook winner` registered one, else for its best trial. A
    model of MLflow is models:/NAME@ALIAS, models:/NAME/VERSION or models:/ID, of which NAME@ALIAS
    and NAME/VERSION will do.
    `--user` lists the items with the highest predicted scores, without those that the user has
    rated. `--input` predicts every row of a table.
    """
    of_user = {"--top": top, "--data": data, "--rated": rated or None}
    of_rows = {
        "--output": output,
        "--user-column": user_column,
        "--movie-column": movie_column,
        "--separator": separator,
    }
    _check(user, rows, of_user, of_rows)
    from search.prediction.rows import Names, predict_rows
    from search.prediction.table import read_table
    from search.prediction.target import find_target

    studies = studies_to_read(home, storage, tracking_uri)
    if rows is not None:
        given = read_table(rows, separator)
        names = Names(user=user_column, movie=movie_column)
        with waiting("Predicting …"):
            found = find_target(target, studies)
            made = predict_rows(_loaded(found, studies), given, names)
        return _tell_rows(found, made, output, as_json=as_json)
    assert user is not None, "one of the two was given"
    with waiting("Predicting …"):
        found = find_target(target, studies)
        best = _best(found, _loaded(found, studies), _Asked(user, top or _TOP, data, rated))
    return _tell_best(found, best, as_json=as_json)


def _check(
    user: str | None,
    rows: Path | None,
    of_user: Mapping[str, object],
    of_rows: Mapping[str, object],
) -> None:
    """Refuse options that contradict each other, and such as would be ignored."""
    if (user is None) == (rows is None):
        raise SearchError(
            "What to predict must be a user's items (`--user ID`) or the rows of a table "
            f"(`--input FILE`), but got {'neither' if user is None else 'both'}."
        )
    for name, given in (of_rows if rows is None else of_user).items():
        if given is not None:
            needed = "--input" if rows is None else "--user"
            raise SearchError(f"`{name}` goes with `{needed}`. Leave it out.")


def _loaded(found: Target, studies: object) -> RatingPredictor | KerasPredictor:
    from search.prediction.loading import load

    with quiet_stderr():  # TensorFlow, where it is needed, tells what it finds
        return load(found, studies)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose best items are asked for, how many, and what says what the user rated."""

    user: str
    top: int
    data: str | None
    rated: bool


@dataclass(frozen=True, slots=True)
class _Best:
    """A user's best items, how many were left out as rated, and notes on that."""

    user: Any
    items: Sequence[Item]
    left_out: int
    notes: Sequence[str]


def _best(found: Target, predictor: RatingPredictor | KerasPredictor, asked: _Asked) -> _Best:
    """Find the best items of a user."""
    from models.data.options import SourceOptions
    from search.prediction.rated import rated_by, rated_in
    from search.prediction.top import ratings_model, top_items

    user, model, notes, seen = asked.user, ratings_model(predictor), [], []
    top_items(model, user, count=0)  # a user that is not known is told before ratings are read
    if asked.rated:
        pass
    elif asked.data is not None:
        seen = rated_in(user, asked.data, SourceOptions())
    elif found.study is not None:
        seen = rated_by(user, found.study)
    else:
        notes.append(
            "What the user rated is not left out, since this model does not say which ratings it "
            "was trained on: name them with `--data`."
        )
    items = top_items(model, user, count=asked.top, without=seen)
    raw = next((each for each in model.users if str(each) == user), user)  # a number, if it is one
    return _Best(raw, items, len(seen), notes)


def _tell_best(found: Target, best: _Best, *, as_json: bool) -> int:
    """List the best items of a user."""
    if as_json:
        listed = [{"movie": item.movie, "prediction": item.prediction} for item in best.items]
        head = {"model": found.plain, "user": best.user, "rated": best.left_out}
        emit(head | {"items": listed, "notes": list(best.notes)})
        return 0
    out = console()
    for line in (found.said, *best.notes):
        out.print(line)
    lines = [
        [str(rank), str(item.movie), f"{item.prediction:.4f}"]
        for rank, item in enumerate(best.items, 1)
    ]
    out.print(table(f"Predicted for user {best.user}", ["rank", "movie", "prediction"], lines))
    if best.left_out:
        out.print(f"{best.left_out:,} that the user rated are left out.")
    return 0


def _tell_rows(found: Target, made: Predicted, output: Path | None, *, as_json: bool) -> int:
    """Write the rows of a table with their predictions."""
    from search.prediction.table import write_table, write_text

    count = len(made.table.frame)
    if output is not None:
        write_table(made.table, output)
    unknown = (
        f"{made.unknown_rows:,} of {count:,} rows have an id that the model does not know "
        f"(user: {made.unknown_users:,}, movie: {made.unknown_movies:,}): they are predicted with "
        "what it keeps for the unknown."
    )
    if as_json:
        told: dict[str, object] = {"model": found.plain, "rows": count}
        told |= {
            "unknown_users": made.unknown_users,
            "unknown_movies": made.unknown_movies,
            "output": None if output is None else str(output),
        }
        if output is None:
            added = [name for name in made.table.frame if str(name).startswith("prediction")]
            told |= {str(name): made.table.frame[name].tolist() for name in added}
        emit(told)
        return 0
    if output is None:
        sys.stdout.flush()
        write_text(made.table, sys.stdout.buffer)
    out = console(output is None)  # the table has standard output for itself
    out.print(found.said)
    if made.unknown_rows:
        out.print(unknown)
    if output is not None:
        out.print(f"Wrote {count:,} rows to {visible(str(output))}.")
    return 0
