"""A study that another process mends, or begins to work on, while it is examined."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.doctor.examination import examine
from search.doctor.findings import Finding, Topic
from search.doctor.in_flight import MENDED_NOW
from search.mending.differences import Difference
from search.mending.reconciler import Reconciler
from search.storage.claims.leases import DOCTOR, leases_of
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from tracking import Store


def _examined(home: Path, *, mends: bool) -> list[Finding]:
    return examine(Studies(Store(home)), [], mends=mends, say=lambda text: None)


def test_a_study_is_mended_by_one_process_at_a_time(
    ill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Studies(Store(ill)).get("ill")
    client = Store(ill).client()
    client.delete_run(str(study.trials[1].user_attrs[Key.RUN]))
    second: list[Finding] = []
    tasks: list[str] = []
    find = Reconciler.find

    def found(own: Reconciler, **how: Any) -> list[Difference]:
        if not tasks:
            tasks.extend(row.task for row in leases_of(study).living("ill"))
            second.extend(_examined(ill, mends=True))
        return find(own, **how)

    monkeypatch.setattr(Reconciler, "find", found)
    first = _examined(ill, mends=True)
    assert tasks == [DOCTOR]
    assert [(each.topic, each.text) for each in second] == [(Topic.BUSY, MENDED_NOW)]
    assert "Trial 1 (complete) has no run." in {each.text for each in first if each.is_mended}
    experiment = client.get_experiment_by_name("ill").experiment_id
    runs = client.search_runs([experiment], "tags.`trialbook.role` = 'trial'")
    assert Counter(run.data.tags["trialbook.number"] for run in runs) == {"0": 1, "1": 1, "2": 1}
    assert leases_of(study).rows("ill") == []


@pytest.mark.parametrize("mends", [False, True])
def test_a_trial_that_ends_while_a_study_is_examined_does_not_count(
    mends: bool, ill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, find = Studies(Store(ill)).get("ill"), Reconciler.find
    new = optuna.trial.create_trial(value=1.0, user_attrs=study.trials[0].user_attrs)

    def found(own: Reconciler, **how: Any) -> list[Difference]:
        if len(study.get_trials()) == 3:
            study.add_trial(new)
        return find(own, **how)

    monkeypatch.setattr(Reconciler, "find", found)
    assert _examined(ill, mends=mends) == []
    assert len(study.get_trials()) == 4
    monkeypatch.undo()
    assert "Trial 3 " in _examined(ill, mends=False)[0].text  # by now it counts
