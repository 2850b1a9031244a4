"""What kind of end a trial had."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence

from optuna.exceptions import UpdateFinishedTrialError

from search.child.messages import Done, Failed
from search.storage.claims.leases import LEASE_S
from search.storage.trial_attributes import not_begun
from tracking import COMPLETE, PRUNED, REFUSED, EndReason, EpochRecord, Withdrawn


def state_at_end(epochs: Sequence[EpochRecord], done: Done) -> str:
    """How a trial ended that came to its end; refused where a limit kept it from being trained.

    Args:
        epochs: What it trained.
        done: What its child said at its end.
    """
    if not_begun(done.end_reason, epochs, done.metrics):
        return REFUSED
    return PRUNED if done.end_reason in (EndReason.PRUNED, EndReason.LIMIT) else COMPLETE


def no_number(monitor: str, value: float) -> Failed:
    """The end of a trial whose value is NaN or infinite.

    Args:
        monitor: The per-epoch number behind the objective.
        value: What it was.
    """
    text = f"Its {monitor} is {value}, which is no number to rank by."
    return Failed(end_reason=EndReason.NAN, message=text)


def withdrawn(number: int) -> Withdrawn:
    """Say that a trial is another process's by now.

    Args:
        number: The trial's number.
    """
    return Withdrawn(
        f"Trial {number} was taken over, since this process was not heard of for {LEASE_S:.0f} s. "
        "What it trained here is dropped."
    )


@contextlib.contextmanager
def dropped_if_taken_over(number: int) -> Iterator[None]:
    """Drop a trial with a warning, if the block finds that another process has taken it over.

    Args:
        number: The trial's number.
    """
    try:
        yield
    except (UpdateFinishedTrialError, Withdrawn):
        warnings.warn(str(withdrawn(number)), stacklevel=3)
