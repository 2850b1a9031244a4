"""The output unit of a rating network, in numbers: its initial bias, activation and range."""

from __future__ import annotations

import math

from models.config import TRAIN_MEAN, ModelConfig
from models.errors import ModelsError

_MARGIN = 0.01  # a sigmoid that starts at its very end hardly learns


class OutputUnit:
    """The output unit: its initial bias, its activation, and the range of its scores.

    Attributes:
        bias: Its initial bias.
    """

    def __init__(
        self,
        config: ModelConfig,
        train_mean: float | None,
        score_range: tuple[float, float] | None,
    ) -> None:
        """Compute the initial bias from the initial score that `config` asks for.

        Args:
            config: Names the output's activation and its initial score.
            train_mean: Mean score of the train part; needed when that is the initial score.
            score_range: Least and greatest score; needed for a scaled sigmoid.

        Raises:
            ModelsError: `train_mean` or `score_range` is needed and not given, or a plain sigmoid
                should start from a score that it cannot predict.
        """
        self._config = config
        self._range = score_range
        self._is_scaled = config.output_activation == "scaled_sigmoid"
        if self._is_scaled and score_range is None:
            raise ModelsError(
                "A scaled sigmoid needs the least and the greatest score, but got None. "
                "Pass `score_range`."
            )
        self.bias = self._before_activation(_initial_score(config, train_mean))

    @property
    def activation(self) -> str:
        """Keras' name of the activation; a scaled sigmoid has the name "sigmoid"."""
        return "sigmoid" if self._is_scaled else self._config.output_activation

    @property
    def span(self) -> tuple[float, float] | None:
        """Least and greatest score over which a sigmoid is stretched; None where it is not."""
        return self._range if self._is_scaled else None

    def _before_activation(self, score: float) -> float:
        """Return the initial bias for a wanted initial score.

        For a scaled sigmoid that is the logit of the score's place in the range: in a range from 1
        to 5, a score of 4 has the place 0.75 and the bias log(3) = 1.0986. For a plain sigmoid it
        is the logit of the score, for softplus log(exp(score) - 1), and for the linear and the ReLU
        output the score itself.

        Raises:
            ModelsError: A plain sigmoid cannot predict the score.
        """
        if self._is_scaled and self._range is not None:
            return _logit(score, *self._range)
        activation = self._config.output_activation
        if self._config.output_start == "bias" or activation not in ("sigmoid", "softplus"):
            return score
        if activation == "softplus":
            positive = max(score, _MARGIN)
            return positive + math.log(-math.expm1(-positive))
        if not 0 <= score <= 1:
            raise ModelsError(
                f"A sigmoid output starts from a score of 0 to 1, but got {score:g}. Use "
                "scaled_sigmoid, or another `output_bias`."
            )
        return _logit(score, 0.0, 1.0)


def _initial_score(config: ModelConfig, train_mean: float | None) -> float:
    """The score that an untrained model should predict."""
    if config.output_bias != TRAIN_MEAN:
        return float(config.output_bias)
    if train_mean is None:
        raise ModelsError(
            f'`output_bias` "{TRAIN_MEAN}" needs the mean score of the train part, but got None. '
            "Pass `train_mean`."
        )
    return train_mean


def _logit(score: float, low: float, high: float) -> float:
    """The logit of a score's place in a range; a place at an end is moved inside by a hundredth."""
    place = min(max((score - low) / max(high - low, 1e-9), _MARGIN), 1 - _MARGIN)
    return math.log(place / (1 - place))
