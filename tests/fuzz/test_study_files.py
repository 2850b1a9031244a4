"""Study files of any content: a study, or one line that says what is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import changed, damaged, texts, toml_bytes, values
from refusing import answer, check_no_study, taken_or_refused

from search import SearchError, StudyConfig
from search.config.sections import PRESETS
from search.space.own import declare_own

FUZZ = settings.get_profile("fuzz")
VALID = {
    "name": "movies",
    "trials": 12,
    "timeout_s": 600.0,
    "target": 0.9,
    "duplicates": "repeat",
    "data": "no-such-folder/ratings.csv",
    "split": "random",
    "columns": ["user", "movie", "rating"],
    "drop_scores": [0, 99.0],
    "min_ratings": 2,
    "max_ratings": 500,
    "max_seconds": 30.5,
    "max_parameters": 100_000,
    "growth": [[0.1, 2], [0.3, 2]],
    "epochs": 20,
    "sampler": "tpe",
    "sampler_options": {"n_startup_trials": 4, "multivariate": True},
    "pruner": "median",
    "pruner_options": {"n_warmup_steps": 3},
    "seed": 7,
    "workers": "auto",
    "space": {
        "family": ["gmf", "mlp"],
        "embedding_size": {"min": 4, "max": 32, "step": 2, "log": True},
        "learning_rate": {"min": 0.001, "max": 0.1, "log": True},
        "batch_size": [256, 1024],
        "dropout": 0.2,
    },
}
GOALS = {"objectives": ["val_rmse", "parameters"], "sampler": "tpe", "folds": 3}
OWN = {"model": "own:Model", "objective": "val_loss:min", "data_module": "own:data"}

FILES = st.one_of(
    changed(VALID, with_none=False).map(toml_bytes),
    changed(VALID["space"], with_none=False).map(lambda space: toml_bytes({"space": space})),
    changed(GOALS, with_none=False).map(toml_bytes),
    changed(OWN, with_none=False).map(toml_bytes),
    st.dictionaries(
        st.sampled_from(sorted(StudyConfig.__dataclass_fields__)), values(with_none=False)
    ).map(toml_bytes),
    damaged(toml_bytes(VALID)),
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"trials = " + b"9" * 5000,
            b"growth = " + b"[" * 5000,
            b"space = " + b"{a=" * 5000,
            b"a." * 5000 + b"b = 1",
            b"seed = 2020-01-01T00:00:00Z",
        ]
    ),
)


def _check_taken(config: StudyConfig, folder: Path) -> None:
    """A study that is taken says the same when it is written and read again."""
    if config.model in PRESETS:
        declare_own(config)
    again = folder / "again.toml"
    again.write_text(config.to_toml(), encoding="utf-8")
    assert StudyConfig.from_toml(again).to_dict() == config.to_dict()


@FUZZ
@given(content=FILES)
def test_a_study_file_is_taken_or_refused_in_a_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "study.toml"
        path.write_bytes(content)
        with taken_or_refused():
            _check_taken(StudyConfig.from_toml(path), Path(name))


@FUZZ
@given(content=FILES, name=texts().filter(lambda name: "\0" not in name))
def test_the_command_refuses_it_and_leaves_no_study(
    content: bytes, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(config: StudyConfig, *_: Any) -> Any:
        if config.model in PRESETS:
            declare_own(config)
        raise SearchError("Nothing is trained here.")

    monkeypatch.setattr("search.cli.dry_run.make_plan", plan)
    with tempfile.TemporaryDirectory() as folder:
        path, home = Path(folder) / "study.toml", Path(folder) / "home"
        path.write_bytes(content)
        asked = ["search", str(path), "--dry-run", "--json", "--home", str(home)]
        assert answer(*asked, *(["--study", name] if name else [])).code == 2
        check_no_study(home)
