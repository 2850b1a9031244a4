"""What a rating model can predict, held against the range of the scores that it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import TRAIN_MEAN, ModelConfig
from models.data import Split
from models.data.options import RULES

_STARS = 4.5
"""Width of the range from 0.5 to 5."""
_NEAR = 3.0
"""How far beyond the scores a model may start; MUBI's run from 1 to 5, its trial starts at 7."""
_WIDE = 10.0
"""Up to which width of the range, that of 0 to 10, the distance to the mean does not count."""
_FAR = 0.25
"""What share of a wider range a model may start from the mean score."""


MOST_PENALTY, MOST_RATING = 1e-3, 0.3
"""The space's greatest penalties on a table, and for a rating, where scores run from 0.5 to 5."""


FITTED = ("l2_embedding", "l2_bias", "l2_rating")
"""Parameters whose greatest value depends on the scores."""


def rounded(penalty: float) -> float:
    """A penalty to two digits."""
    return float(f"{penalty:.1e}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRange:
    """The least and the greatest score of the train part.

    Attributes:
        low: Least score.
        high: Greatest score.
        mean: Mean score; None where it is not to count, as by the rules 1 of earlier versions.

    Example:
        >>> stars, jester = ScoreRange(low=1, high=5), ScoreRange(low=-10, high=10)
        >>> stars.is_representable("relu"), jester.is_representable("relu")
        (True, False)
        >>> stars.is_near(7), ScoreRange(low=0, high=1).is_near(7)
        (True, False)
        >>> ScoreRange(low=0, high=100, mean=50).is_near(7)
        False
    """

    low: float
    high: float
    mean: float | None = None

    @classmethod
    def of(cls, split: Split, *, rules: int = RULES) -> ScoreRange:
        """Take the range from the train part of a split.

        Args:
            split: The split.
            rules: By which rules the ratings were read, as `SourceOptions` lists them.
        """
        scores = split.train.scores
        mean = float(scores.mean(dtype=np.float64)) if rules > 1 else None
        return cls(low=float(scores.min()), high=float(scores.max()), mean=mean)

    @property
    def words(self) -> str:
        """The range in words: "from 1 to 5"."""
        return f"from {self.low:g} to {self.high:g}"

    @property
    def penalty_scale(self) -> float:
        """What penalties of weights before a scaled sigmoid are to be multiplied by.

        The squared error grows by the square of the range's width, while those weights stay as they
        are, since the sigmoid is stretched over the range. 1 where scores run from 0.5 to 5.
        """
        return ((self.high - self.low) / _STARS) ** 2

    @property
    def is_wide(self) -> bool:
        """Whether the range is wider than that of 0 to 10."""
        return self.high - self.low > _WIDE

    def is_representable(self, activation: str) -> bool:
        """Whether a model with the given output activation can predict every score of the range."""
        if activation in ("relu", "softplus"):
            return self.low >= 0
        if activation == "sigmoid":
            return self.low >= 0 and self.high <= 1
        return True

    def is_near(self, score: float) -> bool:
        """Whether a model may start from a score: it is in the range or at most 3 beyond.

        In a range wider than 10 it is besides at most a quarter of the width from the mean: 7 is
        where scores run from 1 to 10, and is not where they run from 0 to 100 around 50.
        """
        width = self.high - self.low
        if self.mean is not None and width > _WIDE and abs(score - self.mean) > _FAR * width:
            return False
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
            mean = "" if self.mean is None else f" with a mean of {self.mean:.4g}"
            return f"it starts from a score of {float(start):g}, and these run {self.words}{mean}"
        return ""


def greatest_scale(scores: ScoreRange | None) -> float:
    """What the space's greatest penalties are multiplied by; they never shrink."""
    return 1.0 if scores is None else max(1.0, scores.penalty_scale)
