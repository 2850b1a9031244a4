"""A trial's run as MLflow has it, for comparing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What MLflow holds of a trial's run.

    Attributes:
        run_id: The run.
        number: Number of the trial, from the run's tag.
        status: MLflow's status: "RUNNING", "FINISHED", "FAILED" or "KILLED".
        state: One of `State`, from the run's tag.
        value: The objective; None where it has none.
        params: Its params, as texts.
        epochs: The last epoch of which it has a metric; 0 for none.
        has_model: Whether a model was logged for it.
        has_dataset: Whether it names the study's dataset.
        metrics: The last value of each of its metrics, by name.

    Example:
        >>> run = RunRecord(run_id="0a1b", number=7, status="RUNNING", state="running")
        >>> run.is_open
        True
    """

    run_id: str
    number: int
    status: str
    state: str
    value: float | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    epochs: int = 0
    has_model: bool = False
    has_dataset: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether MLflow shows the run as one that goes on."""
        return self.status in ("RUNNING", "SCHEDULED")
