"""Addresses of MLflow's pages: of a study, of a run, of a version of a registered model."""

from __future__ import annotations

import re
from urllib.parse import quote

from tracking.runs.view.state import CURVES, RANKED

_MODE = "workflowType=machine_learning"
_SERVED = re.compile(r"https?://", re.IGNORECASE)
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
    top = f"{_top(server)}/experiments"
    if experiment_id is None:
        return f"{top}?{_MODE}"
    view = f"{CURVES}&compareRunsMode=CHART" if curves else RANKED
    return f"{top}/{experiment_id}/runs?{_MODE}&viewStateShareKey={view}"


def study_page(address: str, experiment_id: str | None) -> str | None:
    """The address of a study's page, where a tracking server has the record.

    Args:
        address: MLflow's address.
        experiment_id: The study's experiment, if it has one by now.

    Returns:
        None where no server shows it all the time: `trialbook ui` does.

    Example:
        >>> study_page("sqlite:////home/me/mlruns/mlflow.db", "1") is None
        True
    """
    known = _SERVED.match(address) and experiment_id is not None
    return page_of(address, experiment_id) if known else None


def run_page(address: str, experiment_id: str | None, run_id: str | None) -> str | None:
    """The address of a run's page, where a tracking server has the record.

    Args:
        address: MLflow's address.
        experiment_id: The experiment of the run, if there is one by now.
        run_id: The run, likewise.

    Example:
        >>> run_page("http://me:secret@host:5000/", "1", "0a1b2c")
        'http://host:5000/#/experiments/1/runs/0a1b2c'
    """
    known = _SERVED.match(address) and experiment_id is not None and run_id
    return f"{_top(address)}/experiments/{experiment_id}/runs/{run_id}" if known else None


def version_page(address: str, model: str | None) -> str | None:
    """The address of the page of a registered model's version, where a tracking server has it.

    Args:
        address: MLflow's address.
        model: The model's name and version, "NAME/VERSION"; None where none is registered.

    Example:
        >>> version_page("https://host", "my movies/2")
        'https://host/#/models/my%20movies/versions/2'
    """
    name, _, version = (model or "").rpartition("/")
    known = _SERVED.match(address) and name
    return f"{_top(address)}/models/{quote(name, safe='')}/versions/{version}" if known else None


def _top(server: str) -> str:
    return f"{_USER.sub('', server).rstrip('/')}/#"
