"""`trialbook winner`: retrain the best trials, and score the winner once on the test ratings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from search.cli.common import (
    code_options,
    command_line,
    console,
    emit,
    home_option,
    json_option,
    open_studies,
    store_options,
    waiting,
)
from search.cli.tables import table
from tracking import version_page

if TYPE_CHECKING:
    from search.verdict.verdict import Verdict


@click.command(epilog="Example: trialbook winner sample --top 3 --repeats 5")
@click.argument("study")
@click.option(
    "--top",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="Number of the best trials to train again.",
)
@click.option(
    "--repeats",
    type=click.IntRange(2, 50),
    default=5,
    show_default=True,
    help="New seeds per trial; few seeds leave wide intervals.",
)
@click.option(
    "--refit", is_flag=True, help="Train the registered model on the validation part too."
)
@code_options
@store_options
@home_option
@json_option
def command(
    study: str,
    top: int,
    repeats: int,
    refit: bool,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
    **code: str | None,
) -> int:
    """Decide the winner of STUDY, and score it once on the sealed test part.

    The baseline and the best trials by validation RMSE are trained again on new seeds, the same
    seeds for all. Other objectives of the study do not count. Later calls show the decision.
    """
    from search.storage.study_attributes import config_of
    from search.study.joining import require_named
    from search.winner import Steps, find_winner

    studies = open_studies(home, storage, tracking_uri)
    config = config_of(studies.get(study))
    require_named(config, studies, code)
    with waiting("Reading the study …") as status:
        steps = Steps(status.console.print, lambda text: status.update(Text(text)))
        verdict, fresh = find_winner(
            study, studies, top=top, repeats=repeats, refit=refit, tell=steps
        )
    url = version_page(studies.address_of(config), verdict.model)
    if as_json:
        emit(verdict.to_json() | {"decided_now": fresh, "url": url})
    else:
        opens = command_line(home, "ui", study, tracking_uri=tracking_uri, storage=storage)
        _show(verdict, fresh, url or opens)
        if refit and not verdict.refitted:
            console().print(
                "It was registered without `--refit`, and stays so: trained on the train part."
            )
    return 0


def _show(verdict: Verdict, fresh: bool, opens: str) -> None:
    """Print what was found.

    Args:
        verdict: The verdict.
        fresh: Whether it was reached just now.
        opens: The address of the registered model's page, or the command that opens MLflow's.
    """
    from search.verdict.report import claims, headline

    out = console()
    if not fresh:
        out.print(f"Decided before: the test part was opened at {verdict.opened}, once for all.")
    names = ["trial", "in the search", "new seeds", "95 % interval", "P(best)"]
    rows = [
        [
            "baseline" if each.is_baseline else str(each.number),
            f"{each.searched:.4f}",
            f"{each.mean:.4f}",
            f"{each.low:.4f} to {each.high:.4f}",
            ">99%" if each.probability > 0.995 else f"{each.probability:.0%}",
        ]
        for each in verdict.candidates
    ]
    title = f"Validation RMSE, {len(verdict.seeds)} new seeds"
    out.print(table(title, names, rows))
    for line in verdict.left_out:
        out.print(line)
    out.print(headline(verdict))
    out.print()
    tested = [
        [_NAMES.get(each.name, each.name), f"{each.rmse:.4f}", f"{each.low:.4f} to {each.high:.4f}"]
        for each in verdict.test
    ]
    out.print(
        table("Sealed test part, opened once", ["predictor", "RMSE", "95 % interval"], tested)
    )
    for line in claims(verdict):
        out.print(f"The winner {line}.")
    winner, test = verdict.winner, verdict.test[0]
    out.print(
        f"Optimism: {winner.searched:.4f} in the search"
        f"{f' ({verdict.searched_on})' if verdict.folds else ''}, {winner.mean:.4f} on new seeds, "
        f"{test.rmse:.4f} on the test part."
    )
    if verdict.model:
        name, _, version = verdict.model.rpartition("/")
        out.print(f"Registered in MLflow as {name}, version {version} (alias winner): {opens}")


_NAMES = {"global_mean": "global mean", "biases": "user and movie biases"}
