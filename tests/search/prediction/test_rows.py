"""Rows of a table with the scores of a model, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.errors import ModelsError
from models.serving import KerasPredictor, RatingPredictor
from search.errors import SearchError
from search.prediction.rows import Names, predict_rows
from search.prediction.table import Table
from search.prediction.top import Item, ratings_model, top_items


class Codes:
    """A network that predicts ten times the user's code and the movie's."""

    def predict(self, codes: Any, **options: object) -> Any:
        movies, users = codes
        return 10 * users + movies


class Own:
    """A Keras model of one input: sums of its numbers, or both of them."""

    def __init__(self, *shapes: tuple[int | None, ...], outputs: int = 1) -> None:
        self.inputs = [np.zeros([size or 0 for size in shape]) for shape in shapes]
        self.output_shape = (None, outputs)

    def predict(self, numbers: Any, verbose: int) -> Any:
        summed = numbers.sum(axis=1, keepdims=True)
        return summed if self.output_shape[1] == 1 else np.hstack([summed, -summed])


@pytest.fixture
def predictor() -> RatingPredictor:
    return RatingPredictor(Codes(), ["ann", 7], [50, 60, 70])


def _table(**columns: list[Any]) -> Table:
    return Table(pd.DataFrame(columns), ",", "t.csv")


def test_a_column_is_added_and_unknown_ids_are_counted(predictor: RatingPredictor) -> None:
    given = _table(
        userId=["ann", "7.0", "bob", "bob"], why=list("abcd"), item=["70", "50", "60", "x"]
    )
    made = predict_rows(predictor, given, Names())
    assert list(made.table.frame) == ["userId", "why", "item", "prediction"]
    assert made.table.frame["prediction"].tolist() == [2, 10, 21, 23]
    assert (made.unknown_users, made.unknown_movies, made.unknown_rows) == (2, 1, 2)
    assert list(given.frame) == ["userId", "why", "item"]


def test_columns_may_be_named(predictor: RatingPredictor) -> None:
    given = _table(a=[60], b=["ann"])
    made = predict_rows(predictor, given, Names(user="b", movie="a"))
    assert made.table.frame["prediction"].tolist() == [1]
    with pytest.raises(ModelsError, match=r"t\.csv must have a user column"):
        predict_rows(predictor, given, Names())
    with pytest.raises(ModelsError, match="has no column 'c'"):
        predict_rows(predictor, given, Names(user="c", movie="a"))


def test_a_table_may_be_empty(predictor: RatingPredictor) -> None:
    made = predict_rows(predictor, _table(user=[], movie=[]), Names())
    assert list(made.table.frame) == ["user", "movie", "prediction"]
    assert (len(made.table.frame), made.unknown_rows) == (0, 0)


def test_a_column_of_that_name_is_not_written_over(predictor: RatingPredictor) -> None:
    with pytest.raises(SearchError, match="must have no column prediction, since that is added"):
        predict_rows(predictor, _table(user=[7], movie=[50], prediction=[1]), Names())


def test_a_model_of_ones_own_is_given_all_columns_as_numbers() -> None:
    given = _table(a=["1", "2"], b=["0.5", "3"])
    one = predict_rows(KerasPredictor(Own((None, 2))), given, Names())
    assert one.table.frame["prediction"].tolist() == [1.5, 5]
    two = predict_rows(KerasPredictor(Own((None, 2), outputs=2)), given, Names())
    assert list(two.table.frame) == ["a", "b", "prediction_1", "prediction_2"]
    assert two.table.frame["prediction_2"].tolist() == [-1.5, -5]
    none = predict_rows(KerasPredictor(Own((None, 2))), _table(a=[], b=[]), Names())
    assert none.table.frame["prediction"].tolist() == []


@pytest.mark.parametrize(
    ("model", "columns", "fragment"),
    [
        (Own((None, 3)), {"a": ["1"]}, "must have 3 columns, but t.csv has 1"),
        (Own((None, 1)), {"a": ["x"]}, "takes numbers, but a cell of t.csv is none"),
        (Own((None, 1), (None, 1)), {"a": ["1"]}, "takes one array [row, number]"),
        (Own((None, 2, 2)), {"a": ["1"]}, "takes one array [row, number]"),
        (Own(), {"a": ["1"]}, "no inputs that are known before it is called"),
    ],
)
def test_what_a_model_of_ones_own_cannot_take_is_one_line(
    model: Own, columns: dict[str, list[Any]], fragment: str
) -> None:
    with pytest.raises(SearchError) as told:
        predict_rows(KerasPredictor(model), _table(**columns), Names())
    assert fragment in str(told.value)


def test_the_best_items_come_first_without_the_rated_ones(predictor: RatingPredictor) -> None:
    assert top_items(predictor, "7.0", count=2) == [Item(70, 12), Item(60, 11)]
    assert top_items(predictor, "7", count=9, without=["70", 50]) == [Item(60, 11)]
    assert top_items(predictor, "7", count=9, without=["never seen"])[-1] == Item(50, 10)


def test_an_unknown_user_is_one_line_that_names_known_ones(predictor: RatingPredictor) -> None:
    with pytest.raises(SearchError, match=r"one of the 2 users .* such as ann, but got 'anne'"):
        top_items(predictor, "anne", count=1)
    with pytest.raises(SearchError, match=r"such as ann, 7, but got '\?'"):
        top_items(predictor, "?", count=1)


def test_a_model_of_ones_own_knows_no_users() -> None:
    with pytest.raises(SearchError, match=r"this is a model of your own\. .* `--input`"):
        ratings_model(KerasPredictor(Own((None, 2))))
