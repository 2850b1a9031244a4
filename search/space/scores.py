"""What a rating model can predict, held against the range of the scores that it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

from models import TRAIN_MEAN, ModelConfig
from models.data import Split

_NEAR = 3.0
"""How far beyond the scores a model may start; MUBI's run from 1 to 5, its trial starts at 7."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRange:
    """The least and the greatest score of the train part.

    Attributes:
        low: Least score.
        high: Greatest score.

    Example:
        >>> stars, jester = ScoreRange(low=1, high=5), ScoreRange(low=-10, high=10)
        >>> stars.is_representable("relu"), jester.is_representable("relu")
        (True, False)
        >>> stars.is_near(7), ScoreRange(low=0, high=1).is_near(7)
        (True, False)
    """

    low: float
    high: float

    @classmethod
    def of(cls, split: Split) -> ScoreRange:
        """Take the range from the train part of a split."""
        scores = split.train.scores
        return cls(low=float(scores.min()), high=float(scores.max()))

    @property
    def words(self) -> str:
        """The range in words: "from 1 to 5"."""
        return f"from {self.low:g} to {self.high:g}"

    def is_representable(self, activation: str) -> bool:
        """Whether a model with the given output activation can predict every score of the range."""
        if activation in ("relu", "softplus"):
            return self.low >= 0
        if activation == "sigmoid":
            return self.low >= 0 and self.high <= 1
        return True

    def is_near(self, score: float) -> bool:
        """Whether a model may start from a score: it is in the range or at most 3 beyond."""
        return self.low - _NEAR <= score <= self.high + _NEAR

    def misfit(self, config: ModelConfig) -> str:
        """Say in words why a model does not fit the scores; an empty text where it fits.

        Args:
            config: The model.
        """
        output, start = config.output_activation, config.output_bias
        if not self.is_representable(output):
            limits = "from 0 to 1" if output == "sigmoid" else "of 0 and more"
            return f"its {output} output predicts only scores {limits}, and these run {self.words}"
        if start != TRAIN_MEAN and not self.is_near(float(start)):
            return f"it starts from a score of {float(start):g}, and these run {self.words}"
        return ""
