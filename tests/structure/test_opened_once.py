"""A command opens Optuna's storage once and makes one recorder at most, however many studies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from calling import Here

from search.config.study import StudyConfig
from search.storage import studies as opened
from search.storage.study_attributes import write_config, write_dataset, write_run
from search.storage.trial_attributes import TrialPlan, write_plan
from tracking import Store

STUDIES = 20
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty studies, each with a complete trial and one under way; MLflow's tables are made."""
    home = tmp_path_factory.mktemp("twenty") / "mlruns"
    Store(home).prepare()
    storage = optuna.storages.RDBStorage(f"sqlite:///{home / 'optuna.db'}")
    for number in range(STUDIES):
        study = optuna.create_study(storage=storage, study_name=f"s{number}")
        write_config(study, StudyConfig(name=study.study_name))
        write_dataset(study, None)
        write_run(study, experiment_id="1", run_id="2")
        study.add_trial(optuna.trial.create_trial(value=1.0 + number))
        write_plan(study.ask(), TrialPlan(run_id="3"))
    return home


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often what costs time was made."""
    counts: Counter[str] = Counter()

    def count(where: Any, name: str) -> None:
        real = getattr(where, name)

        def counting(*args: Any, **options: Any) -> Any:
            counts[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(where, name, counting)

    count(opened, "open_storage")
    count(opened, "MlflowRecorder")
    count(optuna.storages.RDBStorage, "__init__")  # whoever opens it in another way
    return counts


@pytest.mark.parametrize(
    "command",
    [
        ["studies"],
        ["compare", *(f"s{number}" for number in range(STUDIES))],
        ["show", "s3"],
        ["show", "s3", "0"],
        ["export", "s3"],
        ["report", *(f"s{number}" for number in range(STUDIES))],
    ],
    ids=" ".join,
)
def test_a_command_opens_the_storage_once_and_makes_one_recorder_at_most(
    command: list[str],
    home: Path,
    counted: Counter[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # `export` and `report` write here
    answer = Here(capsys)(*command, "--home", str(home))
    assert answer
    if command[0] in ("studies", "compare", "report"):
        assert len(answer["studies"]) == STUDIES
    assert counted["open_storage"] == counted["__init__"] == 1, counted
    assert counted["MlflowRecorder"] <= 1, counted


def test_twenty_studies_with_trials_under_way_share_one_recorder(
    home: Path, counted: Counter[str]
) -> None:
    studies = opened.Studies(Store(home))
    for name in studies.names():
        studies.record_now(name)  # reads the curves of trials under way from MLflow
    assert counted["MlflowRecorder"] == counted["open_storage"] == counted["__init__"] == 1


@pytest.mark.slow
def test_a_study_that_runs_opens_the_storage_once_a_command(
    counted: Counter[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From its first trial to its end: made, gone on with, trained again, deleted."""
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    kept = ["--home", str(tmp_path / "home")]
    model = ["--model", "wine:WineModel", "--objective", "val_accuracy:max", "--epochs", "1"]
    for command in (
        ["search", "--study", "w", "--trials", "1", *model],
        ["search", "--study", "w", "--trials", "2"],
        ["reproduce", "w:0"],
        ["delete", "w", "--yes"],
    ):
        counted.clear()
        assert Here(capsys)(*command, *kept)
        assert counted["open_storage"] == counted["__init__"] == 1, (command, counted)
        assert counted["MlflowRecorder"] == 1, (command, counted)
