"""`trialbook worker`: processes that join in a study."""

from __future__ import annotations

import shutil
from pathlib import Path

import optuna
import pytest
from calling import Here

from search.cli.commands.worker import command
from search.cli.main import run
from search.config.study import StudyConfig
from search.storage.claims.leases import leases_of
from search.storage.claims.owner import me
from search.storage.studies import Studies
from search.storage.study_attributes import Key, config_of, write_config
from search.study.joining import _users_code, code_of_now
from search.study.run import run_study
from tracking import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared") / "mlruns"


@pytest.fixture(scope="module")
def begun(home: Path, ratings_file: Path) -> optuna.Study:
    """A study that was begun; what it lacks a test says by `wants`."""
    config = StudyConfig(
        name="movies", trials=1, epochs=2, data=str(ratings_file), sampler="random",
        keep_models="none", workers=1,
    )  # fmt: skip
    run_study(config, home=home)
    return Studies(Store(home)).get("movies")


def wants(study: optuna.Study, more: int) -> int:
    """Raise a study's target; return it."""
    target = len(study.get_trials(deepcopy=False)) + more
    write_config(study, config_of(study).at(trials=target))
    return target


def test_it_trains_what_a_study_lacks_with_the_ratings_where_it_has_them(
    begun: optuna.Study, home: Path, here: Here, ratings_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere.csv"
    shutil.copy(ratings_file, copy)
    target = wants(begun, 2)
    told = here("worker", "movies", "--data", str(copy), "--threads", "1", "--home", str(home))
    assert (told["new_trials"], told["n_complete"]) == (2, target)
    config = config_of(begun)  # the study's own settings stay
    assert (config.data, config.threads) == (str(ratings_file), None)
    assert [t.state.name for t in begun.get_trials(deepcopy=False)] == ["COMPLETE"] * target
    again = here("worker", "movies", "--home", str(home))
    assert again["new_trials"] == 0


def test_what_it_did_is_said_in_a_line(
    begun: optuna.Study, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = wants(begun, 1)
    assert run(["worker", "movies", "--home", str(home)]) == 0
    out = capsys.readouterr().out
    assert f"1 trial trained here; movies has {target} of {target}." in out
    assert "Best: trial " in out


def test_it_refuses_other_ratings(
    begun: optuna.Study, home: Path, ratings_file: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = len(begun.get_trials(deepcopy=False))
    lines = ratings_file.read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join(lines[:-1]) + "\n")
    assert run(["worker", "movies", "--data", str(other), "--home", str(home)]) == 2
    said = capsys.readouterr().err
    assert "the ratings' hash was" in said
    assert "1,500 rows then, 1,499 now" in said
    assert "with `--data`" in said
    assert "--study" not in said  # which `worker` does not have
    assert len(begun.get_trials(deepcopy=False)) == before


def test_it_refuses_other_code_and_a_search_brings_its_own(
    begun: optuna.Study, home: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    wants(begun, 1)
    other = dict(code_of_now()) | {"trialbook": "0.0.9+abc", "keras": "3.0"}
    begun.set_user_attr(Key.CODE.value, other)
    assert run(["worker", "movies", "--home", str(home)]) == 2
    said = capsys.readouterr().err
    assert "the study was run with other code" in said
    assert f"keras is {code_of_now()['keras']} here, and there 3.0" in said
    assert "there 0.0.9+abc" in said
    # Somebody still works with it: nobody else may bring other code.
    leases_of(begun).take({"id": "far", **me(), "namespace": 1, "host": "far", "pid": 5}, "movies")
    assert run(["search", "--study", "movies", "--home", str(home)]) == 2
    assert "process 5 on far has other code" in capsys.readouterr().err
    leases_of(begun).release("far")
    assert here("search", "--study", "movies", "--home", str(home))["new_trials"] == 1
    assert begun.user_attrs[Key.CODE] == dict(code_of_now())


def test_the_users_own_module_is_part_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("MODEL = 1")
    config = StudyConfig(model="mine:MODEL", data_module="mine:data", objective="val_loss:min")
    before = _users_code(config)
    (tmp_path / "mine.py").write_text("MODEL = 2")
    assert list(before) == ["mine"]
    assert _users_code(config) != before
    assert _users_code(StudyConfig()) == {}


def test_sqlite_is_refused_to_a_second_machine(
    begun: optuna.Study, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = {"id": "far", **me(), "boot": "another", "host": "far", "pid": 5}
    leases_of(begun).take(far, "movies")
    assert run(["worker", "movies", "--home", str(home)]) == 2
    leases_of(begun).release("far")
    said = capsys.readouterr().err
    assert "SQLite serves the processes of one machine, but process 5 on far works on" in said
    assert "--storage postgresql://" in said


def test_a_study_must_be_there_and_may_be_waited_for(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["worker", "none", "--home", str(home)]) == 2
    assert "A study must exist, but got 'none'" in capsys.readouterr().err
    import search.study.joining as module

    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    monkeypatch.setattr(module.time, "monotonic", lambda: float(len(waits)))
    assert run(["worker", "none", "--wait", "3", "--home", str(home)]) == 2
    assert len(waits) == 3
    assert capsys.readouterr().err.count("Waiting for the study 'none'") == 1
    for wait in ("-1", "nan"):
        assert run(["worker", "none", "--wait", wait, "--home", str(home)]) == 2
        assert "`--wait` must be a number of seconds" in capsys.readouterr().err


def test_addresses_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALBOOK_STORAGE", "sqlite:///a.db")
    monkeypatch.setenv("TRIALBOOK_TRACKING_URI", "sqlite:///b.db")
    context = command.make_context("worker", ["movies"])
    assert context.params["storage"] == "sqlite:///a.db"
    assert context.params["tracking_uri"] == "sqlite:///b.db"


def test_no_password_is_stored_with_a_study(begun: optuna.Study, home: Path) -> None:
    config = config_of(begun).at(
        storage="postgresql://me:secret@host/a", tracking_uri="http://me:secret@host"
    )
    write_config(begun, config)
    stored = begun.user_attrs[Key.CONFIG]
    assert stored["storage"] is None
    assert stored["tracking_uri"] == "http://me:***@host"
    studies = Studies(Store(home))
    with pytest.raises(ValueError, match="password is not stored"):
        studies.store_of(config_of(begun))
    named = Studies(Store(home, "http://me:secret@host"))
    assert named.store_of(config_of(begun)).tracking_uri == "http://me:secret@host"
