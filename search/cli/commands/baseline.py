"""`trialbook baseline`: print the published configuration, its layer table and its scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from models import as_written, baseline, published
from models.checks import count_of
from search.cli.common import console, emit, json_option, quiet_stderr, waiting
from search.cli.tables import table


@dataclass(frozen=True, slots=True)
class _Size:
    user_rows: int
    movie_rows: int


@click.command(epilog="Example: trialbook baseline --as-written")
@click.option(
    "--as-written",
    "written",
    is_flag=True,
    help="Add the dropout of 0.4 and the layer of 16 units that the published text names.",
)
@json_option
def command(written: bool, as_json: bool) -> int:
    """Print the published trial: its recipe, its layers, its figures."""
    figures = published()
    rows, data = figures["summary_table"]["embedding_rows"], figures["dataset"]
    model_config, train_config = as_written() if written else baseline()
    # TensorFlow tells what it finds, and looks for a GPU.
    with waiting("Loading TensorFlow …"), quiet_stderr():
        from models import build_model, format_layer_table, layer_table

        model = build_model(model_config, _Size(rows["users"], rows["movies"]))
        full = _Size(data["users_after_filter"] + 1, data["movies_after_filter"] + 1)
        big = build_model(model_config, full).count_params()
        layers, drawn = layer_table(model), format_layer_table(model)
    result = figures["result"]
    if as_json:
        emit(
            {
                "model": asdict(model_config),
                "train": asdict(train_config),
                "layers": layers,
                "parameters": model.count_params(),
                "parameters_at_published_vocabulary": big,
                "published": result,
            }
        )
        return 0
    out = console()
    recipe = asdict(model_config) | asdict(train_config)
    pairs = [[name, str(value)] for name, value in recipe.items()]
    out.print(table("Recipe", ["parameter", "value"], pairs))
    out.print(
        f"\nLayers at {rows['movies'] - 1:,} movies and {rows['users'] - 1:,} users, as published:"
    )
    out.print(drawn)
    out.print(
        f"At the published vocabulary ({data['movies_after_filter']:,} movies, "
        f"{data['users_after_filter']:,} users): {big:,} parameters."
    )
    if not written:
        out.print(
            f"Published: validation RMSE {result['reported_val_rmse']:.4f} on MUBI at epoch 54, "
            f"stopped after {count_of(result['epochs_run'], 'epoch')}."
        )
    return 0
