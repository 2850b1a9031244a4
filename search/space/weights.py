"""Which configurations of rating models a limit on their weights refuses, before any is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from models.config import ModelConfig
from models.size import count_weights
from search.config.limits import Limits, limits_of, too_heavy
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.parameters import Parameter
from tracking import DatasetRecord, Scalar

_KINDS = ("family", "sizes")


@dataclass(frozen=True, slots=True)
class Weights:
    """Counts the weights of configurations, and holds them against a study's limits.

    Attributes:
        space: Every parameter of the study, parents first.
        limits: What a model may not exceed.
        user_rows: Rows of a model's table of users.
        movie_rows: Rows of a model's table of movies.
    """

    space: Sequence[Parameter]
    limits: Limits
    user_rows: int
    movie_rows: int

    def count(self, values: Mapping[str, Scalar]) -> int:
        """Count the weights of a model.

        Args:
            values: All active parameters' values as a model gets them, by name.
        """
        return count_weights(model_of(values), user_rows=self.user_rows, movie_rows=self.movie_rows)

    def refusal(self, values: Mapping[str, Scalar]) -> str:
        """Say in words which limit a configuration exceeds; an empty text if none."""
        return too_heavy(self.count(values), self.limits)

    def least_refusal(self, values: Mapping[str, Scalar]) -> str:
        """Say which limit the smallest model exceeds that has these values; empty if none does.

        Args:
            values: Some parameters' values; none for the smallest model of the space.
        """
        smallest = min((self.count(each) for each in self._smallest(values)), default=0)
        return too_heavy(smallest, self.limits)

    def _smallest(self, given: Mapping[str, Scalar]) -> Iterator[dict[str, Scalar]]:
        """Yield the smallest configuration of each kind (family, and shared or separate sizes)."""
        kinds = [p for p in self.space if p.name in _KINDS]
        listed = [[given[p.name]] if p.name in given else p.listed() for p in kinds]
        for chosen in product(*listed):
            known = dict(given) | dict(zip((p.name for p in kinds), chosen, strict=True))
            values: dict[str, Scalar] = {}
            for parameter in self.space:
                if parameter.is_active(values):
                    name = parameter.name
                    values[name] = known[name] if name in known else _least(parameter)
            yield values


def weights_of(
    config: StudyConfig, space: Sequence[Parameter], dataset: DatasetRecord | None
) -> Weights | None:
    """Make what counts a study's weights; None where no limit or no space of ours asks for it.

    Args:
        config: The study.
        space: Its space.
        dataset: Its ratings, which say how many users and movies a model has.

    Raises:
        SearchError: The limits leave no model of the space.
    """
    limits = limits_of(config)
    if config.model != "ratings" or (limits.parameters is None and limits.memory_mb is None):
        return None
    if dataset is None or "user_rows" not in dataset.profile:
        return None
    rows = {name: int(dataset.profile[name] or 0) for name in ("user_rows", "movie_rows")}
    weights = Weights(space, limits, **rows)
    if beyond := weights.least_refusal({}):
        raise SearchError(
            "A limit must leave models to search, but the smallest model of this space has "
            f"{beyond}. Use a higher limit or another `[space]`."
        )
    return weights


def _least(parameter: Parameter) -> Scalar:
    """The least value of a number, or a choice's first value, where the choice is no number."""
    if parameter.kind in ("Int", "Float"):
        least: Scalar = parameter.low
        return least
    numbers = [value for value in parameter.listed() if isinstance(value, int | float)]
    return min(numbers) if numbers else parameter.listed()[0]


def model_of(values: Mapping[str, Any]) -> ModelConfig:
    """The network of a configuration, as far as its weights need it.

    Args:
        values: All active parameters' values as a model gets them, by name.
    """
    layers = int(values.get("layers", 0))
    usual = ModelConfig()
    return ModelConfig(
        family=values["family"],
        embedding_size=int(values.get("embedding_size", usual.embedding_size)),
        movie_embedding_size=values.get("movie_embedding_size"),
        factors=values.get("factors"),
        units=tuple(int(values[f"units_{number}"]) for number in range(1, layers + 1)),
        dropout=(0.0,) * layers,
    )
