"""What goes out to other programs, as JSON and as tables."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from search import StudyConfig
from search.cli.main import run
from search.errors import SearchError
from search.export import export, strict_json, trials_table
from search.storage.study_attributes import write_config
from tracking import StudyRecord, TrialRecord


def test_a_number_that_is_none_is_null_wherever_it_stands() -> None:
    values = {
        "nan": math.nan,
        "inf": [-math.inf, (math.inf, 0.0)],
        "numpy": np.float64("nan"),
        "text": "NaN",
        "deep": {"a": [{"b": math.nan}]},
    }

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(strict_json(values), parse_constant=refuse) == {
        "nan": None,
        "inf": [None, [None, 0.0]],
        "numpy": None,
        "text": "NaN",
        "deep": {"a": [{"b": None}]},
    }


def _trial(number: int, params: dict[str, Any], **more: Any) -> TrialRecord:
    return TrialRecord(study="s", number=number, params=params, **more)


RECORD = StudyRecord(
    name="s",
    trials=(
        _trial(
            0, {"size": 8, "rate": 1.0, "on": True, "batch": "full"}, state="complete", value=0.0,
            metrics={"parameters": 74937.0, "best_epoch": 3.0, "seconds_total": 2.0},
        ),
        _trial(1, {"rate": 2, "batch": 256}, state="failed", metrics={"seconds_total": 1.5}),
        _trial(2, {"size": 16}, state="pruned", value=math.nan),
    ),
)  # fmt: skip


def test_whole_numbers_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    table = trials_table(RECORD)
    assert [str(table[name].dtype) for name in ("number", "params.size", "metrics.parameters")] == [
        "Int64"
    ] * 3
    assert str(table["params.rate"].dtype) == str(table["metrics.seconds_total"].dtype) == "float64"
    export(RECORD, (), "csv", tmp_path / "s.csv")
    rows = [line.split(",") for line in (tmp_path / "s.csv").read_text().splitlines()]
    cells = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    assert cells["params.size"] == ["8", "", "16"]
    assert cells["params.on"] == ["True", "", ""]
    assert cells["metrics.parameters"] == ["74937", "", ""]
    assert cells["metrics.best_epoch"] == ["3", "", ""]
    assert cells["value"] == ["0.0", "", ""]
    export(RECORD, (), "json", tmp_path / "s.json")
    first, second, third = json.loads((tmp_path / "s.json").read_text())
    assert [type(first[f"params.{name}"]) for name in ("size", "rate", "on")] == [int, float, bool]
    assert (second["params.size"], third["value"], first["value"]) == (None, None, 0.0)
    export(RECORD, (), "parquet", tmp_path / "s.parquet")
    read = pd.read_parquet(tmp_path / "s.parquet")
    assert str(read["params.size"].dtype) == "Int64"
    assert read["params.batch"].tolist()[:2] == ["full", "256"]
    assert read["params.on"].tolist()[0] is True


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_table_of_one_trial_has_the_types_of_the_whole(number: int, tmp_path: Path) -> None:
    record = replace(
        RECORD,
        trials=(
            *RECORD.trials,
            _trial(3, {"size": 0.5}, state="refused", metrics={"best_epoch": 0.0}),
        ),
    )
    whole, alone = tmp_path / "whole.parquet", tmp_path / "alone.parquet"
    export(record, (), "parquet", whole)
    export(record, (), "parquet", alone, number)
    types = {field.name: str(field.type) for field in parquet.read_schema(whole)}
    assert types["value"] == types["params.rate"] == types["params.size"] == "double"
    assert types["number"] == types["metrics.best_epoch"] == "int64"
    assert types["params.batch"] in ("string", "large_string")
    found = {field.name: str(field.type) for field in parquet.read_schema(alone)}
    numeric = {name for name, kind in types.items() if kind in ("int64", "double")}
    assert found == {
        n: kind if n in numeric else found[n] for n, kind in types.items() if n in found
    }
    row = pd.read_parquet(alone).iloc[0]
    assert row["value"] == 0.0 if number == 0 else math.isnan(row["value"])
    assert row.get("params.batch") == ("full", "256", None)[number]


def test_a_study_without_any_value_has_a_column_of_numbers_for_it() -> None:
    table = trials_table(replace(RECORD, trials=RECORD.trials[1:2]))
    assert str(table["value"].dtype) == "float64"
    assert table["value"].isna().all()


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_table_of_one_trial_has_that_trial_alone(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.{kind}"
    assert export(RECORD, (), kind, path, 2) == 1
    read = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}[kind](path)
    assert read["number"].tolist() == [2]
    assert [name for name in read.columns if name.startswith("params.")] == ["params.size"]
    with pytest.raises(SearchError, match=r"`--trial` must be a trial of s \(0 to 2\), but got 7"):
        export(RECORD, (), kind, path, 7)


def test_what_tensorflow_prints_stays_off_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    study = optuna.create_study(study_name="s", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    write_config(study, StudyConfig(name="s"))

    def chatter(*given: object) -> int:
        os.write(2, b"This TensorFlow binary is optimized")
        return 1

    monkeypatch.setattr("search.export.export", chatter)
    command = ["export", "s", "--format", "keras-tuner", "--home", str(tmp_path)]
    assert run(command) == 0
    told = capfd.readouterr()
    assert told.out.startswith("Wrote 1 trial to s.json")
    assert "TensorFlow" not in told.err


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "name a file"), (".", "name a file"), ("x" * 300, "File name too long")],
)
def test_a_name_that_no_file_can_have_is_refused(name: str, message: str) -> None:
    with pytest.raises(SearchError, match=rf"`--output` must .*{message}"):
        export(RECORD, (), "csv", Path(name))


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"x\.csv is not \(Cannot save file into a non-existent"):
        export(RECORD, (), "csv", tmp_path / "nowhere" / "x.csv")
