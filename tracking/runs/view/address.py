"""The address of a study on MLflow's pages."""

from __future__ import annotations

from tracking.runs.view.state import NAME


def page_of(server: str, experiment_id: str, *, curves: bool = False) -> str:
    """The address at which a browser shows a study: its trials ranked, or its charts.

    Args:
        server: Where MLflow's pages are served, say "http://127.0.0.1:5000".
        experiment_id: The study's experiment.
        curves: Whether the charts are beside the table.

    Example:
        >>> page_of("http://127.0.0.1:5000", "1")[:37]
        'http://127.0.0.1:5000/#/experiments/1'
    """
    asked = f"workflowType=machine_learning&viewStateShareKey={NAME}"
    more = "&compareRunsMode=CHART" if curves else ""
    return f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs?{asked}{more}"
