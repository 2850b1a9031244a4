"""A trial's run as MLflow has it, for comparing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What MLflow holds of a trial's run.

    Attributes:
        run_id: The run.
        number: Number of the trial, from the run's tag.
        status: MLflow's status: "RUNNING", "FINISHED", "FAILED" or "KILLED".
        state: One of `State`, from the run's tag.
        value: The objective; None where it has none.

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

    @property
    def is_open(self) -> bool:
        """Whether MLflow shows the run as one that goes on."""
        return self.status in ("RUNNING", "SCHEDULED")
