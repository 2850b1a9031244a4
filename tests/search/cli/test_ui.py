"""`trialbook ui` of one trial: the address of its run, told before anything is served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up import made_up_study

from search.cli.commands.ui import _run_of, _Shown, _tell
from search.errors import SearchError
from tracking import Store


def test_the_run_of_a_trial_is_opened(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = made_up_study(3)
    record = replace(made, trials=(replace(made.trials[0], run_id="0a1b"), *made.trials[1:]))
    shown = _Shown(Store(home), "7", _run_of(record, 0))
    assert _tell(shown, "http://127.0.0.1:5000", ["mlflow"], False, opens=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "http://127.0.0.1:5000/#/experiments/7/runs/0a1b"
    assert len(lines) == 2  # no curves of a study beside it


def test_a_trial_without_a_run_or_that_is_not_there_is_refused() -> None:
    record = made_up_study(3)
    with pytest.raises(SearchError, match=r"has a run in MLflow, but trial 1 of made up has none"):
        _run_of(record, 1)
    with pytest.raises(SearchError, match=r"must be one of study .*but got 99"):
        _run_of(record, 99)
