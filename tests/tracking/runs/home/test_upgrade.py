"""MLflow's tables of an earlier version are upgraded, after a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tracking import Store, TrackingError
from tracking.runs.home.copies import backed_up
from tracking.runs.home.steps import steps_of
from tracking.runs.home.upgrade import _steps, is_earlier, upgrade
from tracking.runs.quiet import quiet
from tracking.runs.template import revision

BACK = 6
"""How many steps of MLflow the earlier version is before the installed one."""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as an earlier MLflow made it, with an experiment."""
    quiet()
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    path = tmp_path_factory.mktemp("earlier") / "mlflow.db"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, _steps()[BACK])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "VALUES (7, 'movies', '/somewhere', 'active')"
        )
    return path


@pytest.fixture
def home(earlier: Path, tmp_path: Path) -> Path:
    (tmp_path / "artifacts").mkdir()
    with (
        closing(sqlite3.connect(earlier)) as source,
        closing(sqlite3.connect(tmp_path / "mlflow.db")) as target,
    ):
        source.backup(target)
    return tmp_path


def test_the_steps_that_are_read_are_those_that_alembic_finds() -> None:
    import optuna.storages._rdb as tables
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    theirs = ScriptDirectory.from_config(_get_alembic_config(""))
    assert list(_steps()) == [step.revision for step in theirs.walk_revisions()]
    theirs = ScriptDirectory(str(Path(tables.__file__).parent / "alembic"))
    ours = steps_of("optuna", "storages/_rdb/alembic/versions")
    assert list(ours) == [step.revision for step in theirs.walk_revisions()]


def test_a_backup_that_is_there_stays(home: Path) -> None:
    path = home / "mlflow.db"
    first, second, third = (backed_up(path, "next") for _ in range(3))
    assert [each.name for each in (first, second, third)] == [
        "mlflow.db.before-next", "mlflow.db.before-next.2", "mlflow.db.before-next.3"
    ]  # fmt: skip
    assert {revision(each) for each in (first, second, third)} == {_steps()[BACK]}


def test_a_client_upgrades_what_it_needs_and_keeps_what_was(home: Path) -> None:
    path, store = home / "mlflow.db", Store(home)
    assert is_earlier(path)
    assert store.check() == ""
    client = store.client()
    assert client.get_experiment("7").name == "movies"
    assert revision(path) == _steps()[0]
    (backup,) = home.glob("mlflow.db.before-*")
    assert backup.name == f"mlflow.db.before-{_steps()[BACK - 1]}"
    assert revision(backup) == _steps()[BACK]
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT name FROM experiments").fetchall() == [("movies",)]


def test_what_is_up_to_date_is_left_alone(home: Path) -> None:
    path = home / "mlflow.db"
    assert upgrade(path) is not None
    assert not is_earlier(path)
    assert upgrade(path) is None
    assert len(list(home.glob("mlflow.db.before-*"))) == 1


def test_tables_of_a_later_version_are_refused(home: Path) -> None:
    path = home / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    assert upgrade(path) is None
    with pytest.raises(TrackingError, match="are of a later version of it"):
        Store(home).check()
    assert not list(home.glob("mlflow.db.before-*"))
