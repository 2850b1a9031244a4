"""The published reproduction's path, on made-up ratings in a file of MUBI's shape."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import optuna
import pytest

from models.data import load_ratings
from search import StudyConfig
from search.reproduce import Again, reproduce
from search.reproduce.baseline import PUBLISHED_TOLERANCE, _recorded_baseline
from search.storage.studies import Studies
from search.storage.study_attributes import write_config
from tracking import Store


@pytest.fixture
def mubi_file(tmp_path: Path) -> Path:
    ratings = load_ratings("synthetic:0.001")
    path = tmp_path / "mubi.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE ratings (movie_id INTEGER, rating_id INTEGER, rating_score REAL, "
        "rating_timestamp_utc TEXT, user_id INTEGER)"
    )
    connection.executemany(
        "INSERT INTO ratings VALUES (?, ?, ?, ?, ?)",
        [
            (
                int(ratings.movie_ids[m]),
                row,
                float(s),
                str(np.datetime64(int(t), "s")).replace("T", " "),
                int(ratings.user_ids[u]),
            )
            for row, (u, m, s, t) in enumerate(
                zip(
                    ratings.user_codes,
                    ratings.movie_codes,
                    ratings.scores,
                    ratings.timestamps,
                    strict=True,
                )
            )
        ],
    )
    connection.commit()
    connection.close()
    return path


@pytest.mark.slow
def test_another_dump_is_not_held_against_the_published_figure(
    mubi_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, data = Store(home), f"mubi:{mubi_file}"
    first = reproduce("baseline", store, again=Again(data=data))
    assert first.is_first
    assert not first.reproduced
    assert first.expected == first.got
    assert "0.8396 belongs to the published data, from which this differs in" in first.notes[0]
    listed = "(rows read: published 15520005, here 8854; `trialbook data inspect mubi:"
    assert listed in first.notes[0]
    assert "recorded just now" in first.notes[1]

    # The same training, on data whose figures are told to be the published ones.
    monkeypatch.setattr("search.reproduce.baseline._checks", lambda *_: ["same: rows read"])
    made = reproduce("baseline", store, again=Again(data=data))
    assert made.expected == pytest.approx(0.8396117)
    assert made.tolerance == PUBLISHED_TOLERANCE
    assert made.difference == pytest.approx(made.got - made.expected)
    assert made.reproduced == (abs(made.difference) <= PUBLISHED_TOLERANCE)
    assert made.got == first.got
    files = {f.path for f in store.client().list_artifacts(made.run_id)}
    assert Path(made.picture).name in files


def test_only_one_training_as_published_counts_as_the_baseline(home: Path) -> None:
    """Studies of folds, repeats, growing samples or fewer epochs hold another baseline."""
    studies = Studies(Store(home))
    others = {"folds": 2, "repeats": 2, "growth": [[0.5, 15]], "epochs": 50, "split": "random"}
    for name, value in {**others, "seed": 7}.items():
        config = StudyConfig(name=name, data="x.csv", **{name: value})
        study = optuna.create_study(study_name=name, storage=studies.storage)
        write_config(study, config)
        outcome = {"state": "complete", "value": 0.9}
        attributes = {"trialbook:plan": {"preset": "baseline"}, "trialbook:outcome": outcome}
        study.add_trial(optuna.trial.create_trial(value=0.9, user_attrs=attributes))
    found = _recorded_baseline(studies, "x.csv")
    assert found is not None
    assert found.config.name == "seed"
    assert _recorded_baseline(studies, "y.csv") is None
