"""The address of a study on MLflow's pages."""

from __future__ import annotations

import re

from tracking.runs.view.state import CURVES, RANKED

_MODE = "workflowType=machine_learning"
_USER = re.compile(r"(?<=://)[^/?#]*@")


def page_of(server: str, experiment_id: str | None = None, *, curves: bool = False) -> str:
    """The address at which a browser shows a study: its trials ranked, or their curves.

    Args:
        server: Where MLflow's pages are served, say "http://127.0.0.1:5000". A name and a password
            in it are left out: a browser asks for them.
        experiment_id: The study's experiment; None for the list of all.
        curves: Whether it is to show the curves of the best trials and the baseline, and charts.

    Example:
        >>> page_of("http://127.0.0.1:5000", "1")[:37]
        'http://127.0.0.1:5000/#/experiments/1'
    """
    top = f"{_USER.sub('', server).rstrip('/')}/#/experiments"
    if experiment_id is None:
        return f"{top}?{_MODE}"
    view = f"{CURVES}&compareRunsMode=CHART" if curves else RANKED
    return f"{top}/{experiment_id}/runs?{_MODE}&viewStateShareKey={view}"
