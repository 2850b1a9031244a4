"""What a study takes from an earlier one by warm start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracking import Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The trials that a study takes from an earlier one, and why it leaves others out.

    Attributes:
        study: Name of the earlier study.
        version: Version of this study's space: one more than the earlier study's where it is
            another space.
        trials: What the sampler learns from: `values`, `goals` (None where it was pruned),
            `value` (None where it was not trained), `epochs`, and the `figures` that limits are
            about, each.
        queued: Configurations to train again, best first, where the sampler does not learn.
        left: How many trials were left out, by reason.
        reason: Why the sampler does not learn from the earlier values; empty where it does.
        beyond: How many of `trials` exceed a limit of this study, and are learnt as infeasible.
        late: The fields of each `Parameter` that trials of the earlier study met only while they
            ran, and that the trials here may have.
    """

    study: str
    version: int
    trials: tuple[Mapping[str, Any], ...]
    queued: tuple[Mapping[str, Scalar], ...]
    left: Mapping[str, int]
    reason: str
    beyond: int = 0
    late: tuple[Mapping[str, Any], ...] = ()

    def summary(self) -> str:
        """Say in one line what was taken and what was left out."""
        if self.reason:
            first = (
                f"{self.reason}: the best {len(self.queued)} configurations of {self.study} are "
                "tried first."
            )
        else:
            first = f"The sampler learns from {len(self.trials)} trials of {self.study}."
            if self.beyond:
                first += f" {self.beyond} of them are beyond a limit, and learnt as such."
        rest = "; ".join(f"{count} for {why}" for why, count in self.left.items())
        return f"{first} Left out: {rest}." if rest else first
