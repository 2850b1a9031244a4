"""Addresses of files and databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tracking import MlflowRecorder, Store, TrackingError, without_password
from tracking.addresses import local_folder, sqlite_address, sqlite_path

NAMES = ["plain", "a b", "50%", "a%20b", "#1", "été", "雪", "{0}", "a?b", "a+b&c@d:e"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_found_again_from_its_address(name: str) -> None:
    folder = Path("/home") / name / "artifacts"
    assert local_folder(folder.as_uri()) == folder
    assert local_folder(str(folder)) == folder


@pytest.mark.parametrize("name", NAMES)
def test_a_database_is_made_where_its_address_says(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "some.db"
    path.parent.mkdir()
    address = sqlite_address(path)
    assert sqlite_path(address) == path
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE made (here INTEGER)"))
    engine.dispose()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert path.exists()
    assert Store(tmp_path / name).optuna_uri == sqlite_address(tmp_path / name / "optuna.db")


def test_what_lies_elsewhere_is_no_folder_here() -> None:
    assert local_folder("s3://bucket/artifacts") is None
    assert local_folder("mlflow-artifacts:/1") is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:se@cret@host/db", "postgresql://me:***@host/db"),
        ("mysql+pymysql://me:x@host:3306/db", "mysql+pymysql://me:***@host:3306/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me@corp:secret@host/db", "postgresql://me@corp:***@host/db"),
        ("http://me@corp.com:secret@host:5000", "http://me@corp.com:***@host:5000"),
        ("postgresql://me:my secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p/s?s#w@host/db", "postgresql://me:***@host/db"),
        ("at http://[::1]:5000 for me@corp", "at http://[::1]:5000 for me@corp"),
        ("at http://host:5000 for me@corp", "at http://host:5000 for me@corp"),
        ("at http://host:5000, me@corp", "at http://host:5000, me@corp"),
        ("trialbook: it is away, says me@corp", "trialbook: it is away, says me@corp"),
        ("sqlite:////home/a:b@c/db", "sqlite:////home/a:b@c/db"),
        ("http://localhost:5000", "http://localhost:5000"),
        ("me:secret@host/db", "me:***@host/db"),
        ("said: postgresql://me:x@host/db is not", "said: postgresql://me:***@host/db is not"),
        ("postgresql://host/x?password=hunter2", "postgresql://host/x?password=***"),
        (
            "postgresql://bob:hunter2@host:1/x?sslmode=require&PassWord=h@2&connect_timeout=5",
            "postgresql://bob:***@host:1/x?sslmode=require&PassWord=***&connect_timeout=5",
        ),
        ("mysql://host:1/x?passwd=a:b@c&pwd=d", "mysql://host:1/x?passwd=***&pwd=***"),
        ("mysql://host/x?ssl_key_password=a", "mysql://host/x?ssl_key_password=***"),
        ("http://host:5000?access_token=a", "http://host:5000?access_token=***"),
        ("http://host:5000/?client_secret=a b", "http://host:5000/?client_secret=*** b"),
        ("sqlite:////tmp/x.db?sslpassword=a", "sqlite:////tmp/x.db?sslpassword=***"),
        (
            "postgresql://me@h/db?passw%6Frd=hunter%212&sslm%6fde=a",
            "postgresql://me@h/db?password=***&sslmode=a",
        ),
        ("postgresql://me@h/db?sslm%6Fde=a", "postgresql://me@h/db?sslm%6Fde=a"),
        ("postgresql://me@h/db?%70%41sswd=x y", "postgresql://me@h/db?pAsswd=*** y"),
        (
            "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dhunter%212%3BEncrypt%3Dyes&x=1",
            "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3D***%3BEncrypt%3Dyes&x=1",
        ),
        ("postgresql://host/x?application_name=a", "postgresql://host/x?application_name=a"),
        ("sqlite:////home/password=1/secret.db", "sqlite:////home/password=1/secret.db"),
    ],
)
def test_a_password_is_not_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown


def test_an_address_that_is_refused_does_not_show_its_password(tmp_path: Path) -> None:
    for address in (
        "oracle://me:secret@host/db",
        "me:secret@host/db",
        "mysql://me:a@secret@h/db",
        "http://me:80 secret@h",
    ):
        with pytest.raises(TrackingError, match=r"address must|must be in a|as %40") as refused:
            Store(tmp_path, address)
        assert "secret" not in str(refused.value)


def test_an_address_is_shown_without_its_password_by_whatever_holds_it(tmp_path: Path) -> None:
    address = "postgresql+psycopg://me@corp:secret@host/db"
    shown = "postgresql+psycopg://me@corp:***@host/db"
    assert repr(Store(tmp_path, address)) == f"Store({str(tmp_path)!r}, {shown!r})"
    assert Store(tmp_path, address).tracking_uri == address
    assert "secret" not in repr(MlflowRecorder(Store(tmp_path, address)))
