"""`trialbook reproduce`: train a trial again and compare its value with the recorded one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from models.config import TRAINERS
from search.cli.common import (
    code_options,
    console,
    emit,
    home_option,
    json_option,
    open_store,
    store_options,
    waiting,
)
from search.cli.exits import DOES_NOT_HOLD
from search.cli.help import option

_TRAINERS = {
    "compiled": "the compiled trainer",
    "fast": "the fast trainer",
    "keras": "Keras' own `fit`",
}
_LINE_EPOCHS = 10
"""Where no terminal shows each epoch, every tenth gets a line."""


@click.command(epilog="Example: trialbook reproduce sample:7")
@click.argument("target")
@option("--data", shown="the trial's own", help="Other ratings to train on.")
@option(
    "--tolerance",
    type=float,
    shown="1e-6; 0.005 against the published figure",
    help="Largest difference at which two values count as the same.",
)
@option(
    "--trainer",
    type=click.Choice(TRAINERS),
    shown="the trial's own",
    help="Train with another trainer, whose result differs in the last digits.",
)
@code_options
@store_options
@home_option
@json_option
def command(
    target: str,
    data: str | None,
    tolerance: float | None,
    trainer: str | None,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
    **code: str | None,
) -> int:
    """Train TARGET again (baseline, STUDY:NUMBER or an MLflow run) and compare its value."""
    from search.reproduce import Again, reproduce
    from tracking import EpochRecord

    out = console(as_json)
    with waiting("Starting TensorFlow and reading the ratings …") as status:

        def show(epoch: EpochRecord) -> None:
            values = ", ".join(f"{k} {v:.4f}" for k, v in epoch.metrics.items())
            line = f"epoch {epoch.epoch}: {values}"
            status.update(Text(line))
            told = epoch.epoch == 1 or epoch.epoch % _LINE_EPOCHS == 0
            if told and not status.console.is_terminal:
                status.console.print(line)

        made = reproduce(
            target,
            open_store(home, tracking_uri),
            storage=storage,
            again=Again(data=data, tolerance=tolerance, trainer=trainer, on_epoch=show, **code),
        )
    if as_json:
        emit(asdict(made) | {"difference": made.difference})
        return 0 if made.reproduced else DOES_NOT_HOLD
    for note in made.notes:
        out.print(note)
    got = "none" if made.got is None else f"{made.got:.7f}"
    gap = "" if made.difference is None else f", difference {made.difference:+.2e}"
    verdict = "Reproduced" if made.reproduced else "Not reproduced"
    if made.is_first:
        verdict = "Recorded, with nothing to compare with yet"
    elif made.is_same_value and not made.reproduced:
        verdict = "The same value, but not reproduced as it was"
    out.print(
        f"{verdict}: {made.target}: expected {made.expected:.7f}, got {got}{gap} "
        f"(tolerance {made.tolerance:g})",
        style="bold",
    )
    if made.trainer:
        out.print(f"Trained by: {_TRAINERS[made.trainer]}.")
    for line in made.drift:
        out.print(f"• drifted: {line}")
    if made.picture:
        out.print(f"Both curves: {made.picture}")
    return 0 if made.reproduced else DOES_NOT_HOLD
